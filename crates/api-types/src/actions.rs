//! Runs of actions and their hooks.

use serde::Deserialize;
use serde::Serialize;
use utoipa::ToSchema;

use crate::Pagination;

/// What ran because of one event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ActionRun {
    /// Id of the run.
    pub run_id: String,
    /// Branch of the event; empty where it had none.
    pub branch: String,
    /// When it began.
    #[schema(format = DateTime)]
    pub start_time: String,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime, nullable = false)]
    pub end_time: Option<String>,
    /// What happened, such as `pre-commit`.
    pub event_type: String,
    /// What became of it.
    #[schema(inline)]
    pub status: RunStatus,
    /// The commit that came of it; empty where there is none.
    pub commit_id: String,
}

/// What became of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// A hook objected.
    Failed,
    /// No hook objected.
    Completed,
}

/// A page of runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ActionRunList {
    /// Where this page lies.
    pub pagination: Pagination,
    /// What is on this page.
    pub results: Vec<ActionRun>,
}

/// A hook of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HookRun {
    /// Its id in its run.
    pub hook_run_id: String,
    /// Name of its action.
    pub action: String,
    /// What its action calls it.
    pub hook_id: String,
    /// When it began; the year 1 if it did not.
    #[schema(format = DateTime)]
    pub start_time: String,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime, nullable = false)]
    pub end_time: Option<String>,
    /// What became of it.
    #[schema(inline)]
    pub status: HookStatus,
}

/// What became of a hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum HookStatus {
    /// It ran and objected.
    Failed,
    /// It ran and did not object.
    Completed,
    /// It did not run.
    Skipped,
}

/// A page of the hooks of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HookRunList {
    /// Where this page lies.
    pub pagination: Pagination,
    /// What is on this page.
    pub results: Vec<HookRun>,
}

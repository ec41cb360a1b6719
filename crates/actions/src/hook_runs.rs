//! The hooks of a run.

use lakehold_clock::Timestamp;
use lakehold_engine::Page;
use lakehold_engine::PageRequest;
use lakehold_engine::RepositoryId;

use crate::Actions;
use crate::ActionsError;
use crate::error::Result;
use crate::records;
use crate::records::LONGEST_ID;
use crate::records::PARTITION;
use crate::records::TaskResultData;

/// What became of a hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HookStatus {
    /// It ran and did not object.
    Completed,
    /// It ran and objected.
    Failed,
    /// It did not run: its condition did not hold, or one before it had failed.
    Skipped,
}

/// A hook of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookRun {
    /// Names it in its run: number of the action and of the hook, such as `0000_0001`.
    pub id: String,
    /// The action it belongs to.
    pub action: String,
    /// What its action calls it.
    pub hook_id: String,
    /// When it began; `None` if it did not.
    pub start_time: Option<Timestamp>,
    /// When it ended; `None` if it did not run.
    pub end_time: Option<Timestamp>,
    /// What became of it.
    pub status: HookStatus,
}

impl HookRun {
    fn from_record(data: TaskResultData) -> Self {
        let start_time = records::moment(data.start_time);
        let status = match (start_time, data.passed) {
            (None, _) => HookStatus::Skipped,
            (_, true) => HookStatus::Completed,
            (_, false) => HookStatus::Failed,
        };
        Self {
            id: data.hook_run_id,
            action: data.action_name,
            hook_id: data.hook_id,
            start_time,
            end_time: records::moment(data.end_time),
            status,
        }
    }
}

impl Actions {
    /// Lists the hooks of a run in the order of their ids; none where there is no such run.
    pub async fn list_hook_runs(
        &self,
        repository: &RepositoryId,
        run: &str,
        page: &PageRequest,
    ) -> Result<Page<HookRun>> {
        self.repository(repository).await?;
        if run.len() > LONGEST_ID {
            return Ok(Page { results: Vec::new(), has_more: false });
        }
        let prefix = records::hooks_prefix(repository, run);
        let listed = self.engine.list_records(PARTITION, &prefix, page, |key, stored| {
            records::decode("hook run", key, stored).map(HookRun::from_record).map(Some)
        });
        Ok(listed.await?)
    }

    /// Returns a hook of a run. Fails with [`ActionsError::HookRunNotFound`].
    pub(crate) async fn hook_run(
        &self,
        repository: &RepositoryId,
        run: &str,
        id: &str,
    ) -> Result<HookRun> {
        let not_found = || ActionsError::HookRunNotFound(id.to_owned());
        if run.len() > LONGEST_ID || id.len() > LONGEST_ID {
            return Err(not_found());
        }
        let key = records::hooks_prefix(repository, run) + id;
        let found = self.engine.store().get(PARTITION, key.clone().into()).await?;
        let stored = found.ok_or_else(not_found)?;
        Ok(HookRun::from_record(records::decode("hook run", key.as_bytes(), &stored.value)?))
    }
}

//! Pull requests.

use std::borrow::Cow;

use serde::Deserialize;
use serde::Serialize;
use utoipa::PartialSchema;
use utoipa::ToSchema;
use utoipa::openapi::AllOfBuilder;
use utoipa::openapi::KnownFormat;
use utoipa::openapi::ObjectBuilder;
use utoipa::openapi::Ref;
use utoipa::openapi::RefOr;
use utoipa::openapi::Schema;
use utoipa::openapi::SchemaFormat;
use utoipa::openapi::schema::Type;

use crate::Pagination;

/// What became of a pull request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PullRequestStatus {
    /// It waits.
    Open,
    /// It was dropped.
    Closed,
    /// Its source is in its destination.
    Merged,
}

/// What can be changed of a pull request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PullRequestBasic {
    /// What became of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(inline, nullable = false)]
    pub status: Option<PullRequestStatus>,
    /// What it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub title: Option<String>,
    /// What else there is to say.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub description: Option<String>,
}

/// A pull request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PullRequest {
    /// What can be changed of it.
    #[serde(flatten)]
    pub basic: PullRequestBasic,
    /// Names it.
    pub id: String,
    /// When it was made.
    pub creation_date: String,
    /// Who made it.
    pub author: String,
    /// The branch to merge.
    pub source_branch: String,
    /// The branch to merge into.
    pub destination_branch: String,
    /// The commit that merged it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub merged_commit_id: Option<String>,
    /// When it was closed or merged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closed_date: Option<String>,
}

/// As the contract has it, in three parts: what derives would write differs.
impl PartialSchema for PullRequest {
    fn schema() -> RefOr<Schema> {
        let text = |about: &str| {
            ObjectBuilder::new().schema_type(Type::String).description(Some(about)).build()
        };
        let moment = |about: &str| {
            let format = SchemaFormat::KnownFormat(KnownFormat::DateTime);
            let moment = ObjectBuilder::new().schema_type(Type::String).format(Some(format));
            moment.description(Some(about)).build()
        };
        let always = ["status", "title", "description"];
        let always =
            always.iter().fold(ObjectBuilder::new(), |schema, name| schema.required(*name));
        let own = ObjectBuilder::new()
            .property("id", text("Names it."))
            .required("id")
            .property("creation_date", moment("When it was made."))
            .required("creation_date")
            .property("author", text("Who made it."))
            .required("author")
            .property("source_branch", text("The branch to merge."))
            .required("source_branch")
            .property("destination_branch", text("The branch to merge into."))
            .required("destination_branch")
            .property("merged_commit_id", text("the commit id of merged PRs"))
            .property("closed_date", moment("When it was closed or merged."));
        AllOfBuilder::new()
            .item(Ref::from_schema_name("PullRequestBasic"))
            .item(always.schema_type(utoipa::openapi::schema::SchemaType::AnyValue))
            .item(own)
            .into()
    }
}

impl ToSchema for PullRequest {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("PullRequest")
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        let basic = PullRequestBasic::name().into_owned();
        schemas.push((basic, PullRequestBasic::schema()));
        PullRequestBasic::schemas(schemas);
    }
}

/// A page of pull requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PullRequestsList {
    /// Where this page lies.
    pub pagination: Pagination,
    /// What is on this page.
    pub results: Vec<PullRequest>,
}

/// What a pull request is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PullRequestCreation {
    /// What it is about.
    pub title: String,
    /// What else there is to say.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub description: Option<String>,
    /// The branch to merge.
    pub source_branch: String,
    /// The branch to merge into.
    pub destination_branch: String,
}

/// A pull request that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PullRequestCreationResponse {
    /// ID of the pull request
    pub id: String,
}

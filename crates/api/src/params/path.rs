//! Parameters in the path: names, checked when they come in.

use std::borrow::Cow;

use lakehold_catalog::BranchId;
use lakehold_catalog::InvalidId;
use lakehold_catalog::MAX_PART_NUMBER;
use lakehold_catalog::PullRequestId;
use lakehold_catalog::RefExpr;
use lakehold_catalog::RepositoryId;
use lakehold_catalog::TagId;
use serde_json::json;
use utoipa::openapi::ObjectBuilder;
use utoipa::openapi::path::Parameter;
use utoipa::openapi::schema::Type;

use super::Source;
use super::Spec;
use super::problem::described;
use super::problem::invalid;
use super::spec::About;
use crate::error::ApiError;
use crate::error::context::argument;

/// A segment of the path that is a name of some kind.
#[derive(Debug)]
pub(crate) struct Segment<T> {
    about: About,
    /// What messages call it, where that is not its name in the path.
    argument: &'static str,
    parse: fn(&str) -> Result<T, InvalidId>,
}

impl<T> Segment<T> {
    const fn new(
        name: &'static str,
        argument: &'static str,
        parse: fn(&str) -> Result<T, InvalidId>,
    ) -> Self {
        Self { about: About { name, description: "" }, argument, parse }
    }
}

impl<T> Spec for Segment<T> {
    type Value = T;

    fn read(&self, source: &Source<'_>) -> Result<T, ApiError> {
        let value = source.segment(self.about.name)?;
        (self.parse)(&value).map_err(argument(self.argument))
    }

    fn document(&self) -> Parameter {
        self.about.in_path()
    }
}

/// A segment of the path that is taken as it is.
#[derive(Debug)]
pub(crate) struct Verbatim(About);

impl Spec for Verbatim {
    type Value = String;

    fn read(&self, source: &Source<'_>) -> Result<String, ApiError> {
        source.segment(self.0.name).map(Cow::into_owned)
    }

    fn document(&self) -> Parameter {
        self.0.in_path()
    }
}

/// The number of a part of an upload.
#[derive(Debug)]
pub(crate) struct PartNumber;

const PART_NUMBER_ABOUT: About = About { name: "partNumber", description: "" };

impl Spec for PartNumber {
    type Value = u32;

    fn read(&self, source: &Source<'_>) -> Result<u32, ApiError> {
        let value = source.segment(PART_NUMBER_ABOUT.name)?;
        let wrong = |reason: &str| invalid(PART_NUMBER_ABOUT.name, "path", reason);
        let Ok(number) = value.parse::<i64>() else {
            return Err(wrong(&format!("value {value}: an invalid integer: invalid syntax")));
        };
        let bound = match number {
            ..1 => "number must be at least 1".to_owned(),
            _ => format!("number must be at most {MAX_PART_NUMBER}"),
        };
        let schema = json!({"type": "integer", "minimum": 1, "maximum": MAX_PART_NUMBER});
        let found = u32::try_from(number).ok().filter(|it| (1..=MAX_PART_NUMBER).contains(it));
        found.ok_or_else(|| wrong(&described(&bound, &schema, &json!(number))))
    }

    fn document(&self) -> Parameter {
        let schema = ObjectBuilder::new()
            .schema_type(Type::Integer)
            .minimum(Some(1))
            .maximum(Some(MAX_PART_NUMBER));
        let mut parameter = PART_NUMBER_ABOUT.in_path();
        parameter.schema = Some(schema.build().into());
        parameter
    }
}

/// Whether a range or a metarange is meant. Both lie in one place, so that it makes no difference.
#[derive(Debug)]
pub(crate) struct TableType;

const TABLE_TYPES: [&str; 2] = ["range", "meta_range"];
const TABLE_TYPE_ABOUT: About = About { name: "type", description: "" };

impl Spec for TableType {
    type Value = ();

    fn read(&self, source: &Source<'_>) -> Result<(), ApiError> {
        let value = source.segment(TABLE_TYPE_ABOUT.name)?;
        if TABLE_TYPES.contains(&&*value) {
            return Ok(());
        }
        let allowed = json!(TABLE_TYPES);
        let reason = format!("value is not one of the allowed values {allowed}");
        let schema = json!({"type": "string", "enum": allowed});
        let reason = described(&reason, &schema, &json!(value));
        Err(invalid(TABLE_TYPE_ABOUT.name, "path", &reason))
    }

    fn document(&self) -> Parameter {
        let schema = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(TABLE_TYPES));
        let mut parameter = TABLE_TYPE_ABOUT.in_path();
        parameter.schema = Some(schema.build().into());
        parameter
    }
}

pub(crate) const REPOSITORY: Segment<RepositoryId> =
    Segment::new("repository", "repository", RepositoryId::parse);
pub(crate) const BRANCH: Segment<BranchId> = Segment::new("branch", "branch", BranchId::parse);
pub(crate) const TAG: Segment<TagId> = Segment::new("tag", "tagID", TagId::parse);
pub(crate) const REF: Segment<RefExpr> = Segment::new("ref", "ref", RefExpr::parse);
pub(crate) const COMMIT: Segment<RefExpr> = Segment::new("commitId", "ref", RefExpr::parse);
pub(crate) const LEFT: Segment<RefExpr> = Segment::new("leftRef", "left", RefExpr::parse);
pub(crate) const RIGHT: Segment<RefExpr> = Segment::new("rightRef", "right", RefExpr::parse);
pub(crate) const SOURCE: Segment<RefExpr> = Segment::new("sourceRef", "source", RefExpr::parse);
pub(crate) const DESTINATION: Segment<BranchId> =
    Segment::new("destinationBranch", "destination", BranchId::parse);
/// The destination of a merge base need be no branch: any expression has ancestors.
pub(crate) const DESTINATION_REF: Segment<RefExpr> =
    Segment::new("destinationBranch", "destination", RefExpr::parse);
pub(crate) const PULL_REQUEST: Segment<PullRequestId> = Segment {
    about: About { name: "pull_request", description: "pull request id" },
    argument: "pullRequestID",
    parse: PullRequestId::parse,
};
pub(crate) const USER: Verbatim = Verbatim(About { name: "userId", description: "" });
pub(crate) const ACCESS_KEY: Verbatim = Verbatim(About { name: "accessKeyId", description: "" });
pub(crate) const UPLOAD: Verbatim = Verbatim(About { name: "uploadId", description: "" });
pub(crate) const PART_NUMBER: PartNumber = PartNumber;
pub(crate) const RUN: Verbatim = Verbatim(About { name: "run_id", description: "" });
pub(crate) const HOOK_RUN: Verbatim = Verbatim(About { name: "hook_run_id", description: "" });
pub(crate) const OBJECT_ID: Verbatim = Verbatim(About { name: "object_id", description: "" });
pub(crate) const TABLE_TYPE: TableType = TableType;
pub(crate) const META_RANGE: Verbatim = Verbatim(About { name: "meta_range", description: "" });
pub(crate) const RANGE: Verbatim = Verbatim(About { name: "range", description: "" });

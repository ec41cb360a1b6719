//! Parameters in the path: names, checked when they come in.

use std::borrow::Cow;

use lakehold_catalog::BranchId;
use lakehold_catalog::InvalidId;
use lakehold_catalog::RefExpr;
use lakehold_catalog::RepositoryId;
use lakehold_catalog::TagId;
use utoipa::openapi::path::Parameter;

use super::Source;
use super::Spec;
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
pub(crate) const META_RANGE: Verbatim = Verbatim(About { name: "meta_range", description: "" });
pub(crate) const RANGE: Verbatim = Verbatim(About { name: "range", description: "" });

//! Branches, tags, and what references resolve to.

use lakehold_catalog::ErrorKind;
use lakehold_catalog::LogRequest;

use super::Again;
use super::Operation;
use super::Outcome;
use super::PLAIN;
use super::all_rows;
use super::at;
use super::branch;
use super::done;
use super::lake_id;
use super::listed;
use super::operations;
use super::refused;
use super::tag;
use crate::every_fault::lake::Lake;

pub(super) const OPERATIONS: &[Operation] = operations! {
    "create branch", Again::Refused(ErrorKind::Conflict) => |lake| {
        lake.branch_at_main("new").await
    };
    "create a branch that is there", Again::Works => |lake| {
        refused(ErrorKind::Conflict, lake.branch_at_main("dev").await)
    };
    "delete branch", Again::Refused(ErrorKind::NotFound) => |lake| {
        done(lake.catalog.delete_branch(&lake_id(), &branch("dev"), false).await)
    };
    "get branch", Again::Works => |lake| {
        Ok(lake.catalog.branch(&lake_id(), &branch("dev")).await?.commit_id.as_str().to_owned())
    };
    "get a branch that is not there", Again::Works => |lake| {
        let nothing = branch("nothing");
        refused(ErrorKind::NotFound, lake.catalog.branch(&lake_id(), &nothing).await)
    };
    "list branches", Again::Works => |lake| {
        let page = lake.catalog.list_branches(&lake_id(), &all_rows(), false).await?;
        listed(&page.results, |branch| branch.id.clone())
    };
    "create tag", Again::Refused(ErrorKind::Conflict) => |lake| {
        done(lake.catalog.create_tag(&lake_id(), &tag("v2"), &at("main"), false).await)
    };
    "create a tag of nothing", Again::Works => |lake| {
        let (id, v2, nothing) = (lake_id(), tag("v2"), at("nothing"));
        let created = lake.catalog.create_tag(&id, &v2, &nothing, false);
        refused(ErrorKind::NotFound, created.await)
    };
    "get tag", Again::Works => |lake| {
        Ok(lake.catalog.tag(&lake_id(), &tag("v1")).await?.commit_id.as_str().to_owned())
    };
    "delete tag", Again::Refused(ErrorKind::NotFound) => |lake| {
        done(lake.catalog.delete_tag(&lake_id(), &tag("v1"), false).await)
    };
    "list tags", Again::Works => |lake| {
        let page = lake.catalog.list_tags(&lake_id(), &all_rows()).await?;
        listed(&page.results, |tag| tag.id.clone())
    };
    "get commit", Again::Works => |lake| {
        Ok(lake.catalog.commit_at(&lake_id(), &at("dev~1")).await?.message.clone())
    };
    "log", Again::Works => |lake| lake.log(LogRequest::default()).await;
    "log of an object", Again::Works => |lake| {
        lake.log(LogRequest { objects: vec!["old".to_owned()], ..LogRequest::default() }).await
    };
    "merge base", Again::Works => |lake| {
        let base = lake.catalog.merge_base(&lake_id(), &at("dev"), &at("main")).await?;
        Ok(format!("{base:?}"))
    };
};

impl Lake {
    async fn branch_at_main(&self, name: &str) -> Outcome {
        let (name, main) = (branch(name), at("main"));
        done(self.catalog.create_branch(&lake_id(), &name, &main, false, false).await)
    }

    async fn log(&self, request: LogRequest) -> Outcome {
        let page = self.catalog.log(&lake_id(), &at("dev"), &request).await?;
        listed(&page.results, |commit| commit.message.clone())
    }
}

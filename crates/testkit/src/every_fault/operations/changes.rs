//! What moves branches, and what shows how they differ.

use lakehold_catalog::CherryPickRequest;
use lakehold_catalog::CommitRequest;
use lakehold_catalog::DiffKind;
use lakehold_catalog::ErrorKind;
use lakehold_catalog::Listed;
use lakehold_catalog::MergeRequest;
use lakehold_catalog::ObjectDiff;
use lakehold_catalog::ResetScope;
use lakehold_catalog::RevertRequest;

use super::Again;
use super::Operation;
use super::Outcome;
use super::PLAIN;
use super::at;
use super::branch;
use super::done;
use super::everything;
use super::lake_id;
use super::listed;
use super::objects::shown;
use super::operations;
use super::refused;
use crate::every_fault::lake::Lake;

pub(super) const OPERATIONS: &[Operation] = operations! {
    "commit", Again::Refused(ErrorKind::Invalid) => |lake| lake.commit("main", "one").await;
    "commit nothing", Again::Works => |lake| {
        refused(ErrorKind::Invalid, lake.commit("clean", "nothing").await)
    };
    "merge", Again::Refused(ErrorKind::Invalid) => |lake| {
        lake.merge_dev("clean", MergeRequest::default()).await
    };
    "merge into a branch with changes", Again::Works => |lake| {
        refused(ErrorKind::Invalid, lake.merge_dev("main", MergeRequest::default()).await)
    };
    "squash", Again::Works, adds_up = true => |lake| {
        lake.merge_dev("clean", MergeRequest { squash: true, ..MergeRequest::default() }).await
    };
    "revert", Again::Refused(ErrorKind::Invalid) => |lake| {
        let request = RevertRequest {
            committer: "me".to_owned(),
            reference: at("v1"),
            parent_number: 0,
            message: None,
            metadata: None,
            allow_empty: false,
            force: false,
        };
        Ok(lake.catalog.revert(&lake_id(), &branch("clean"), request).await?.message.clone())
    };
    "cherry-pick", Again::Works, adds_up = true => |lake| {
        let request = CherryPickRequest {
            committer: "me".to_owned(),
            reference: at("dev"),
            parent_number: None,
            message: None,
            metadata: None,
            force: false,
        };
        Ok(lake.catalog.cherry_pick(&lake_id(), &branch("clean"), request).await?.message.clone())
    };
    "reset", Again::Works => |lake| lake.reset(ResetScope::All).await;
    "reset prefix", Again::Works => |lake| lake.reset(ResetScope::Prefix("st".to_owned())).await;
    "reset key", Again::Works => |lake| lake.reset(ResetScope::Key("staged".to_owned())).await;
    "hard reset", Again::Works => |lake| {
        let (clean, dev) = (branch("clean"), at("dev"));
        done(lake.catalog.hard_reset_branch(&lake_id(), &clean, &dev, false).await)
    };
    "diff", Again::Works => |lake| lake.diff("main", "dev", DiffKind::TwoDot).await;
    "compare", Again::Works => |lake| lake.diff("clean", "dev", DiffKind::ThreeDot).await;
    "diff of what is staged", Again::Works => |lake| {
        let main = branch("main");
        let page = lake.catalog.diff_uncommitted(&lake_id(), &main, &everything()).await?;
        differences(&page.results)
    };
};

impl Lake {
    pub(super) async fn commit(&self, on: &str, message: &str) -> Outcome {
        let request = CommitRequest {
            committer: "me".to_owned(),
            message: message.to_owned(),
            ..CommitRequest::default()
        };
        Ok(self.catalog.commit(&lake_id(), &branch(on), request).await?.message.clone())
    }

    async fn merge_dev(&self, into: &str, request: MergeRequest) -> Outcome {
        let request = MergeRequest { committer: "me".to_owned(), ..request };
        let merged = self.catalog.merge(&lake_id(), &at("dev"), &branch(into), request).await?;
        Ok(merged.commit.message)
    }

    async fn reset(&self, scope: ResetScope) -> Outcome {
        done(self.catalog.reset_branch(&lake_id(), &branch("main"), &scope, false).await)
    }

    async fn diff(&self, left: &str, right: &str, kind: DiffKind) -> Outcome {
        let (left, right) = (at(left), at(right));
        let page = self.catalog.diff(&lake_id(), &left, &right, kind, &everything()).await?;
        differences(&page.results)
    }
}

fn differences(rows: &[Listed<ObjectDiff>]) -> Outcome {
    listed(rows, |row| match row {
        Listed::CommonPrefix(prefix) => prefix.clone(),
        Listed::Record(diff) => format!("{:?} {}", diff.change, shown(&diff.object)),
    })
}

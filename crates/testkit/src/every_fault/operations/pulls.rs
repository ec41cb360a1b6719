//! Pull requests, and merging them.

use lakehold_catalog::ErrorKind;
use lakehold_catalog::NewPullRequest;
use lakehold_catalog::PullRequestFilter;
use lakehold_catalog::PullRequestId;
use lakehold_catalog::PullRequestUpdate;

use super::Again;
use super::Operation;
use super::Outcome;
use super::PLAIN;
use super::Refusal;
use super::all_rows;
use super::branch;
use super::done;
use super::lake_id;
use super::listed;
use super::operations;
use super::refused;
use crate::every_fault::Fault;
use crate::every_fault::MOST_CALLS;
use crate::every_fault::Nth;
use crate::every_fault::Place;
use crate::every_fault::lake::Bench;
use crate::every_fault::lake::Lake;
use crate::every_fault::lake::Life;
use crate::every_fault::lake::Stored;

pub(super) const OPERATIONS: &[Operation] = operations! {
    "create pull request", Again::Works, adds_up = true => |lake| lake.make_pull("clean").await;
    "create pull request to nowhere", Again::Works => |lake| {
        refused(ErrorKind::NotFound, lake.make_pull("nothing").await)
    };
    "list pull requests", Again::Works, make = with_pull => |lake| {
        let all = PullRequestFilter::All;
        let page = lake.catalog.list_pull_requests(&lake_id(), &all_rows(), all).await?;
        listed(&page.results, |pull| pull.title.clone())
    };
    "get pull request", Again::Works, make = with_pull => |lake| {
        let id = lake.only_pull().await?;
        Ok(lake.catalog.pull_request(&lake_id(), &id).await?.title)
    };
    "update pull request", Again::Works, make = with_pull => |lake| {
        let id = lake.only_pull().await?;
        let update =
            PullRequestUpdate { title: Some("other".to_owned()), ..PullRequestUpdate::default() };
        done(lake.catalog.update_pull_request(&lake_id(), &id, &update).await)
    };
    "merge pull request", Again::Refused(ErrorKind::Invalid), is_piecemeal = true, make = with_pull => |lake| {
        lake.merge_pull().await
    };
    "merge pull request once more", Again::Refused(ErrorKind::Invalid), make = with_merge_cut_off => |lake| {
        lake.merge_pull().await
    };
    "settle pull requests", Again::Works, puts_off = true, make = with_merge_cut_off => |lake| {
        done(lake.catalog.settle_pull_requests().await)
    };
};

impl Lake {
    async fn make_pull(&self, into: &str) -> Outcome {
        let new = NewPullRequest {
            title: "change".to_owned(),
            author: "me".to_owned(),
            description: String::new(),
            source: branch("dev"),
            destination: branch(into),
        };
        done(self.catalog.create_pull_request(&lake_id(), new).await)
    }

    async fn merge_pull(&self) -> Outcome {
        let id = self.only_pull().await?;
        done(self.catalog.merge_pull_request(&lake_id(), &id, "me").await)
    }

    async fn only_pull(&self) -> Result<PullRequestId, Refusal> {
        let all = PullRequestFilter::All;
        let page = self.catalog.list_pull_requests(&lake_id(), &all_rows(), all).await?;
        Ok(page.results.into_iter().next().expect("one was made").id)
    }
}

fn with_pull(stored: Stored) -> Stored {
    let bench = Bench::new(Life::Addition);
    let lake = bench.plain(&stored);
    bench.complete(async move { lake.make_pull("clean").await }).expect("made");
    stored
}

/// A pull request that was merged and does not say so.
fn with_merge_cut_off(stored: Stored) -> Stored {
    let stored = with_pull(stored);
    let merge = OPERATIONS.iter().find(|operation| operation.name == "merge pull request");
    let merge = merge.expect("is one of them");
    for nth in 1..MOST_CALLS {
        let (bench, copy) = (Bench::new(Life::CutOff), stored.copy());
        let fates = Nth::new(bench.executor(), Some((nth, Fault::Refused)));
        match bench.run(merge, &copy, Place::Records, fates) {
            Err(error) if error.kind == ErrorKind::OutcomeUnknown => return copy,
            _ => {}
        }
    }
    unreachable!("its record is written after the merge")
}

//! Repositories, their settings, and what is done for all of them.

use std::collections::BTreeMap;

use lakehold_actions::RunFilter;
use lakehold_catalog::CreateRepository;
use lakehold_catalog::ErrorKind;
use lakehold_catalog::Metadata;
use lakehold_catalog::RepositoryId;
use lakehold_gc::RetentionRules;

use super::Again;
use super::Operation;
use super::PLAIN;
use super::all_rows;
use super::at;
use super::done;
use super::lake_id;
use super::listed;
use super::operations;
use super::refused;
use crate::every_fault::lake::Bench;
use crate::every_fault::lake::Life;
use crate::every_fault::lake::Stored;

pub(super) const OPERATIONS: &[Operation] = operations! {
    "create repository", Again::Refused(ErrorKind::Conflict), keeps_namespace = true => |lake| {
        done(lake.catalog.create_repository(new("pond", false)).await)
    };
    "create bare repository", Again::Refused(ErrorKind::Conflict) => |lake| {
        let bare = CreateRepository { bare: true, ..new("pond", false) };
        done(lake.catalog.create_repository(bare).await)
    };
    "create repository with sample data", Again::Refused(ErrorKind::Conflict), keeps_namespace = true => |lake| {
        done(lake.catalog.create_repository(new("pond", true)).await)
    };
    "create repository in a namespace in use", Again::Works => |lake| {
        let taken = CreateRepository { storage_namespace: "mem://lake".to_owned(), ..new("pond", false) };
        refused(ErrorKind::Invalid, lake.catalog.create_repository(taken).await)
    };
    "delete repository", Again::Refused(ErrorKind::NotFound), is_piecemeal = true => |lake| {
        done(lake.catalog.delete_repository(&lake_id(), false).await)
    };
    "get repository", Again::Works => |lake| done(lake.catalog.repository(&lake_id()).await);
    "get a repository that is not there", Again::Works => |lake| {
        refused(ErrorKind::NotFound, lake.catalog.repository(&RepositoryId::from_stored("no")).await)
    };
    "list repositories", Again::Works => |lake| {
        let page = lake.catalog.list_repositories(&all_rows(), "").await?;
        listed(&page.results, |repository| repository.id.clone())
    };
    "set metadata of a repository", Again::Works => |lake| {
        let set = Metadata::from([("k".to_owned(), "v".to_owned())]);
        done(lake.catalog.update_repository_metadata(&lake_id(), &set, &[]).await)
    };
    "get metadata of a repository", Again::Works => |lake| {
        Ok(format!("{:?}", lake.catalog.repository_metadata(&lake_id()).await?))
    };
    "protect", Again::Works => |lake| {
        done(lake.catalog.set_protected_patterns(&lake_id(), &["x*".to_owned()], None).await)
    };
    "protect if nothing is protected", Again::Refused(ErrorKind::Precondition) => |lake| {
        let patterns = ["x*".to_owned()];
        done(lake.catalog.set_protected_patterns(&lake_id(), &patterns, Some(None)).await)
    };
    "get protected patterns", Again::Works => |lake| {
        Ok(format!("{:?}", lake.catalog.protected_patterns(&lake_id()).await?.0))
    };
    "read a table", Again::Works => |lake| {
        let commit = lake.catalog.commit_at(&lake_id(), &at("dev")).await?;
        let table = lake.catalog.table(&lake_id(), commit.meta_range_id.as_str()).await?;
        Ok(format!("{:?}", table.length()))
    };
    "set retention", Again::Works => |lake| {
        done(lake.gc.set_rules(&lake_id(), &retention(7)).await)
    };
    "replace retention", Again::Works, make = with_retention => |lake| {
        done(lake.gc.set_rules(&lake_id(), &retention(7)).await)
    };
    "get retention", Again::Works, make = with_retention => |lake| {
        Ok(format!("{:?}", lake.gc.rules(&lake_id()).await?))
    };
    "get retention that is not there", Again::Works => |lake| {
        refused(ErrorKind::NotFound, lake.gc.rules(&lake_id()).await)
    };
    "delete retention", Again::Works, make = with_retention => |lake| {
        done(lake.gc.delete_rules(&lake_id()).await)
    };
    "list runs", Again::Works => |lake| {
        let page = lake.actions.list_runs(&lake_id(), &RunFilter::All, &all_rows()).await?;
        Ok(page.results.len().to_string())
    };
    "get a run that is not there", Again::Works => |lake| {
        refused(ErrorKind::NotFound, lake.actions.run(&lake_id(), "nothing").await)
    };
    "get an import that is not there", Again::Works => |lake| {
        let id = "d5bjb981081g01o00010";
        refused(ErrorKind::NotFound, lake.catalog.import_status(&lake_id(), id).await)
    };
    "remove what is expired", Again::Works => |lake| {
        Ok(lake.catalog.remove_expired().await?.to_string())
    };
    "wipe what was dropped", Again::Works => |lake| {
        done(lake.engine.sweep_dropped_tokens().await)
    };
};

pub(super) fn new(name: &str, sample_data: bool) -> CreateRepository {
    CreateRepository {
        id: RepositoryId::from_stored(name),
        storage_namespace: format!("mem://{name}"),
        storage_id: String::new(),
        default_branch: "main".to_owned(),
        read_only: false,
        bare: false,
        sample_data,
        committer: "me".to_owned(),
    }
}

fn retention(default_days: i64) -> RetentionRules {
    RetentionRules { default_days, branches: BTreeMap::new() }
}

fn with_retention(stored: Stored) -> Stored {
    let bench = Bench::new(Life::Addition);
    let lake = bench.plain(&stored);
    let set = async move { lake.gc.set_rules(&lake_id(), &retention(30)).await };
    bench.complete(set).expect("set");
    stored
}

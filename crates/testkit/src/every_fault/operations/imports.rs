//! Imports. What they do comes after their answer, so that a fault may put all of it off: the status says
//! so then, and the branch is as it was.

use bytes::Bytes;
use lakehold_block::BlockStore as _;
use lakehold_catalog::Address;
use lakehold_catalog::ErrorKind;
use lakehold_catalog::ImportKind;
use lakehold_catalog::ImportPath;
use lakehold_catalog::NewImport;

use super::Again;
use super::Operation;
use super::PLAIN;
use super::branch;
use super::done;
use super::lake_id;
use super::operations;
use super::refused;
use crate::every_fault::lake::Stored;
use crate::every_fault::lake::at_once;

const SOURCE: &str = "mem://elsewhere/source/";

pub(super) const OPERATIONS: &[Operation] = operations! {
    "import", Again::Works, adds_up = true, puts_off = true, make = with_sources => |lake| {
        done(lake.catalog.start_import(&lake_id(), &branch("clean"), everything()).await)
    };
    "import into a branch with changes", Again::Works, make = with_sources => |lake| {
        done(lake.catalog.start_import(&lake_id(), &branch("main"), everything()).await)
    };
    "cancel an import", Again::Works => |lake| {
        let cancelled = lake.catalog.cancel_import(&lake_id(), "dc0och1ksdudatmrt6u0").await;
        refused(ErrorKind::NotFound, cancelled)
    };
};

/// A folder and an object of it, in the place of a file that is there.
fn everything() -> NewImport {
    let path = |kind, source: &str, destination: &str| ImportPath {
        kind,
        source: format!("{SOURCE}{source}"),
        destination: destination.to_owned(),
    };
    NewImport {
        paths: vec![
            path(ImportKind::Prefix, "", "imported/"),
            path(ImportKind::Object, "1", "old"),
        ],
        committer: "me".to_owned(),
        message: "imported".to_owned(),
        date: Some(1_600_000_000),
        ..NewImport::default()
    }
}

fn with_sources(stored: Stored) -> Stored {
    for name in ["1", "2", "3"] {
        let address = Address::Full(format!("{SOURCE}{name}").into());
        at_once(stored.blocks.put(&address, Bytes::from(name).into())).expect("stored");
    }
    stored
}

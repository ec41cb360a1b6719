//! The catalog itself: its parts, and what its methods share.

use std::fmt;
use std::sync::Arc;

use tokio::sync::Mutex;

use lakehold_block::Address;
use lakehold_block::BlockStore;
use lakehold_block::StoreDescription;
use lakehold_clock::Runtime;
use lakehold_clock::Xid;
use lakehold_clock::XidGenerator;
use lakehold_engine::Engine;
use lakehold_engine::Repository;

use crate::import::Imports;
use crate::object::address::Namer;
use crate::object::signature::Signer;

/// The numbers and secrets of a [`Catalog`] that its operator sets.
#[derive(Clone)]
pub struct CatalogSettings {
    /// Key of link address signatures (`blockstore.signing.secret_key`).
    pub signing_key: Vec<u8>,
    /// Also look for `dummy` at a namespace's root when a repository is created
    /// (`graveler.ensure_readable_root_namespace`).
    pub ensure_readable_root: bool,
}

impl fmt::Debug for CatalogSettings {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("CatalogSettings")
            .field("ensure_readable_root", &self.ensure_readable_root)
            .finish_non_exhaustive()
    }
}

/// Repositories and the objects in them. Cheap to clone; clones are the same catalog.
///
/// Methods that take a [`RepositoryId`](crate::RepositoryId) look the repository up themselves and
/// fail with the engine's `RepositoryNotFound` or `RepositoryInDeletion`.
#[derive(Clone, Debug)]
pub struct Catalog {
    parts: Arc<Parts>,
}

#[derive(Debug)]
struct Parts {
    engine: Engine,
    blocks: Arc<dyn BlockStore>,
    runtime: Runtime,
    ids: XidGenerator,
    namer: Namer,
    signer: Signer,
    settings: CatalogSettings,
    creation: Mutex<()>,
    imports: Imports,
}

impl Catalog {
    /// A catalog over `engine`, whose objects' bytes are in `blocks`.
    pub fn new(
        engine: Engine,
        blocks: Arc<dyn BlockStore>,
        runtime: Runtime,
        settings: CatalogSettings,
    ) -> Self {
        let ids = XidGenerator::new(&runtime);
        let namer = Namer::new(&runtime);
        let signer = Signer::new(&settings.signing_key);
        let creation = Mutex::new(());
        let imports = Imports::default();
        let parts =
            Parts { engine, blocks, runtime, ids, namer, signer, settings, creation, imports };
        Self { parts: Arc::new(parts) }
    }

    /// What clients are told of the block store.
    pub fn store_description(&self) -> StoreDescription {
        self.parts.blocks.description()
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.parts.engine
    }

    pub(crate) fn blocks(&self) -> &dyn BlockStore {
        &*self.parts.blocks
    }

    pub(crate) fn runtime(&self) -> &Runtime {
        &self.parts.runtime
    }

    pub(crate) fn signer(&self) -> &Signer {
        &self.parts.signer
    }

    pub(crate) fn settings(&self) -> &CatalogSettings {
        &self.parts.settings
    }

    /// Held while a namespace is checked and taken, so that two repositories cannot both find it
    /// free. (Between servers that share a store there is no such lock.)
    pub(crate) fn creation(&self) -> &Mutex<()> {
        &self.parts.creation
    }

    pub(crate) fn imports(&self) -> &Imports {
        &self.parts.imports
    }

    /// A fresh id of the present moment.
    pub(crate) fn fresh_id(&self) -> Xid {
        self.parts.ids.next_id()
    }

    /// A fresh id whose time counts down to `end`: a later one sorts before an earlier one.
    pub(crate) fn fresh_descending_id(&self, end: i64) -> Xid {
        self.parts.ids.next_descending(end)
    }

    /// An address in `repository` that nothing was stored at yet.
    pub(crate) fn fresh_address(&self, repository: &Repository) -> Address {
        Address::relative(&repository.storage_namespace, self.fresh_name())
    }

    /// The name of such an address, relative to the namespace.
    pub(crate) fn fresh_name(&self) -> String {
        self.parts.namer.next_name()
    }
}

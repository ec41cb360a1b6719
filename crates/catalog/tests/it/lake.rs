//! A catalog with one repository, and short ways to use it.

use std::sync::Arc;

use bytes::Bytes;

use lakehold_block::BlockStore;
use lakehold_block::MemBlockStore;
use lakehold_block::faults::FailingBlockStore;
use lakehold_catalog::Body;
use lakehold_catalog::BranchId;
use lakehold_catalog::Catalog;
use lakehold_catalog::CatalogError;
use lakehold_catalog::CatalogSettings;
use lakehold_catalog::CommitRequest;
use lakehold_catalog::CreateRepository;
use lakehold_catalog::Engine;
use lakehold_catalog::EngineError;
use lakehold_catalog::KeyQuery;
use lakehold_catalog::Listed;
use lakehold_catalog::Metadata;
use lakehold_catalog::Object;
use lakehold_catalog::PageRequest;
use lakehold_catalog::RefExpr;
use lakehold_catalog::RepositoryId;
use lakehold_catalog::Staged;
use lakehold_catalog::Upload;
use lakehold_clock::ManualClock;
use lakehold_clock::Runtime;
use lakehold_engine::Hooks;
use lakehold_engine::NoHooks;
use lakehold_kv::MemStore;
use lakehold_tree::TreeSettings;
use lakehold_tree::Trees;

/// The present of every test, in seconds since 1970.
pub(crate) const NOW: i64 = 1_700_000_000;

/// A catalog over memory with the repository `lake` at `mem://lake`.
pub(crate) struct Lake {
    pub(crate) catalog: Catalog,
    pub(crate) engine: Engine,
    kv: MemStore,
    pub(crate) blocks: Arc<FailingBlockStore>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) id: RepositoryId,
    pub(crate) main: BranchId,
}

impl Lake {
    /// The repository is there, and empty.
    pub(crate) async fn new() -> Self {
        let lake = Self::without_repository();
        lake.catalog.create_repository(repository("lake", "mem://lake")).await.expect("created");
        lake
    }

    /// Over memory.
    pub(crate) fn without_repository() -> Self {
        Self::over(|runtime| Arc::new(MemBlockStore::with_runtime(runtime)))
    }

    /// Over the block store that `make` makes.
    pub(crate) fn over(make: impl FnOnce(Runtime) -> Arc<dyn BlockStore>) -> Self {
        Self::with_hooks(make, Arc::new(NoHooks))
    }

    /// The same, with hooks.
    pub(crate) fn with_hooks(
        make: impl FnOnce(Runtime) -> Arc<dyn BlockStore>,
        hooks: Arc<dyn Hooks>,
    ) -> Self {
        Self::with_settings(make, hooks, TreeSettings::default())
    }

    /// The same, with trees cut as `settings` say.
    pub(crate) fn with_settings(
        make: impl FnOnce(Runtime) -> Arc<dyn BlockStore>,
        hooks: Arc<dyn Hooks>,
        settings: TreeSettings,
    ) -> Self {
        let (runtime, clock) = Runtime::seeded(1);
        let blocks = Arc::new(FailingBlockStore::new(make(runtime.clone())));
        let trees = Trees::new(blocks.clone(), runtime.clone(), settings);
        Self::on(MemStore::default(), blocks, trees, hooks, (runtime, clock))
    }

    /// Another server over the same stores, with nothing in memory.
    pub(crate) fn restarted(&self) -> Self {
        let (runtime, clock) = Runtime::seeded(2);
        let trees = Trees::new(self.blocks.clone(), runtime.clone(), TreeSettings::default());
        let (kv, blocks) = (self.kv.clone(), self.blocks.clone());
        Self::on(kv, blocks, trees, Arc::new(NoHooks), (runtime, clock))
    }

    fn on(
        kv: MemStore,
        blocks: Arc<FailingBlockStore>,
        trees: Trees,
        hooks: Arc<dyn Hooks>,
        (runtime, clock): (Runtime, Arc<ManualClock>),
    ) -> Self {
        let engine = Engine::new(Arc::new(kv.clone()), trees, hooks, runtime.clone());
        let settings = CatalogSettings {
            signing_key: b"OVERRIDE_THIS_SIGNING_SECRET_DEFAULT".to_vec(),
            ensure_readable_root: true,
        };
        let catalog = Catalog::new(engine.clone(), blocks.clone(), runtime, settings);
        let (id, main) = (repository_id("lake"), branch("main"));
        Self { catalog, engine, kv, blocks, clock, id, main }
    }

    pub(crate) async fn upload(&self, path: &str, bytes: &'static str) -> Object {
        self.try_upload(upload(path, bytes)).await.expect("uploaded")
    }

    pub(crate) async fn try_upload(&self, upload: Upload) -> Result<Object, CatalogError> {
        self.catalog.upload(&self.id, &self.main, upload).await
    }

    pub(crate) async fn object(&self, path: &str) -> Result<Object, CatalogError> {
        self.catalog.object(&self.id, &reference("main"), path).await
    }

    /// The bytes at `path`.
    pub(crate) async fn read(&self, path: &str) -> Bytes {
        let object = self.object(path).await.expect("is there");
        let body = self.catalog.open(&object, None).await.expect("has bytes");
        body.collect(1 << 20).await.expect("readable")
    }

    pub(crate) async fn commit(&self, message: &str) {
        let request = CommitRequest {
            committer: "tester".to_owned(),
            message: message.to_owned(),
            ..CommitRequest::default()
        };
        self.catalog.commit(&self.id, &self.main, request).await.expect("committed");
    }

    /// All paths on `main`.
    pub(crate) async fn paths(&self) -> Vec<String> {
        let main = reference("main");
        let page = self.catalog.list_objects(&self.id, &main, &query("")).await.expect("listed");
        page.results
            .into_iter()
            .map(|row| match row {
                Listed::Record(object) => object.path,
                Listed::CommonPrefix(prefix) => prefix,
            })
            .collect()
    }

    /// Names of the object data in the block store.
    pub(crate) async fn stored_data(&self) -> Vec<String> {
        let namespace = lakehold_catalog::StorageNamespace::from_stored("mem://lake");
        let listed = self.blocks.list(&namespace, "data/", "", 10_000).await.expect("listed");
        listed.into_iter().map(|found| found.name).collect()
    }
}

pub(crate) fn repository_id(name: &str) -> RepositoryId {
    RepositoryId::parse(name).expect("valid name")
}

pub(crate) fn branch(name: &str) -> BranchId {
    BranchId::parse(name).expect("valid name")
}

pub(crate) fn reference(text: &str) -> RefExpr {
    RefExpr::parse(text).expect("valid expression")
}

/// A plain repository.
pub(crate) fn repository(id: &str, namespace: &str) -> CreateRepository {
    CreateRepository {
        id: repository_id(id),
        storage_namespace: namespace.to_owned(),
        storage_id: String::new(),
        default_branch: String::new(),
        read_only: false,
        bare: false,
        sample_data: false,
        committer: "tester".to_owned(),
    }
}

/// An unconditional upload without metadata.
pub(crate) fn upload(path: &str, bytes: &'static str) -> Upload {
    Upload {
        path: path.to_owned(),
        body: Body::from(Bytes::from_static(bytes.as_bytes())),
        content_type: "text/plain".to_owned(),
        metadata: Metadata::new(),
        if_absent: false,
        force: false,
    }
}

/// An unconditional staging of three bytes.
pub(crate) fn staged(path: &str, physical_address: &str) -> Staged {
    Staged {
        path: path.to_owned(),
        physical_address: physical_address.to_owned(),
        checksum: "900150983cd24fb0d6963f7d28e17f72".to_owned(),
        size: 3,
        modified: None,
        metadata: Metadata::new(),
        content_type: String::new(),
        if_absent: false,
        force: false,
    }
}

/// The first 1000 keys.
pub(crate) fn query(delimiter: &str) -> KeyQuery {
    let page = PageRequest { amount: 1000, ..PageRequest::default() };
    KeyQuery { page, delimiter: delimiter.to_owned() }
}

pub(crate) fn metadata(pairs: &[(&str, &str)]) -> Metadata {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// Whether the engine said that nothing is at the path.
pub(crate) fn is_absent<T>(found: &Result<T, CatalogError>) -> bool {
    matches!(found, Err(CatalogError::Engine(EngineError::KeyNotFound(_))))
}

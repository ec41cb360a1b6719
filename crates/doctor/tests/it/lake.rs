//! An installation with all kinds of things in it, ways to damage it, and to ask the doctor.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use lakehold_auth::Auth;
use lakehold_auth::AuthSettings;
use lakehold_auth::DEFAULT_LOGIN_DURATION;
use lakehold_auth::Setup;
use lakehold_block::Address;
use lakehold_block::BlockStore as _;
use lakehold_block::MemBlockStore;
use lakehold_block::StorageNamespace;
use lakehold_catalog::Body;
use lakehold_catalog::BranchId;
use lakehold_catalog::Catalog;
use lakehold_catalog::CatalogSettings;
use lakehold_catalog::Commit;
use lakehold_catalog::CommitRequest;
use lakehold_catalog::CreateRepository;
use lakehold_catalog::Engine;
use lakehold_catalog::MergeRequest;
use lakehold_catalog::Metadata;
use lakehold_catalog::RefExpr;
use lakehold_catalog::RepositoryId;
use lakehold_catalog::Staged;
use lakehold_catalog::TagId;
use lakehold_catalog::Upload;
use lakehold_clock::ManualClock;
use lakehold_clock::Runtime;
use lakehold_doctor::Doctor;
use lakehold_doctor::Finding;
use lakehold_doctor::Kind;
use lakehold_doctor::Options;
use lakehold_doctor::Report;
use lakehold_doctor::Severity;
use lakehold_engine::NoHooks;
use lakehold_kv::MemStore;
use lakehold_kv::Store;
use lakehold_kv::StoreExt as _;
use lakehold_tree::TreeSettings;
use lakehold_tree::Trees;

pub(crate) const ACCESS_KEY: &str = "AKIAJTESTTESTTESTTEQ";
pub(crate) const SECRET: &str = "the secret of the test";

/// An installation in memory.
pub(crate) struct Lake {
    pub(crate) kv: MemStore,
    pub(crate) blocks: Arc<MemBlockStore>,
    pub(crate) catalog: Catalog,
    pub(crate) engine: Engine,
    pub(crate) runtime: Runtime,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) id: RepositoryId,
}

impl Lake {
    /// Set up, with the repository `lake` at `mem://lake`, which is empty.
    pub(crate) async fn new() -> Self {
        let lake = Self::over(MemStore::new());
        let settings = AuthSettings {
            secret_key: b"a secret key of the server".to_vec(),
            login_duration: DEFAULT_LOGIN_DURATION,
        };
        let auth = Auth::new(Arc::new(lake.kv.clone()), lake.runtime.clone(), settings);
        let key = Some((ACCESS_KEY.to_owned(), SECRET.to_owned()));
        let setup = Setup { username: "admin".to_owned(), key, email: None };
        auth.setup(setup).await.expect("set up");
        auth.installation_id().await.expect("an id");
        lake.create("lake").await;
        lake
    }

    /// A server over `kv` and empty block stores.
    pub(crate) fn over(kv: MemStore) -> Self {
        let (runtime, clock) = Runtime::seeded(1);
        let blocks = Arc::new(MemBlockStore::with_runtime(runtime.clone()));
        // A handful of objects makes several ranges.
        let tree_settings =
            TreeSettings { max_range_bytes: 700, raggedness: 5, ..TreeSettings::default() };
        let trees = Trees::new(blocks.clone(), runtime.clone(), tree_settings);
        let engine = Engine::new(Arc::new(kv.clone()), trees, Arc::new(NoHooks), runtime.clone());
        let settings = CatalogSettings { signing_key: b"key".to_vec(), ensure_readable_root: true };
        let catalog = Catalog::new(engine.clone(), blocks.clone(), runtime.clone(), settings);
        let id = RepositoryId::parse("lake").expect("valid");
        Self { kv, blocks, catalog, engine, runtime, clock, id }
    }

    /// With history, merges, tags, protection, metadata, staged changes and removals, and sealed tokens.
    pub(crate) async fn filled() -> Self {
        let lake = Self::new().await;
        for number in 0..40 {
            lake.upload("main", &format!("data/{number:03}"), &format!("object {number}")).await;
        }
        lake.commit("main", "first").await;
        lake.branch("dev", "main").await;
        lake.upload("dev", "data/007", "changed on dev").await;
        lake.upload("dev", "new/a", "").await;
        lake.commit("dev", "on dev").await;
        lake.upload("main", "data/020", "changed on main").await;
        lake.commit("main", "on main").await;
        lake.merge("dev", "main").await;
        lake.tag("v1", "main").await;
        lake.upload("main", "staged/a", "staged a").await;
        lake.upload("main", "staged/b", "staged b").await;
        lake.remove("main", "data/001").await;
        let patterns = ["release-*".to_owned()];
        let protected = lake.catalog.set_protected_patterns(&lake.id, &patterns, None).await;
        protected.expect("protected");
        let metadata = Metadata::from([("owner".to_owned(), "tester".to_owned())]);
        let set = lake.catalog.update_repository_metadata(&lake.id, &metadata, &[]).await;
        set.expect("set");
        lake.seal("main").await;
        lake
    }

    pub(crate) async fn create(&self, name: &str) {
        let new = CreateRepository {
            id: RepositoryId::parse(name).expect("valid"),
            storage_namespace: format!("mem://{name}"),
            storage_id: String::new(),
            default_branch: String::new(),
            read_only: false,
            bare: false,
            sample_data: false,
            committer: "tester".to_owned(),
        };
        self.catalog.create_repository(new).await.expect("created");
    }

    pub(crate) async fn upload(&self, on: &str, path: &str, bytes: &str) -> Address {
        let upload = Upload {
            path: path.to_owned(),
            body: Body::from(Bytes::from(bytes.to_owned())),
            content_type: "text/plain".to_owned(),
            metadata: Metadata::from([("by".to_owned(), "test".to_owned())]),
            if_absent: false,
            force: false,
        };
        self.catalog.upload(&self.id, &branch(on), upload).await.expect("uploaded").address
    }

    pub(crate) async fn remove(&self, on: &str, path: &str) {
        self.catalog
            .delete(&self.id, &branch(on), &[path.to_owned()], false, false)
            .await
            .expect("removed");
    }

    pub(crate) async fn commit(&self, on: &str, message: &str) -> Arc<Commit> {
        let request = request(message);
        self.catalog.commit(&self.id, &branch(on), request).await.expect("committed")
    }

    pub(crate) async fn branch(&self, name: &str, source: &str) {
        let (name, source) = (branch(name), expr(source));
        let made = self.catalog.create_branch(&self.id, &name, &source, false, false).await;
        made.expect("made");
    }

    pub(crate) async fn tag(&self, name: &str, source: &str) {
        let name = TagId::parse(name).expect("valid");
        self.catalog.create_tag(&self.id, &name, &expr(source), false).await.expect("tagged");
    }

    pub(crate) async fn merge(&self, source: &str, destination: &str) {
        let request = MergeRequest { committer: "tester".to_owned(), ..MergeRequest::default() };
        let (source, destination) = (expr(source), branch(destination));
        let merged = self.catalog.merge(&self.id, &source, &destination, request).await;
        merged.expect("merged");
    }

    /// The commit that `reference` names.
    pub(crate) async fn commit_at(&self, reference: &str) -> Arc<Commit> {
        self.catalog.commit_at(&self.id, &expr(reference)).await.expect("a commit")
    }

    /// Where the bytes of an object are.
    pub(crate) async fn address(&self, reference: &str, path: &str) -> Address {
        self.catalog.object(&self.id, &expr(reference), path).await.expect("there").address
    }

    /// Leaves the branch as an interrupted commit does: its staging token sealed, and a fresh one.
    async fn seal(&self, branch: &str) {
        let key = format!("branches/{branch}");
        let stored = self.get(&self.partition().await, &key).await;
        let mut record = BranchData::decode_from(&stored);
        record.sealed_tokens.insert(0, record.staging_token.clone());
        record.staging_token = format!("lake-{branch}:00000000-0000-4000-8000-000000000000");
        self.put(&self.partition().await, &key, record.encode()).await;
    }

    /// The staging token of a branch, as its record has it.
    pub(crate) async fn staging_token(&self, branch: &str) -> Bytes {
        let stored = self.get(&self.partition().await, &format!("branches/{branch}")).await;
        BranchData::decode_from(&stored).staging_token.into()
    }

    /// Stages what a client says of bytes it stored by itself.
    pub(crate) async fn stage(&self, path: &str, address: &Address, size: u64, checksum: &str) {
        let staged = Staged {
            path: path.to_owned(),
            physical_address: address.to_string(),
            checksum: checksum.to_owned(),
            size,
            modified: None,
            metadata: Metadata::new(),
            content_type: String::new(),
            if_absent: false,
            force: false,
        };
        self.catalog.stage(&self.id, &branch("main"), staged).await.expect("staged");
    }

    /// The partition of the repository's records.
    pub(crate) async fn partition(&self) -> Bytes {
        let repository = self.catalog.repository(&self.id).await.expect("there");
        repository.partition.clone()
    }

    pub(crate) async fn get(&self, partition: &[u8], key: &str) -> Bytes {
        let partition = Bytes::copy_from_slice(partition);
        let found = self.kv.get(partition, key.to_owned().into()).await.expect("read");
        found.expect("a record").value
    }

    pub(crate) async fn put(&self, partition: &[u8], key: &str, value: impl Into<Bytes>) {
        let partition = Bytes::copy_from_slice(partition);
        self.kv.set(partition, key.to_owned().into(), value.into()).await.expect("written");
    }

    pub(crate) async fn delete(&self, partition: &[u8], key: &str) {
        let partition = Bytes::copy_from_slice(partition);
        self.kv.delete(partition, key.to_owned().into()).await.expect("removed");
    }

    /// Replaces one text in a record by another of the same length.
    pub(crate) async fn replace(&self, key: &str, from: &str, to: &str) {
        assert_eq!(from.len(), to.len());
        let partition = self.partition().await;
        let stored = self.get(&partition, key).await;
        let at = stored.windows(from.len()).position(|window| window == from.as_bytes());
        let at = at.expect("the text is in the record");
        let mut changed = stored.to_vec();
        changed[at..at + to.len()].copy_from_slice(to.as_bytes());
        self.put(&partition, key, changed).await;
    }

    /// The address of a table of the repository.
    pub(crate) fn table(&self, id: &str) -> Address {
        Address::relative(&namespace(), format!("_lakefs/{id}"))
    }

    pub(crate) async fn bytes(&self, address: &Address) -> Bytes {
        let body = self.blocks.get(address, None).await.expect("there");
        body.collect(1 << 20).await.expect("small")
    }

    pub(crate) async fn store(&self, address: &Address, bytes: impl Into<Bytes>) {
        self.blocks.put(address, Body::from(bytes.into())).await.expect("stored");
    }

    pub(crate) async fn lose(&self, address: &Address) {
        self.blocks.delete(address).await.expect("removed");
    }

    /// Lets so much time pass that nothing is young any more.
    pub(crate) fn wait(&self) {
        self.clock.advance(Duration::from_secs(30 * 24 * 60 * 60));
    }

    pub(crate) async fn examine(&self) -> Report {
        self.examine_with(Options::default()).await
    }

    pub(crate) async fn examine_deep(&self) -> Report {
        self.examine_with(Options { deep: true, ..Options::default() }).await
    }

    pub(crate) async fn examine_with(&self, options: Options) -> Report {
        self.examine_through(Arc::new(self.kv.clone()), options).await
    }

    pub(crate) async fn examine_through(&self, kv: Arc<dyn Store>, options: Options) -> Report {
        let doctor = Doctor::new(kv, self.blocks.clone(), &self.runtime, options);
        doctor.examine(|_| {}).await.expect("examined")
    }

    /// The one finding of an examination.
    pub(crate) async fn only_finding(&self) -> Finding {
        only(self.examine().await)
    }

    /// The kinds of all findings but those for information.
    pub(crate) async fn troubles(&self) -> BTreeSet<Kind> {
        let report = self.examine().await;
        let bad = report.findings.iter().filter(|found| found.severity > Severity::Info);
        bad.map(|found| found.kind).collect()
    }
}

/// The record of a branch, to be changed.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct BranchData {
    #[prost(string, tag = "1")]
    pub(crate) id: String,
    #[prost(string, tag = "2")]
    pub(crate) commit_id: String,
    #[prost(string, tag = "3")]
    pub(crate) staging_token: String,
    #[prost(string, repeated, tag = "4")]
    pub(crate) sealed_tokens: Vec<String>,
}

impl BranchData {
    pub(crate) fn decode_from(stored: &[u8]) -> Self {
        prost::Message::decode(stored).expect("a branch")
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        prost::Message::encode_to_vec(self)
    }
}

pub(crate) fn namespace() -> StorageNamespace {
    StorageNamespace::from_stored("mem://lake")
}

pub(crate) fn branch(name: &str) -> BranchId {
    BranchId::parse(name).expect("valid")
}

pub(crate) fn expr(text: &str) -> RefExpr {
    RefExpr::parse(text).expect("valid")
}

pub(crate) fn request(message: &str) -> CommitRequest {
    CommitRequest {
        committer: "tester".to_owned(),
        message: message.to_owned(),
        ..CommitRequest::default()
    }
}

/// The one finding of a report.
pub(crate) fn only(report: Report) -> Finding {
    assert_eq!(report.findings.len(), 1, "{report}");
    report.findings.into_iter().next().expect("one")
}

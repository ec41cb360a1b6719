//! A repository to work on, and the operations in the shortest spelling.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use lakehold_block::BlockStore;
use lakehold_block::MemBlockStore;
use lakehold_block::StorageNamespace;
use lakehold_clock::Clock;
use lakehold_clock::Random;
use lakehold_clock::Runtime;
use lakehold_clock::Spawner;
use lakehold_clock::Timestamp;
use lakehold_engine::Branch;
use lakehold_engine::BranchId;
use lakehold_engine::CherryPickRequest;
use lakehold_engine::Commit;
use lakehold_engine::CommitRequest;
use lakehold_engine::DiffKind;
use lakehold_engine::DiffRow;
use lakehold_engine::Engine;
use lakehold_engine::EngineError;
use lakehold_engine::Hooks;
use lakehold_engine::KeyQuery;
use lakehold_engine::Listed;
use lakehold_engine::MergeRequest;
use lakehold_engine::Merged;
use lakehold_engine::NewRepository;
use lakehold_engine::NoHooks;
use lakehold_engine::Page;
use lakehold_engine::PageRequest;
use lakehold_engine::RefExpr;
use lakehold_engine::Repository;
use lakehold_engine::RepositoryId;
use lakehold_engine::ResetScope;
use lakehold_engine::RevertRequest;
use lakehold_engine::StageCondition;
use lakehold_engine::Strategy;
use lakehold_engine::Value;
use lakehold_kv::MemStore;
use lakehold_kv::Store;
use lakehold_tree::TreeSettings;
use lakehold_tree::Trees;

pub(crate) type Result<T, E = EngineError> = std::result::Result<T, E>;

/// An engine and one repository in it, with a branch `main`.
#[derive(Clone, Debug)]
pub(crate) struct Lake {
    pub(crate) engine: Engine,
    pub(crate) repository: Arc<Repository>,
    pub(crate) blocks: Arc<dyn BlockStore>,
}

pub(crate) fn branch(name: &str) -> BranchId {
    BranchId::parse(name).expect("valid name")
}

pub(crate) fn expr(text: &str) -> RefExpr {
    RefExpr::parse(text).expect("no white space")
}

pub(crate) fn value(text: &str) -> Value {
    Value { identity: Bytes::from(format!("id of {text}")), data: Bytes::from(text.to_owned()) }
}

pub(crate) fn text(value: &Value) -> String {
    String::from_utf8(value.data.to_vec()).expect("text")
}

/// Settings under which a handful of records makes several ranges.
fn small_ranges() -> TreeSettings {
    TreeSettings { max_range_bytes: 120, raggedness: 3, ..TreeSettings::default() }
}

/// A clock on which waiting takes no time.
#[derive(Debug)]
struct HastyClock(Runtime);

impl Clock for HastyClock {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn monotonic(&self) -> Duration {
        self.0.monotonic()
    }

    fn sleep(&self, _duration: Duration) -> BoxFuture<'static, ()> {
        tokio::task::yield_now().boxed()
    }
}

#[derive(Debug)]
struct RealRandom(Runtime);

impl Random for RealRandom {
    fn fill(&self, bytes: &mut [u8]) {
        self.0.fill_random(bytes);
    }
}

#[derive(Debug)]
struct RealSpawner(Runtime);

impl Spawner for RealSpawner {
    fn spawn(&self, name: &'static str, task: BoxFuture<'static, ()>) {
        self.0.spawn(name, task);
    }

    fn blocking(&self, work: Box<dyn FnOnce() + Send + 'static>) {
        let runtime = self.0.clone();
        self.0.spawn("blocking", async move { runtime.blocking(work).await });
    }
}

/// The real thing, but for waiting.
pub(crate) fn hasty_runtime() -> Runtime {
    let real = Runtime::real();
    let clock = Arc::new(HastyClock(real.clone()));
    let random = Arc::new(RealRandom(real.clone()));
    Runtime::new(clock, random, Arc::new(RealSpawner(real)))
}

pub(crate) fn engine(
    kv: Arc<dyn Store>,
    blocks: Arc<dyn BlockStore>,
    hooks: Arc<dyn Hooks>,
) -> Engine {
    let runtime = hasty_runtime();
    let trees = Trees::new(blocks, runtime.clone(), small_ranges());
    Engine::new(kv, trees, hooks, runtime)
}

pub(crate) fn new_repository(name: &str) -> NewRepository {
    NewRepository {
        id: RepositoryId::parse(name).expect("valid name"),
        storage_namespace: StorageNamespace::parse(&format!("mem://{name}")).expect("valid"),
        storage_id: String::new(),
        default_branch: branch("main"),
        read_only: false,
        bare: false,
    }
}

pub(crate) fn commit_request(message: &str) -> CommitRequest {
    CommitRequest {
        committer: "tester".to_owned(),
        message: message.to_owned(),
        ..CommitRequest::default()
    }
}

impl Lake {
    pub(crate) async fn new() -> Self {
        Self::over(Arc::new(MemStore::new())).await
    }

    pub(crate) async fn over(kv: Arc<dyn Store>) -> Self {
        Self::with(kv, Arc::new(NoHooks)).await
    }

    pub(crate) async fn with(kv: Arc<dyn Store>, hooks: Arc<dyn Hooks>) -> Self {
        let blocks: Arc<dyn BlockStore> = Arc::new(MemBlockStore::new());
        let engine = engine(kv, blocks.clone(), hooks);
        let repository = engine.create_repository(new_repository("lake")).await.expect("created");
        Self { engine, repository, blocks }
    }

    /// The same repository seen through another engine over `kv`.
    pub(crate) fn through(&self, kv: Arc<dyn Store>) -> Self {
        let engine = engine(kv, self.blocks.clone(), Arc::new(NoHooks));
        Self { engine, ..self.clone() }
    }

    pub(crate) async fn put(&self, on: &str, key: &str, text: &str) -> Result<()> {
        let key = Bytes::from(key.to_owned());
        let always = StageCondition::Always;
        self.engine.stage(&self.repository, &branch(on), key, value(text), always, false).await
    }

    pub(crate) async fn create(&self, on: &str, key: &str, text: &str) -> Result<()> {
        let key = Bytes::from(key.to_owned());
        let absent = StageCondition::Absent;
        self.engine.stage(&self.repository, &branch(on), key, value(text), absent, false).await
    }

    pub(crate) async fn delete(&self, on: &str, keys: &[&str]) -> Result<()> {
        let keys: Vec<Bytes> = keys.iter().map(|key| Bytes::from((*key).to_owned())).collect();
        self.engine.delete(&self.repository, &branch(on), &keys, false, false).await
    }

    pub(crate) async fn append(&self, on: &str, key: &str, suffix: &str) -> Result<Value> {
        let key = Bytes::from(key.to_owned());
        let suffix = suffix.to_owned();
        let change = move |old: Value| Ok(value(&format!("{}{suffix}", text(&old))));
        self.engine.update(&self.repository, &branch(on), key, &change, false).await
    }

    /// The text at `key`; `None` if there is none.
    pub(crate) async fn get(&self, reference: &str, key: &str) -> Option<String> {
        match self.engine.get(&self.repository, &expr(reference), key.as_bytes()).await {
            Ok(value) => Some(text(&value)),
            Err(EngineError::KeyNotFound(_)) => None,
            Err(other) => panic!("{other}: {other:?}"),
        }
    }

    pub(crate) async fn commit(&self, on: &str, message: &str) -> Result<Arc<Commit>> {
        self.engine.commit(&self.repository, &branch(on), commit_request(message)).await
    }

    pub(crate) async fn branch(&self, name: &str, source: &str) -> Result<Branch> {
        let (name, source) = (branch(name), expr(source));
        self.engine.create_branch(&self.repository, &name, &source, false, false).await
    }

    pub(crate) async fn head(&self, on: &str) -> Arc<Commit> {
        self.engine.commit_at(&self.repository, &expr(on)).await.expect("a commit")
    }

    pub(crate) async fn merge(&self, source: &str, destination: &str) -> Result<Merged> {
        self.merge_with(source, destination, Strategy::Fail).await
    }

    pub(crate) async fn merge_with(
        &self,
        source: &str,
        destination: &str,
        strategy: Strategy,
    ) -> Result<Merged> {
        let request =
            MergeRequest { committer: "tester".to_owned(), strategy, ..MergeRequest::default() };
        let destination = branch(destination);
        self.engine.merge(&self.repository, &expr(source), &destination, request).await
    }

    pub(crate) async fn revert(&self, on: &str, reference: &str) -> Result<Arc<Commit>> {
        let request = RevertRequest {
            committer: "tester".to_owned(),
            reference: expr(reference),
            parent_number: 0,
            message: None,
            metadata: None,
            allow_empty: false,
            force: false,
        };
        self.engine.revert(&self.repository, &branch(on), request).await
    }

    pub(crate) async fn cherry_pick(&self, on: &str, reference: &str) -> Result<Arc<Commit>> {
        let request = CherryPickRequest {
            committer: "picker".to_owned(),
            reference: expr(reference),
            parent_number: None,
            message: None,
            metadata: None,
            force: false,
        };
        self.engine.cherry_pick(&self.repository, &branch(on), request).await
    }

    pub(crate) async fn reset(&self, on: &str, scope: ResetScope) -> Result<()> {
        self.engine.reset_branch(&self.repository, &branch(on), &scope, false).await
    }

    pub(crate) async fn hard_reset(&self, on: &str, reference: &str) -> Result<()> {
        self.engine.hard_reset_branch(&self.repository, &branch(on), &expr(reference), false).await
    }

    /// All keys and texts.
    pub(crate) async fn all(&self, reference: &str) -> BTreeMap<String, String> {
        let rows = self.list(reference, &query("", "", "", 10_000)).await.expect("listed").results;
        let record = |row| match row {
            Listed::Record(record) => record,
            Listed::CommonPrefix(prefix) => panic!("{prefix} without a delimiter"),
        };
        let pair = |record: lakehold_engine::Record| {
            (String::from_utf8(record.key.to_vec()).expect("text"), text(&record.value))
        };
        rows.into_iter().map(record).map(pair).collect()
    }

    pub(crate) async fn list(
        &self,
        reference: &str,
        query: &KeyQuery,
    ) -> Result<Page<Listed<lakehold_engine::Record>>> {
        self.engine.list(&self.repository, &expr(reference), query).await
    }

    /// Names of a page of a list.
    pub(crate) async fn names(&self, reference: &str, query: &KeyQuery) -> (Vec<String>, bool) {
        let page = self.list(reference, query).await.expect("listed");
        let name = |row: &Listed<lakehold_engine::Record>| match row {
            Listed::CommonPrefix(prefix) => prefix.clone(),
            Listed::Record(record) => String::from_utf8(record.key.to_vec()).expect("text"),
        };
        (page.results.iter().map(name).collect(), page.has_more)
    }

    /// What is staged, as `+key`, `-key`, `~key`.
    pub(crate) async fn staged(&self, on: &str) -> Vec<String> {
        let query = query("", "", "", 10_000);
        let page = self.engine.diff_uncommitted(&self.repository, &branch(on), &query).await;
        page.expect("diff").results.iter().map(show).collect()
    }

    pub(crate) async fn diff(&self, left: &str, right: &str, kind: DiffKind) -> Vec<String> {
        let query = query("", "", "", 10_000);
        let (left, right) = (expr(left), expr(right));
        let page = self.engine.diff(&self.repository, &left, &right, kind, &query).await;
        page.expect("diff").results.iter().map(show).collect()
    }
}

pub(crate) fn query(prefix: &str, delimiter: &str, after: &str, amount: usize) -> KeyQuery {
    let page = PageRequest { prefix: prefix.to_owned(), after: after.to_owned(), amount };
    KeyQuery { page, delimiter: delimiter.to_owned() }
}

/// A row of a diff: `+added`, `-removed`, `~changed`, `!conflict`, or a common prefix.
pub(crate) fn show(row: &Listed<DiffRow>) -> String {
    let row = match row {
        Listed::CommonPrefix(prefix) => return prefix.clone(),
        Listed::Record(row) => row,
    };
    let sign = match (&row.difference.left, &row.difference.right) {
        _ if row.conflict => '!',
        (None, _) => '+',
        (_, None) => '-',
        _ => '~',
    };
    format!("{sign}{}", String::from_utf8_lossy(&row.difference.key))
}

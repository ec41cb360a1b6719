//! What the engine itself costs, over memory stores: the hot paths of a server.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use criterion::Criterion;
use criterion::criterion_group;
use criterion::criterion_main;
use lakehold_block::MemBlockStore;
use lakehold_block::StorageNamespace;
use lakehold_clock::Runtime;
use lakehold_engine::BranchId;
use lakehold_engine::CommitRequest;
use lakehold_engine::Engine;
use lakehold_engine::KeyQuery;
use lakehold_engine::NewRepository;
use lakehold_engine::NoHooks;
use lakehold_engine::PageRequest;
use lakehold_engine::RefExpr;
use lakehold_engine::Repository;
use lakehold_engine::RepositoryId;
use lakehold_engine::StageCondition;
use lakehold_engine::Value;
use lakehold_kv::MemStore;
use lakehold_tree::TreeSettings;
use lakehold_tree::Trees;

/// Keys committed before anything is measured.
const COMMITTED: u32 = 10_000;

struct Lake {
    engine: Engine,
    repository: Arc<Repository>,
    main: BranchId,
}

fn value() -> Value {
    // About as long as a real object's entry.
    Value { identity: Bytes::from_static(&[7; 32]), data: Bytes::from_static(&[9; 120]) }
}

fn key(number: u32) -> Bytes {
    Bytes::from(format!("data/part-{:02}/object-{number:06}", number % 100))
}

impl Lake {
    async fn new() -> Self {
        let runtime = Runtime::real();
        let blocks = Arc::new(MemBlockStore::new());
        let trees = Trees::new(blocks, runtime.clone(), TreeSettings::default());
        let engine = Engine::new(Arc::new(MemStore::new()), trees, Arc::new(NoHooks), runtime);
        let main = BranchId::parse("main").expect("valid");
        let new = NewRepository {
            id: RepositoryId::parse("lake").expect("valid"),
            storage_namespace: StorageNamespace::parse("mem://lake").expect("valid"),
            storage_id: String::new(),
            default_branch: main.clone(),
            read_only: false,
            bare: false,
        };
        let repository = engine.create_repository(new).await.expect("created");
        let lake = Self { engine, repository, main };
        for number in 0..COMMITTED {
            lake.stage(key(number)).await;
        }
        let request = CommitRequest::default();
        lake.engine.commit(&lake.repository, &lake.main, request).await.expect("committed");
        lake
    }

    async fn stage(&self, key: Bytes) {
        let always = StageCondition::Always;
        let staged = self.engine.stage(&self.repository, &self.main, key, value(), always, false);
        staged.await.expect("staged");
    }
}

fn hot_paths(criterion: &mut Criterion) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().expect("runtime");
    let lake = runtime.block_on(Lake::new());
    let Lake { engine, repository, main } = &lake;
    let branch = RefExpr::from(main);
    let head = runtime.block_on(engine.branch(repository, main)).expect("there").commit_id;
    let commit = RefExpr::parse(head.as_str()).expect("valid");
    let counter = AtomicU64::new(0);
    let next = || counter.fetch_add(1, Ordering::Relaxed);

    for (name, reference) in [("get on a commit", &commit), ("get on a branch", &branch)] {
        criterion.bench_function(name, |bench| {
            bench.iter(|| {
                let key = key(u32::try_from(next() % u64::from(COMMITTED)).expect("small"));
                runtime.block_on(engine.get(repository, black_box(reference), &key))
            });
        });
    }
    for (name, reference) in
        [("list 1000 on a commit", &commit), ("list 1000 on a branch", &branch)]
    {
        let page = PageRequest { amount: 1_000, ..PageRequest::default() };
        let query = KeyQuery { page, delimiter: String::new() };
        criterion.bench_function(name, |bench| {
            bench.iter(|| runtime.block_on(engine.list(repository, black_box(reference), &query)));
        });
    }
    criterion.bench_function("create branch", |bench| {
        bench.iter(|| {
            let id = BranchId::parse(&format!("branch-{}", next())).expect("valid");
            runtime.block_on(engine.create_branch(repository, &id, &branch, false, false))
        });
    });
    criterion.bench_function("stage", |bench| {
        bench.iter(|| runtime.block_on(lake.stage(Bytes::from(format!("new/{}", next())))));
    });
}

criterion_group!(benches, hot_paths);
criterion_main!(benches);

//! What the catalog and the engine cost over memory stores: an upload of 10 bytes, a look at one
//! object, a page of 1,000 objects, staged and committed.

use std::hint::black_box;
use std::sync::Arc;

use bytes::Bytes;
use criterion::Criterion;
use criterion::criterion_group;
use criterion::criterion_main;

use lakehold_block::MemBlockStore;
use lakehold_catalog::BranchId;
use lakehold_catalog::Catalog;
use lakehold_catalog::CatalogSettings;
use lakehold_catalog::CommitRequest;
use lakehold_catalog::CreateRepository;
use lakehold_catalog::Engine;
use lakehold_catalog::KeyQuery;
use lakehold_catalog::Metadata;
use lakehold_catalog::PageRequest;
use lakehold_catalog::RefExpr;
use lakehold_catalog::RepositoryId;
use lakehold_catalog::Upload;
use lakehold_clock::Runtime;
use lakehold_engine::NoHooks;
use lakehold_kv::MemStore;
use lakehold_tree::TreeSettings;
use lakehold_tree::Trees;

/// The server's allocator; a page of objects is thousands of small texts.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const LISTED: usize = 1_000;

struct Lake {
    catalog: Catalog,
    engine: Engine,
    id: RepositoryId,
    main: BranchId,
}

impl Lake {
    async fn new() -> Self {
        let runtime = Runtime::real();
        let blocks = Arc::new(MemBlockStore::new());
        let trees = Trees::new(blocks.clone(), runtime.clone(), TreeSettings::default());
        let kv = Arc::new(MemStore::default());
        let engine = Engine::new(kv, trees, Arc::new(NoHooks), runtime.clone());
        let settings = CatalogSettings { signing_key: b"key".to_vec(), ensure_readable_root: true };
        let catalog = Catalog::new(engine.clone(), blocks, runtime, settings);
        let id = RepositoryId::parse("lake").expect("valid name");
        let main = BranchId::parse("main").expect("valid name");
        let new = CreateRepository {
            id: id.clone(),
            storage_namespace: "mem://lake".to_owned(),
            storage_id: String::new(),
            default_branch: String::new(),
            read_only: false,
            bare: false,
            sample_data: false,
            committer: String::new(),
        };
        catalog.create_repository(new).await.expect("created");
        Self { catalog, engine, id, main }
    }

    async fn upload(&self, path: String) {
        let upload = Upload {
            path,
            body: Bytes::from_static(b"0123456789").into(),
            content_type: "application/octet-stream".to_owned(),
            metadata: Metadata::new(),
            if_absent: false,
            force: false,
        };
        black_box(self.catalog.upload(&self.id, &self.main, upload).await.expect("uploaded"));
    }

    async fn list(&self) {
        let main = RefExpr::from(&self.main);
        let page = self.catalog.list_objects(&self.id, &main, &first_page()).await.expect("listed");
        assert_eq!(page.results.len(), LISTED);
        black_box(page);
    }

    /// The engine's part of [`Lake::list`].
    async fn list_values(&self) {
        let main = RefExpr::from(&self.main);
        let repository = self.engine.repository(&self.id).await.expect("is there");
        black_box(self.engine.list(&repository, &main, &first_page()).await.expect("listed"));
    }
}

fn first_page() -> KeyQuery {
    let page = PageRequest { amount: LISTED, ..PageRequest::default() };
    KeyQuery { page, delimiter: String::new() }
}

fn benchmarks(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let lake = runtime.block_on(Lake::new());

    let mut number = 0;
    criterion.bench_function("upload of 10 bytes", |bencher| {
        bencher.iter(|| {
            number += 1;
            runtime.block_on(lake.upload(format!("data/part-{:06}.parquet", number % 100_000)));
        });
    });

    let lake = runtime.block_on(Lake::new());
    for number in 0..LISTED {
        runtime.block_on(lake.upload(format!("data/part-{number:06}.parquet")));
    }
    let look = |main: &RefExpr| {
        let path = "data/part-000500.parquet";
        black_box(runtime.block_on(lake.catalog.object(&lake.id, main, path)).expect("is there"));
    };
    let main = RefExpr::from(&lake.main);
    criterion.bench_function("stat of a staged object", |bencher| bencher.iter(|| look(&main)));
    criterion.bench_function("page of 1,000 staged objects", |bencher| {
        bencher.iter(|| runtime.block_on(lake.list()));
    });
    criterion.bench_function("of it, the engine's part (staged)", |bencher| {
        bencher.iter(|| runtime.block_on(lake.list_values()));
    });
    let request = CommitRequest { message: "all".to_owned(), ..CommitRequest::default() };
    runtime.block_on(lake.catalog.commit(&lake.id, &lake.main, request)).expect("committed");
    criterion.bench_function("stat of a committed object", |bencher| bencher.iter(|| look(&main)));
    criterion.bench_function("page of 1,000 committed objects", |bencher| {
        bencher.iter(|| runtime.block_on(lake.list()));
    });
    criterion.bench_function("of it, the engine's part (committed)", |bencher| {
        bencher.iter(|| runtime.block_on(lake.list_values()));
    });
}

criterion_group!(all, benchmarks);
criterion_main!(all);

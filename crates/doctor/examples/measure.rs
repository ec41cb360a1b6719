//! How long an examination takes and how much memory: `cargo run --example measure [objects]`.
//!
//! One commit in memory, whose objects have different checksums and the bytes of one, so that each is
//! looked for. Tables are as large as those of a real installation.

use std::sync::Arc;

use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use lakehold_block::Address;
use lakehold_block::BlockStore as _;
use lakehold_block::MemBlockStore;
use lakehold_block::StorageNamespace;
use lakehold_catalog::BranchId;
use lakehold_catalog::Catalog;
use lakehold_catalog::CatalogSettings;
use lakehold_catalog::CommitRequest;
use lakehold_catalog::CreateRepository;
use lakehold_catalog::Engine;
use lakehold_catalog::RepositoryId;
use lakehold_clock::Runtime;
use lakehold_doctor::Doctor;
use lakehold_doctor::Options;
use lakehold_engine::NoHooks;
use lakehold_kv::MemStore;
use lakehold_tree::BoxError;
use lakehold_tree::Change;
use lakehold_tree::ChangeSource;
use lakehold_tree::MetaRangeId;
use lakehold_tree::TreeSettings;
use lakehold_tree::Trees;
use lakehold_tree::Value;
use prost::Message as _;

/// An entry, as far as it matters here.
#[derive(Clone, PartialEq, prost::Message)]
struct Entry {
    #[prost(string, tag = "1")]
    address: String,
    #[prost(int64, tag = "3")]
    size: i64,
    #[prost(string, tag = "4")]
    e_tag: String,
    #[prost(int32, tag = "6")]
    address_type: i32,
}

const ADDRESS: &str = "data/ft6npo9ksdudatmrrng0/dc0ochpksdudatmrt7kg";

struct Numbers(std::ops::Range<u64>);

impl ChangeSource for Numbers {
    fn next(&mut self) -> BoxFuture<'_, Result<Option<Change>, BoxError>> {
        let change = self.0.next().map(|number| {
            let entry = Entry {
                address: ADDRESS.to_owned(),
                size: 5,
                e_tag: format!("{:032x}", number.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
                address_type: 1,
            };
            let identity = Bytes::from(format!("{number:032}"));
            let value = Value { identity, data: entry.encode_to_vec().into() };
            Change { key: Bytes::from(format!("tables/part-{number:012}")), value: Some(value) }
        });
        std::future::ready(Ok(change)).boxed()
    }
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let objects = std::env::args().nth(1).map_or(Ok(1_000_000), |number| number.parse())?;
    let runtime = Runtime::real();
    let blocks = Arc::new(MemBlockStore::new());
    let kv = Arc::new(MemStore::new());
    let settings = TreeSettings { cache_bytes: 1 << 20, ..TreeSettings::default() };
    let trees = Trees::new(blocks.clone(), runtime.clone(), settings);
    let engine = Engine::new(kv.clone(), trees.clone(), Arc::new(NoHooks), runtime.clone());
    let settings = CatalogSettings { signing_key: b"key".to_vec(), ensure_readable_root: false };
    let catalog = Catalog::new(engine, blocks.clone(), runtime.clone(), settings);

    let id = RepositoryId::parse("lake")?;
    let namespace = StorageNamespace::parse("mem://lake")?;
    let new = CreateRepository {
        id: id.clone(),
        storage_namespace: namespace.to_string(),
        storage_id: String::new(),
        default_branch: String::new(),
        read_only: false,
        bare: false,
        sample_data: false,
        committer: String::new(),
    };
    catalog.create_repository(new).await?;
    let address = Address::relative(&namespace, ADDRESS);
    blocks.put(&address, Bytes::from_static(b"bytes").into()).await?;
    let none = MetaRangeId::default();
    let written = trees.apply(&namespace, &none, &mut Numbers(0..objects), false).await?;
    let source_meta_range = Some(written.meta_range);
    let request = CommitRequest { source_meta_range, ..CommitRequest::default() };
    catalog.commit(&id, &BranchId::parse("main")?, request).await?;

    let before = peak_kib()?;
    let doctor = Doctor::new(kv, blocks, &runtime, Options::default());
    let report = doctor.examine(|_| {}).await?;
    eprintln!("{report}peak memory {before} KiB before, {} KiB after", peak_kib()?);
    Ok(())
}

/// The most memory that this process ever had.
fn peak_kib() -> Result<u64, BoxError> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    Ok(line.and_then(|line| line.trim().split(' ').next()).unwrap_or("0").parse()?)
}

//! The stores that the settings name, opened.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use anyhow::bail;

use lakehold_block::Address;
use lakehold_block::BlockStore;
use lakehold_block::CacheSettings;
use lakehold_block::CachedBlockStore;
use lakehold_block::LocalBlockStore;
use lakehold_block::LocalSettings;
use lakehold_block::MemBlockStore;
use lakehold_block_s3::S3BlockStore;
use lakehold_clock::Runtime;
use lakehold_kv::MemStore;
use lakehold_kv::Store;
use lakehold_kv_local::LocalSettings as KvSettings;
use lakehold_kv_local::LocalStore;
use lakehold_kv_postgres::PostgresStore;

use crate::badger;
use crate::home::Home;
use crate::home::RecordsPlace;
use crate::settings::BlocksSettings;
use crate::settings::DatabaseSettings;
use crate::settings::LocalBlocksSettings;
use crate::settings::S3BlocksSettings;
use crate::settings::Settings;

/// Name of a table of a committed tree: a hash in hex.
const TABLE_NAME_LENGTH: usize = 64;

/// Both stores.
#[derive(Clone, Debug)]
pub(crate) struct Stores {
    pub(crate) kv: Arc<dyn Store>,
    pub(crate) blocks: Arc<dyn BlockStore>,
    /// The same without a cache, for whoever wants to know what is really there.
    pub(crate) blocks_beneath: Arc<dyn BlockStore>,
}

impl Stores {
    /// Opens both, and finishes what a killed server or an interrupted first start left.
    pub(crate) async fn open(
        settings: &Settings,
        home: &Home,
        runtime: &Runtime,
    ) -> anyhow::Result<Self> {
        // Beside each other, because both wait for the disk or the network.
        let (kv, (blocks, blocks_beneath)) = futures::future::try_join(
            open_kv(settings, home, runtime),
            open_blocks(settings, home, runtime),
        )
        .await?;
        Ok(Self { kv, blocks, blocks_beneath })
    }

    /// Writes out what is pending and closes both. No request may follow.
    pub(crate) async fn close(&self) -> anyhow::Result<()> {
        // Both are tried, whatever becomes of the first.
        let blocks = self.blocks.close().await.context("closing the block store");
        let kv = self.kv.close().await.context("closing the key-value store");
        blocks.and(kv)
    }
}

/// Opens the key-value store, complete: where the settings point at a store of lakeFS, its records are
/// copied first.
pub(crate) async fn open_kv(
    settings: &Settings,
    home: &Home,
    runtime: &Runtime,
) -> anyhow::Result<Arc<dyn Store>> {
    let kv = open_kv_as_it_is(settings, home, runtime).await?;
    if let Some(RecordsPlace::Beside(takeover)) = home.place() {
        takeover.complete_at_start(&*kv, runtime).await?;
    }
    badger::refuse_unfinished(&*kv).await?;
    Ok(kv)
}

/// Opens the key-value store, whatever is in it.
pub(crate) async fn open_kv_as_it_is(
    settings: &Settings,
    home: &Home,
    runtime: &Runtime,
) -> anyhow::Result<Arc<dyn Store>> {
    match &settings.database {
        DatabaseSettings::Memory => Ok(Arc::new(MemStore::new())),
        DatabaseSettings::Postgres(postgres) => {
            let opened = PostgresStore::open(postgres.clone(), runtime).await;
            Ok(Arc::new(opened.context("opening the key-value store")?))
        }
        DatabaseSettings::Local { .. } => open_embedded(home, runtime).await,
    }
}

async fn open_embedded(home: &Home, runtime: &Runtime) -> anyhow::Result<Arc<dyn Store>> {
    let path = home.records().context("there is no folder for records")?;
    let opened = runtime.blocking(move || LocalStore::open(&path, KvSettings::default())).await;
    Ok(Arc::new(opened.context("opening the key-value store")?))
}

/// Opens the block store: as it is used, and without a cache.
async fn open_blocks(
    settings: &Settings,
    home: &Home,
    runtime: &Runtime,
) -> anyhow::Result<(Arc<dyn BlockStore>, Arc<dyn BlockStore>)> {
    let opened: Arc<dyn BlockStore> = match &settings.blocks {
        BlocksSettings::Memory => Arc::new(MemBlockStore::new()),
        BlocksSettings::Local(local) => open_local_blocks(local, home, runtime).await?,
        BlocksSettings::S3(s3) => {
            return open_s3(s3, &settings.trees.prefix, home, runtime).await;
        }
    };
    Ok((opened.clone(), opened))
}

async fn open_local_blocks(
    settings: &LocalBlocksSettings,
    home: &Home,
    runtime: &Runtime,
) -> anyhow::Result<Arc<dyn BlockStore>> {
    let (root, journal) = home.objects(settings)?;
    let places = (root.clone(), journal.clone());
    runtime.blocking(move || refuse_two_file_systems(&places.0, &places.1)).await?;
    let settings = LocalSettings {
        root,
        journal,
        import_enabled: settings.import_enabled,
        import_hidden: settings.import_hidden,
        allowed_external_prefixes: settings.allowed_external_prefixes.clone(),
        tuning: lakehold_block::Tuning::default(),
    };
    let opened = LocalBlockStore::open(settings, runtime.clone()).await;
    Ok(Arc::new(opened.context("opening the block store")?))
}

/// What is in the journal is moved into its place, which works within a file system only.
fn refuse_two_file_systems(root: &Path, journal: &Path) -> anyhow::Result<()> {
    if let (Some(objects), Some(bodies)) = (device_of(root), device_of(journal))
        && objects != bodies
    {
        bail!(
            "{} and {} are on two file systems: set blockstore.local.journal_path to a folder on that of \
             the objects and outside their folder; where their folder is a mount point, mount the one \
             above it instead",
            root.display(),
            journal.display()
        );
    }
    Ok(())
}

/// The device of `path`, or of where it will be made.
fn device_of(path: &Path) -> Option<u64> {
    let there = path.ancestors().find_map(|above| above.metadata().ok());
    there.or_else(|| Path::new(".").metadata().ok()).map(|found| found.dev())
}

async fn open_s3(
    settings: &S3BlocksSettings,
    prefix: &str,
    home: &Home,
    runtime: &Runtime,
) -> anyhow::Result<(Arc<dyn BlockStore>, Arc<dyn BlockStore>)> {
    let opened = S3BlockStore::new((*settings.s3).clone(), runtime.clone());
    let remote: Arc<dyn BlockStore> = Arc::new(opened.context("opening the block store")?);
    let Some(folder) = home.cache(settings) else { return Ok((remote.clone(), remote)) };
    let above = cached(remote.clone(), folder, settings.cache_bytes, prefix, runtime).await?;
    Ok((above, remote))
}

async fn cached(
    remote: Arc<dyn BlockStore>,
    folder: PathBuf,
    capacity_bytes: u64,
    prefix: &str,
    runtime: &Runtime,
) -> anyhow::Result<Arc<dyn BlockStore>> {
    let settings = CacheSettings { folder: folder.clone(), capacity_bytes };
    let prefix = format!("{prefix}/");
    let chosen = move |address: &Address| is_table(address, &prefix);
    let opened = CachedBlockStore::open(remote, settings, chosen, runtime.clone()).await;
    let opened = opened.with_context(|| {
        format!("opening the cache in {}: see committed.local_cache.dir", folder.display())
    })?;
    Ok(Arc::new(opened))
}

/// Whether a range or metarange lies there: immutable, small, and read again and again.
fn is_table(address: &Address, prefix: &str) -> bool {
    let Address::Relative { name, .. } = address else { return false };
    let Some(name) = name.strip_prefix(prefix) else { return false };
    name.len() == TABLE_NAME_LENGTH && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use lakehold_block::StorageNamespace;

    use super::*;

    #[test]
    fn objects_and_journal_on_two_file_systems_are_refused() {
        let temp = tempfile::tempdir().expect("temporary directory");
        let new = temp.path().join("new/block");
        refuse_two_file_systems(&new, &temp.path().join("block-journal")).expect("one");
        refuse_two_file_systems(Path::new("relative"), Path::new("here/too")).expect("one");
        let refused = refuse_two_file_systems(&new, Path::new("/proc/journal")).expect_err("two");
        assert!(refused.to_string().contains("blockstore.local.journal_path"), "{refused}");
    }

    #[test]
    fn tables_of_trees_are_cached_and_objects_are_not() {
        let namespace = StorageNamespace::parse("s3://bucket/lake").expect("valid");
        let is = |name: &str| is_table(&Address::relative(&namespace, name), "_lakefs/");
        let hash = "ab".repeat(32);
        assert!(is(&format!("_lakefs/{hash}")));
        for other in
            ["_lakefs/dummy", "data/x", &format!("data/{hash}"), &format!("_lakefs/x/{hash}")]
        {
            assert!(!is(other), "{other}");
        }
        assert!(!is_table(&Address::Full(format!("s3://b/_lakefs/{hash}").into()), "_lakefs/"));
    }
}

//! Which driver is in use, and who gets it.
//!
//! ```text
//! kv-local ──┬──────────────────► Auth ──────┐
//!            └──► Engine ──► Catalog ──► Api ┘ ──► routes
//! block ───► Trees ──┘          │
//!    └──────────────────────────┘
//! ```

use std::sync::Arc;

use anyhow::Context as _;
use bytes::Bytes;
use tracing::warn;

use lakehold_api::ApiContext;
use lakehold_api::ApiRouter;
use lakehold_api::ApiSettings;
use lakehold_auth::Auth;
use lakehold_auth::AuthSettings;
use lakehold_auth::DEFAULT_LOGIN_DURATION;
use lakehold_block::BlockStore;
use lakehold_block::LocalBlockStore;
use lakehold_block::LocalSettings as BlockSettings;
use lakehold_catalog::Catalog;
use lakehold_catalog::CatalogSettings;
use lakehold_clock::Runtime;
use lakehold_engine::Engine;
use lakehold_engine::NoHooks;
use lakehold_kv::Store;
use lakehold_kv_local::LocalSettings as KvSettings;
use lakehold_kv_local::LocalStore;
use lakehold_tree::TreeSettings;
use lakehold_tree::Trees;

use crate::data_dir::DataDir;
use crate::secrets::Secrets;

/// Everything between the disk and the front door.
#[derive(Debug)]
pub(crate) struct Stack {
    kv: Arc<dyn Store>,
    blocks: Arc<dyn BlockStore>,
    pub(crate) auth: Auth,
    pub(crate) api: ApiRouter,
    /// The description of the API, as it is served.
    pub(crate) open_api: Bytes,
}

impl Stack {
    /// Opens the stores in `data_dir` and puts everything on top of them.
    pub(crate) async fn open(
        data_dir: &DataDir,
        secrets: Secrets,
        runtime: &Runtime,
    ) -> anyhow::Result<Self> {
        // Beside each other, because two of them wait for the disk.
        let (kv, blocks, open_api) = futures::future::try_join3(
            open_kv(data_dir, runtime),
            open_blocks(data_dir, runtime),
            describe_api(runtime),
        )
        .await?;
        let auth_settings = AuthSettings {
            secret_key: secrets.auth_encrypt_secret_key.into_bytes(),
            login_duration: DEFAULT_LOGIN_DURATION,
        };
        let auth = Auth::new(kv.clone(), runtime.clone(), auth_settings);
        auth.check_schema_version().await.with_context(|| in_store(data_dir))?;

        let trees = Trees::new(blocks.clone(), runtime.clone(), TreeSettings::default());
        let engine = Engine::new(kv.clone(), trees, Arc::new(NoHooks), runtime.clone());
        sweep(&engine, runtime);
        let settings = CatalogSettings {
            signing_key: secrets.signing_secret_key.into_bytes(),
            ensure_readable_root: true,
        };
        let catalog = Catalog::new(engine, blocks.clone(), runtime.clone(), settings);
        let context = ApiContext {
            catalog,
            auth: auth.clone(),
            runtime: runtime.clone(),
            settings: ApiSettings::default(),
        };
        Ok(Self { kv, blocks, auth, api: lakehold_api::router(&Arc::new(context)), open_api })
    }

    /// Writes out what is pending and closes the stores. No request may follow.
    pub(crate) async fn close(&self) -> anyhow::Result<()> {
        // Both are tried, whatever becomes of the first.
        let blocks = self.blocks.close().await.context("closing the block store");
        let kv = self.kv.close().await.context("closing the key-value store");
        blocks.and(kv)
    }
}

async fn open_kv(data_dir: &DataDir, runtime: &Runtime) -> anyhow::Result<Arc<dyn Store>> {
    let path = data_dir.kv();
    let opened = runtime.blocking(move || LocalStore::open(&path, KvSettings::default())).await;
    Ok(Arc::new(opened.context("opening the key-value store")?))
}

async fn open_blocks(data_dir: &DataDir, runtime: &Runtime) -> anyhow::Result<Arc<dyn BlockStore>> {
    let settings = BlockSettings::in_data_dir(data_dir.path());
    let opened = LocalBlockStore::open(settings, runtime.clone()).await;
    Ok(Arc::new(opened.context("opening the block store")?))
}

async fn describe_api(runtime: &Runtime) -> anyhow::Result<Bytes> {
    let written = runtime.blocking(|| serde_json::to_vec(&lakehold_api::openapi())).await;
    Ok(written.context("describing the API")?.into())
}

fn in_store(data_dir: &DataDir) -> String {
    format!("the key-value store in {} cannot be used", data_dir.kv().display())
}

/// Finishes, beside the requests, what a stop or a crash cut off.
fn sweep(engine: &Engine, runtime: &Runtime) {
    let engine = engine.clone();
    runtime.spawn("sweep-dropped-tokens", async move {
        if let Err(error) = engine.sweep_dropped_tokens().await {
            warn!(%error, "partitions of dropped staging tokens are not wiped yet: {error}");
        }
    });
}

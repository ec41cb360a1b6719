//! Which driver is in use, and who gets it.
//!
//! ```text
//! key-value store ──┬──────────────────► Auth ──────┐
//!                   └──► Engine ──► Catalog ──► Api ┘ ──► routes
//! block store ────► Trees ──┘          │
//!    └─────────────────────────────────┘
//! ```
//!
//! The stores are chosen and opened in [`stores`](crate::stores).

use std::sync::Arc;

use anyhow::Context as _;
use bytes::Bytes;
use tracing::warn;

use lakehold_actions::Actions;
use lakehold_api::ApiContext;
use lakehold_api::ApiRouter;
use lakehold_api::ApiSettings;
use lakehold_auth::Auth;
use lakehold_auth::AuthSettings;
use lakehold_block::BlockStore;
use lakehold_catalog::Catalog;
use lakehold_catalog::CatalogError;
use lakehold_catalog::CatalogSettings;
use lakehold_catalog::PageRequest;
use lakehold_clock::Runtime;
use lakehold_engine::Engine;
use lakehold_engine::NoHooks;
use lakehold_gc::Gc;
use lakehold_tree::Trees;

use crate::home::Home;
use crate::secrets::Secrets;
use crate::settings::BlocksSettings;
use crate::settings::S3BlocksSettings;
use crate::settings::Settings;
use crate::stores::Stores;

const NAMESPACES_AT_ONCE: usize = 1_000;
const NAMES_SHOWN: usize = 5;

/// Everything between the disk and the front door.
#[derive(Debug)]
pub(crate) struct Stack {
    pub(crate) stores: Stores,
    pub(crate) auth: Auth,
    pub(crate) catalog: Catalog,
    pub(crate) api: ApiRouter,
    /// The description of the API, as it is served.
    pub(crate) open_api: Bytes,
}

impl Stack {
    /// Opens the stores and puts everything on top of them.
    pub(crate) async fn open(
        settings: &Settings,
        home: &Home,
        secrets: Secrets,
        runtime: &Runtime,
    ) -> anyhow::Result<Self> {
        // Beside each other, because opening waits for the disk or the network.
        let stores = Stores::open(settings, home, runtime);
        let (stores, open_api) = futures::future::try_join(stores, describe_api(runtime)).await?;
        let (kv, blocks) = (stores.kv.clone(), stores.blocks.clone());
        let auth_settings = AuthSettings {
            secret_key: secrets.auth_encrypt_secret_key.into_bytes(),
            login_duration: settings.login_duration,
        };
        let auth = Auth::new(kv.clone(), runtime.clone(), auth_settings);
        auth.check_schema_version().await.context("the key-value store cannot be used")?;

        let trees = Trees::new(blocks.clone(), runtime.clone(), settings.trees.clone());
        let engine = Engine::new(kv.clone(), trees, Arc::new(NoHooks), runtime.clone());
        sweep(&engine, runtime);
        let catalog_settings = CatalogSettings {
            signing_key: secrets.signing_secret_key.into_bytes(),
            ensure_readable_root: settings.ensure_readable_root,
        };
        let actions = Actions::new(engine.clone(), blocks.clone());
        let gc = Gc::new(engine.clone(), blocks.clone());
        let catalog = Catalog::new(engine, blocks.clone(), runtime.clone(), catalog_settings);
        tend(&catalog, runtime);
        compare(&catalog, &*blocks, runtime);
        let context = ApiContext {
            catalog: catalog.clone(),
            actions,
            gc,
            auth: auth.clone(),
            runtime: runtime.clone(),
            settings: api_settings(&settings.blocks),
        };
        let api = lakehold_api::router(&Arc::new(context));
        Ok(Self { stores, auth, catalog, api, open_api })
    }

    /// Ends what runs beside the requests, writes out what is pending and closes the stores. No request
    /// may follow.
    pub(crate) async fn close(&self) -> anyhow::Result<()> {
        self.catalog.stop_imports().await;
        self.stores.close().await
    }
}

fn api_settings(blocks: &BlocksSettings) -> ApiSettings {
    let mut settings = ApiSettings::default();
    if let BlocksSettings::S3(S3BlocksSettings { s3, .. }) = blocks {
        settings.presigned_for = s3.pre_signed_expiry;
    }
    settings
}

async fn describe_api(runtime: &Runtime) -> anyhow::Result<Bytes> {
    let written = runtime.blocking(|| serde_json::to_vec(&lakehold_api::openapi())).await;
    Ok(written.context("describing the API")?.into())
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

/// Finishes merges of pull requests that a crash cut off, then removes what expires, now and daily.
fn tend(catalog: &Catalog, runtime: &Runtime) {
    let catalog = catalog.clone();
    runtime.spawn("tend-records", async move {
        if let Err(error) = catalog.settle_pull_requests().await {
            warn!(%error, "interrupted merges of pull requests are not settled yet: {error}");
        }
        catalog.keep_removing_expired().await;
    });
}

/// Says so, beside the requests, where repositories lie in a store of another kind than this one: the
/// settings are then not those of this installation.
fn compare(catalog: &Catalog, blocks: &dyn BlockStore, runtime: &Runtime) {
    let (catalog, kind) = (catalog.clone(), blocks.description().kind);
    runtime.spawn("compare-namespaces", async move {
        match elsewhere(&catalog, kind).await {
            Ok(names) if names.is_empty() => {}
            Ok(names) => warn!(
                "blockstore.type is {kind}, and these repositories lie elsewhere, so that none of their \
                 objects can be read: {}",
                names.join(", ")
            ),
            Err(error) => warn!(%error, "repositories could not be compared with the settings: {error}"),
        }
    });
}

/// Names of repositories whose namespace is of another `kind`; the first few.
async fn elsewhere(catalog: &Catalog, kind: &str) -> Result<Vec<String>, CatalogError> {
    let mut names = Vec::new();
    let mut page = PageRequest { amount: NAMESPACES_AT_ONCE, ..PageRequest::default() };
    loop {
        let found = catalog.list_repositories(&page, "").await?;
        let foreign = found.results.iter().filter(|found| found.storage_namespace.scheme() != kind);
        names.extend(foreign.map(|found| found.id.to_string()));
        match found.results.last() {
            Some(last) if found.has_more && names.len() < NAMES_SHOWN => {
                page.after = last.id.to_string();
            }
            _ => break,
        }
    }
    names.truncate(NAMES_SHOWN);
    Ok(names)
}

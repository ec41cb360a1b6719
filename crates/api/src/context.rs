//! What the handlers work with.

use std::sync::Arc;
use std::time::Duration;

use lakehold_actions::Actions;
use lakehold_auth::Auth;
use lakehold_catalog::Catalog;
use lakehold_clock::Runtime;
use lakehold_gc::Gc;

/// What every handler gets: one for the whole server.
pub type Api = Arc<ApiContext>;

/// The parts that handlers call, and what they answer by themselves.
#[derive(Debug)]
pub struct ApiContext {
    /// Repositories and the objects in them.
    pub catalog: Catalog,
    /// What ran when something happened.
    pub actions: Actions,
    /// What data is not needed any more.
    pub gc: Gc,
    /// Who sends a request, and what they may do.
    pub auth: Auth,
    /// Time and randomness.
    pub runtime: Runtime,
    /// What the operator decides.
    pub settings: ApiSettings,
}

/// What the operator decides about the API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiSettings {
    /// Version of the product, told beside the version of the API.
    pub product_version: String,
    /// Whether clients reach this server by TLS only, so that session cookies may say so.
    pub secure_cookies: bool,
    /// How long URLs work that clients use by themselves.
    pub presigned_for: Duration,
}

impl Default for ApiSettings {
    fn default() -> Self {
        Self {
            product_version: env!("CARGO_PKG_VERSION").to_owned(),
            secure_cookies: false,
            presigned_for: Duration::from_secs(15 * 60),
        }
    }
}

//! The HTTP API: requests in, answers out.
//!
//! A protocol and nothing else. **Handlers** take a request apart, ask whether the caller may, call one
//! method of the catalog, and give its answer the shape of the contract; what an operation *means* is
//! below, in `catalog`. Statuses and texts of errors are one table (`error/wire.rs`).
//!
//! ```text
//! request ─► router ─► params (path, query, headers) ─► body ─► Caller ─► Catalog
//!               │           400 before anything else              401      │
//!               └─► 404                                                    ▼
//! answer ◄───────────────────── respond, page, objects ◄──────────── or ApiError
//! ```
//!
//! There is one module per tag of the contract, and larger ones have a folder. [`router`] has paths
//! relative to the API's root; the server mounts it, at `/api/v1` and for some clients at the root.
//! [`openapi()`] is written by the same handlers, and [`contract`] compares it with the contract.
//! Operations that have no handler yet are in [`UNIMPLEMENTED`].
//!
//! Start reading at `tags.rs`: it has one of everything. `docs/API-DESIGN.md` says how a handler is
//! made, and which quirks of the contract new ones must not imitate.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use utoipa::OpenApi as _;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::router::UtoipaMethodRouter;

mod auth;
mod body;
mod branches;
mod caller;
mod commits;
mod config;
mod context;
pub mod contract;
mod error;
mod health;
mod json;
mod metadata;
mod objects;
mod openapi;
mod operations;
mod page;
mod params;
mod permission;
mod protection;
mod refs;
mod repositories;
mod respond;
mod schema;
mod setup;
mod staging;
mod statistics;
mod tags;
mod undo;
mod unimplemented;

pub use context::Api;
pub use context::ApiContext;
pub use context::ApiSettings;
pub use error::Cause;
pub use openapi::openapi;
pub use operations::is_api_path;
pub use operations::operation_id;
pub use unimplemented::UNIMPLEMENTED;
pub use unimplemented::Unimplemented;

use error::ApiError;

/// The API, with paths relative to its root.
///
/// Everything that is no operation is answered 404, a wrong method too. Bodies have no limit here:
/// objects pass piece by piece, and JSON has a limit of its own.
pub fn router(api: Api) -> Router {
    let (router, _) = routes().split_for_parts();
    unimplemented::add_to(router)
        .method_not_allowed_fallback(no_such_operation)
        .fallback(no_such_operation)
        .layer(DefaultBodyLimit::disable())
        .with_state(api)
}

/// The operations that there are.
pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::with_openapi(openapi::Base::openapi())
        .merge(health::routes())
        .merge(setup::routes())
        .merge(auth::routes())
        .merge(config::routes())
        .merge(statistics::routes())
        .merge(repositories::routes())
        .merge(protection::routes())
        .merge(branches::routes())
        .merge(undo::routes())
        .merge(tags::routes())
        .merge(commits::routes())
        .merge(refs::routes())
        .merge(objects::routes())
        .merge(staging::routes())
        .merge(metadata::routes())
}

/// Routes of handlers none of which is for `HEAD`: axum would answer it by `GET`'s.
fn without_head((schemas, paths, methods): UtoipaMethodRouter<Api>) -> UtoipaMethodRouter<Api> {
    (schemas, paths, methods.head(no_such_operation))
}

async fn no_such_operation() -> ApiError {
    ApiError::no_such_operation()
}

//! The HTTP API: requests in, answers out.
//!
//! A protocol and nothing else. **Handlers** take a request apart, ask whether the caller may, call one
//! method of the catalog, and give its answer the shape of the contract; what an operation *means* is
//! below, in `catalog`. Statuses and texts of errors are one table (`error/wire.rs`).
//!
//! ```text
//! request ─► Matched ─► params (path, query, headers) ─► body ─► Caller ─► Catalog
//!               │            400 before anything else              401      │
//!               └─► 404                                                     ▼
//! answer ◄───────────────────── respond, page, objects ◄──────────── or ApiError
//! ```
//!
//! There is one module per tag of the contract, and larger ones have a folder. [`Matched::find`] tells
//! which operation a path leads to, wherever the server puts the API's root; [`ApiRouter`] answers it.
//! [`openapi()`] is written by the same handlers, and [`contract`] compares it with the contract.
//! Operations that have no handler yet are in [`UNIMPLEMENTED`].
//!
//! Start reading at `tags.rs`: it has one of everything. `docs/API-DESIGN.md` says how a handler is
//! made, and which quirks of the contract new ones must not imitate.

use utoipa::OpenApi as _;

mod actions;
mod auth;
mod body;
mod branches;
mod caller;
mod commits;
mod config;
mod context;
pub mod contract;
mod credentials;
mod error;
mod gc_rules;
mod health;
mod imports;
mod json;
mod metadata;
mod objects;
mod openapi;
mod operations;
mod page;
mod params;
mod permission;
mod presigned;
mod protection;
mod pulls;
mod refs;
mod repositories;
mod respond;
mod routes;
mod schema;
mod setup;
mod staging;
mod statistics;
mod tags;
mod undo;
mod unimplemented;
mod users;

pub use context::Api;
pub use context::ApiContext;
pub use context::ApiSettings;
pub use error::Cause;
pub use openapi::openapi;
pub use operations::Matched;
pub use routes::ApiRouter;
pub use unimplemented::UNIMPLEMENTED;
pub use unimplemented::Unimplemented;

use routes::Routes;

/// The API.
pub fn router(api: &Api) -> ApiRouter {
    ApiRouter::new(unimplemented::add_to(routes()), api)
}

/// The operations that there are.
pub(crate) fn routes() -> Routes {
    Routes::documented_in(openapi::Base::openapi())
        .merge(health::routes())
        .merge(setup::routes())
        .merge(auth::routes())
        .merge(users::routes())
        .merge(credentials::routes())
        .merge(config::routes())
        .merge(statistics::routes())
        .merge(repositories::routes())
        .merge(protection::routes())
        .merge(gc_rules::routes())
        .merge(branches::routes())
        .merge(undo::routes())
        .merge(tags::routes())
        .merge(commits::routes())
        .merge(refs::routes())
        .merge(pulls::routes())
        .merge(actions::routes())
        .merge(objects::routes())
        .merge(staging::routes())
        .merge(imports::routes())
        .merge(metadata::routes())
}

//! Objects: bytes in, bytes out, and what is recorded of them.
//!
//! ```text
//! upload    headers, then the body: small ones whole, others piece by piece, forms part by part
//! get       the record, then conditions, then a range of its bytes, piece by piece
//! head      the same without touching the bytes
//! stat, list        records, written straight into the answer
//! delete, copy, stage, metadata      changes of records
//! ```

use utoipa_axum::routes;

use crate::routes::Routes;

mod copy;
mod delete;
mod get;
mod head;
mod headers;
mod list;
mod metadata;
mod multipart;
mod range;
mod row;
mod stage;
mod stat;
mod upload;

pub(crate) use get::Binary;
pub(crate) use headers::add_browser_protection;
pub(crate) use range::Wanted;
pub(crate) use range::wanted;
pub(crate) use row::ObjectRow;
pub(crate) use row::media_type;
pub(crate) use stage::size;
pub(crate) use upload::only_if_absent;

/// The media type of objects that were recorded without one.
pub(crate) const DEFAULT_MEDIA_TYPE: &str = "application/octet-stream";

/// Routes of this module.
#[expect(deprecated, reason = "deprecated operations of the contract are served all the same")]
pub(crate) fn routes() -> Routes {
    Routes::new()
        .routes(routes!(get::get_object, head::head_object))
        .routes(routes!(stat::stat_object))
        .routes(routes!(stat::get_underlying_properties))
        .routes(routes!(list::list_objects))
        .routes(routes!(upload::upload_object, stage::stage_object, delete::delete_object))
        .routes(routes!(upload::preflight))
        .routes(routes!(delete::delete_objects))
        .routes(routes!(copy::copy_object))
        .routes(routes!(metadata::update_user_metadata))
}

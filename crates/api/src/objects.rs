//! Objects: bytes in, bytes out, and what is recorded of them.
//!
//! ```text
//! upload    headers, then the body: small ones whole, others piece by piece, forms part by part
//! get       the record, then conditions, then a range of its bytes, piece by piece
//! head      the same without touching the bytes
//! stat, list        records, written straight into the answer
//! delete, copy, stage, metadata      changes of records
//! ```

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::Api;
use crate::without_head;

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

pub(crate) use row::ObjectRow;
pub(crate) use row::media_type;
pub(crate) use stage::size;
pub(crate) use upload::only_if_absent;

/// The media type of objects that were recorded without one.
pub(crate) const DEFAULT_MEDIA_TYPE: &str = "application/octet-stream";

/// Routes of this module.
#[expect(deprecated, reason = "deprecated operations of the contract are served all the same")]
pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(get::get_object, head::head_object))
        .routes(without_head(routes!(stat::stat_object)))
        .routes(without_head(routes!(stat::get_underlying_properties)))
        .routes(without_head(routes!(list::list_objects)))
        .routes(without_head(routes!(
            upload::upload_object,
            stage::stage_object,
            delete::delete_object
        )))
        .routes(without_head(routes!(upload::preflight)))
        .routes(without_head(routes!(delete::delete_objects)))
        .routes(without_head(routes!(copy::copy_object)))
        .routes(without_head(routes!(metadata::update_user_metadata)))
}

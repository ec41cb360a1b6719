//! Listing objects.

use axum::extract::State;
use axum::response::Response;
use lakehold_api_types::ObjectStatsList;
use lakehold_catalog::KeyQuery;
use lakehold_catalog::Listed;
use lakehold_catalog::Object;
use lakehold_catalog::Page;
use lakehold_catalog::PageRequest;
use lakehold_catalog::RefExpr;
use lakehold_catalog::RepositoryId;

use super::ObjectRow;
use super::row::ROW_BYTES;
use super::row::write_prefix;
use crate::Api;
use crate::caller::Caller;
use crate::error::ApiError;
use crate::openapi::Failures;
use crate::page::pagination;
use crate::params::params;
use crate::params::path;
use crate::params::query;
use crate::permission;
use crate::respond::json_bytes;
use crate::staging::check_presign;

params! {
    /// Of listObjects.
    ListObjects {
        repository: RepositoryId = path::REPOSITORY,
        reference: RefExpr = path::REF,
        user_metadata: bool = query::USER_METADATA,
        presign: bool = query::PRESIGN,
        after: String = query::AFTER,
        amount: usize = query::AMOUNT,
        delimiter: String = query::DELIMITER,
        prefix: String = query::PREFIX,
    }
}

/// list objects under a given prefix
#[utoipa::path(
    get,
    path = "/repositories/{repository}/refs/{ref}/objects/ls",
    operation_id = "listObjects",
    tag = "objects",
    params(ListObjects),
    responses((status = 200, description = "object listing", body = ObjectStatsList), Failures),
)]
pub(super) async fn list_objects(
    State(api): State<Api>,
    params: ListObjects,
    caller: Caller,
) -> Result<Response, ApiError> {
    let ListObjects { repository, reference, user_metadata, .. } = params;
    caller.require(&[permission::on_repository("fs:ListObjects", &repository)]).await?;
    check_presign(&api, params.presign)?;
    let page = PageRequest { prefix: params.prefix, after: params.after, amount: params.amount };
    let query = KeyQuery { page, delimiter: params.delimiter };
    let page = api.catalog.list_objects(&repository, &reference, &query).await?;
    answer(&page, user_metadata)
}

/// The page, written row by row.
fn answer(page: &Page<Listed<Object>>, with_metadata: bool) -> Result<Response, ApiError> {
    let mut out = Vec::with_capacity(size(&page.results));
    out.extend_from_slice(b"{\"pagination\":");
    serde_json::to_writer(&mut out, &pagination(page, key)).map_err(ApiError::internal)?;
    out.extend_from_slice(b",\"results\":[");
    for (place, listed) in page.results.iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        match listed {
            Listed::CommonPrefix(prefix) => write_prefix(&mut out, prefix),
            Listed::Record(object) => ObjectRow::in_list(object, with_metadata).write(&mut out),
        }
    }
    out.extend_from_slice(b"]}");
    Ok(json_bytes(out))
}

fn key(listed: &Listed<Object>) -> &str {
    match listed {
        Listed::CommonPrefix(prefix) => prefix,
        Listed::Record(object) => &object.path,
    }
}

/// About how many bytes the page has: the first row stands for all.
fn size(rows: &[Listed<Object>]) -> usize {
    let first = match rows.first() {
        Some(Listed::Record(object)) => object.path.len() + object.physical_address.len(),
        _ => 0,
    };
    (ROW_BYTES + first) * (rows.len() + 1)
}

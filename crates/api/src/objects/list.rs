//! Listing objects.

use axum::extract::State;
use axum::response::Response;
use lakehold_api_types::ObjectStatsList;
use lakehold_auth::User;
use lakehold_catalog::CatalogError;
use lakehold_catalog::KeyQuery;
use lakehold_catalog::Listed;
use lakehold_catalog::Object;
use lakehold_catalog::Page;
use lakehold_catalog::PageRequest;
use lakehold_catalog::PresignedUrl;
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
use crate::presigned;
use crate::respond::json_bytes;

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
    let ListObjects { repository, reference, user_metadata, presign, .. } = params;
    let user = caller.require(&[permission::on_repository("fs:ListObjects", &repository)]).await?;
    presigned::check(&api, presign)?;
    let page = PageRequest { prefix: params.prefix, after: params.after, amount: params.amount };
    let query = KeyQuery { page, delimiter: params.delimiter };
    let page = api.catalog.list_objects(&repository, &reference, &query).await?;
    let objects: Vec<&Object> = page.results.iter().filter_map(object_of).collect();
    let urls = match presign {
        true => signed(&api, &caller, &user, &repository, &objects).await?,
        false => Vec::new(),
    };
    answer(&page, urls, user_metadata)
}

fn object_of(listed: &Listed<Object>) -> Option<&Object> {
    match listed {
        Listed::CommonPrefix(_) => None,
        Listed::Record(object) => Some(object),
    }
}

/// A URL for each of `objects` that `user` may read and the store can serve.
async fn signed(
    api: &Api,
    caller: &Caller,
    user: &User,
    repository: &RepositoryId,
    objects: &[&Object],
) -> Result<Vec<Option<PresignedUrl>>, ApiError> {
    let reading =
        |object: &&Object| permission::on_object("fs:ReadObject", repository, &object.path);
    let permissions: Vec<_> = objects.iter().map(reading).collect();
    let allowed = caller.allowed(user, &permissions).await?;
    let mut urls = Vec::with_capacity(objects.len());
    for (object, is_allowed) in objects.iter().zip(allowed) {
        urls.push(match is_allowed {
            true => sign(api, object).await?,
            false => None,
        });
    }
    Ok(urls)
}

async fn sign(api: &Api, object: &Object) -> Result<Option<PresignedUrl>, ApiError> {
    match api.catalog.presign(object, api.settings.presigned_for).await {
        Ok(url) => Ok(url),
        // No recorded address can make a listing fail.
        Err(CatalogError::InvalidAddress { .. } | CatalogError::ForbiddenAddress(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The page, written row by row; `urls` are those of its objects, or there are none.
fn answer(
    page: &Page<Listed<Object>>,
    urls: Vec<Option<PresignedUrl>>,
    with_metadata: bool,
) -> Result<Response, ApiError> {
    let mut urls = urls.into_iter();
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
            Listed::Record(object) => {
                let url = urls.next().flatten();
                ObjectRow::in_list(object, with_metadata).signed(url.as_ref()).write(&mut out);
            }
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

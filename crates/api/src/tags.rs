//! Tags: names for commits.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use lakehold_api_types::ErrorBody;
use lakehold_api_types::Ref;
use lakehold_api_types::RefList;
use lakehold_api_types::TagCreation;
use lakehold_catalog::PageRequest;
use lakehold_catalog::RefExpr;
use lakehold_catalog::RepositoryId;
use lakehold_catalog::Tag;
use lakehold_catalog::TagId;
use utoipa_axum::routes;

use crate::Api;
use crate::body::JsonBody;
use crate::caller::Caller;
use crate::error::ApiError;
use crate::error::context::argument;
use crate::error::context::wants_commit;
use crate::openapi::Failures;
use crate::page::PageAnswer;
use crate::params::params;
use crate::params::path;
use crate::params::query;
use crate::permission;
use crate::respond::Json;
use crate::respond::created;
use crate::respond::sized_json;
use crate::routes::Routes;

/// About how many bytes a tag takes in a page.
const ROW_BYTES: usize = 120;

/// Routes of this module.
pub(crate) fn routes() -> Routes {
    Routes::new().routes(routes!(list_tags, create_tag)).routes(routes!(get_tag, delete_tag))
}

params! {
    /// Of listTags.
    ListTags {
        repository: RepositoryId = path::REPOSITORY,
        prefix: String = query::PREFIX,
        after: String = query::AFTER,
        amount: usize = query::AMOUNT,
    }
}

/// list tags
#[utoipa::path(
    get,
    path = "/repositories/{repository}/tags",
    operation_id = "listTags",
    tag = "tags",
    params(ListTags),
    responses((status = 200, description = "tag list", body = RefList), Failures),
)]
async fn list_tags(
    State(api): State<Api>,
    params: ListTags,
    caller: Caller,
) -> Result<Response, ApiError> {
    caller.require(&[permission::on_repository("fs:ListTags", &params.repository)]).await?;
    let request = PageRequest { prefix: params.prefix, after: params.after, amount: params.amount };
    let page = api.catalog.list_tags(&params.repository, &request).await?;
    let answer = PageAnswer::new(&page, |tag| tag.id.as_str(), shown);
    Ok(sized_json(&answer, ROW_BYTES * (page.results.len() + 1)))
}

params! {
    /// Of createTag.
    CreateTag { repository: RepositoryId = path::REPOSITORY }
}

/// create tag
#[utoipa::path(
    post,
    path = "/repositories/{repository}/tags",
    operation_id = "createTag",
    tag = "tags",
    params(CreateTag),
    request_body = TagCreation,
    responses(
        (status = 201, description = "tag", body = Ref),
        (status = 403, description = "Forbidden", body = ErrorBody),
        (status = 409, description = "Resource Conflicts With Target", body = ErrorBody),
        Failures,
    ),
)]
async fn create_tag(
    State(api): State<Api>,
    params: CreateTag,
    caller: Caller,
    JsonBody(request): JsonBody<TagCreation>,
) -> Result<Response, ApiError> {
    let id = TagId::parse(&request.id).map_err(argument("tagID"))?;
    let reference = RefExpr::parse(&request.reference).map_err(argument("ref"))?;
    caller.require(&[permission::on_tag("fs:CreateTag", &params.repository, &id)]).await?;
    let made = api.catalog.create_tag(&params.repository, &id, &reference, request.force).await;
    Ok(created(shown(&made.map_err(wants_commit)?)))
}

params! {
    /// Of getTag.
    GetTag {
        repository: RepositoryId = path::REPOSITORY,
        tag: TagId = path::TAG,
    }
}

/// get tag
#[utoipa::path(
    get,
    path = "/repositories/{repository}/tags/{tag}",
    operation_id = "getTag",
    tag = "tags",
    params(GetTag),
    responses((status = 200, description = "tag", body = Ref), Failures),
)]
async fn get_tag(
    State(api): State<Api>,
    params: GetTag,
    caller: Caller,
) -> Result<Json<Ref>, ApiError> {
    caller.require(&[permission::on_tag("fs:ReadTag", &params.repository, &params.tag)]).await?;
    Ok(Json(shown(&api.catalog.tag(&params.repository, &params.tag).await?)))
}

params! {
    /// Of deleteTag.
    DeleteTag {
        repository: RepositoryId = path::REPOSITORY,
        tag: TagId = path::TAG,
        force: bool = query::FORCE_TAG,
    }
}

/// delete tag
#[utoipa::path(
    delete,
    path = "/repositories/{repository}/tags/{tag}",
    operation_id = "deleteTag",
    tag = "tags",
    params(DeleteTag),
    responses(
        (status = 204, description = "tag deleted successfully"),
        (status = 403, description = "Forbidden", body = ErrorBody),
        Failures,
    ),
)]
async fn delete_tag(
    State(api): State<Api>,
    params: DeleteTag,
    caller: Caller,
) -> Result<StatusCode, ApiError> {
    caller.require(&[permission::on_tag("fs:DeleteTag", &params.repository, &params.tag)]).await?;
    api.catalog.delete_tag(&params.repository, &params.tag, params.force).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A tag as clients see it.
fn shown(tag: &Tag) -> Ref {
    Ref { id: tag.id.to_string(), commit_id: tag.commit_id.to_string() }
}

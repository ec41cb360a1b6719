//! Repositories and their metadata.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use lakehold_api_types::ErrorBody;
use lakehold_api_types::Repository;
use lakehold_api_types::RepositoryCreation;
use lakehold_api_types::RepositoryList;
use lakehold_api_types::RepositoryMetadata;
use lakehold_api_types::RepositoryMetadataKeys;
use lakehold_api_types::RepositoryMetadataSet;
use lakehold_catalog::CreateRepository;
use lakehold_catalog::Metadata;
use lakehold_catalog::PageRequest;
use lakehold_catalog::RepositoryId;
use utoipa_axum::routes;

use crate::Api;
use crate::body::JsonBody;
use crate::caller::Caller;
use crate::error::ApiError;
use crate::error::context::argument;
use crate::openapi::Failures;
use crate::openapi::FailuresButNotFound;
use crate::page::PageAnswer;
use crate::params::params;
use crate::params::path;
use crate::params::query;
use crate::permission;
use crate::respond::Json;
use crate::respond::created;
use crate::respond::sized_json;
use crate::routes::Routes;

/// About how many bytes a repository takes in a page.
const ROW_BYTES: usize = 200;

/// Routes of this module.
pub(crate) fn routes() -> Routes {
    Routes::new()
        .routes(routes!(list_repositories, create_repository))
        .routes(routes!(get_repository, delete_repository))
        .routes(routes!(get_metadata, set_metadata, delete_metadata))
}

params! {
    /// Of listRepositories.
    ListRepositories {
        prefix: String = query::PREFIX,
        after: String = query::AFTER,
        amount: usize = query::AMOUNT,
        search: String = query::SEARCH,
    }
}

/// list repositories
#[utoipa::path(
    get,
    path = "/repositories",
    operation_id = "listRepositories",
    tag = "repositories",
    params(ListRepositories),
    responses(
        (status = 200, description = "repository list", body = RepositoryList),
        FailuresButNotFound,
    ),
)]
async fn list_repositories(
    State(api): State<Api>,
    params: ListRepositories,
    caller: Caller,
) -> Result<Response, ApiError> {
    caller.require(&[permission::on_everything("fs:ListRepositories")]).await?;
    let request = PageRequest { prefix: params.prefix, after: params.after, amount: params.amount };
    let page = api.catalog.list_repositories(&request, &params.search).await?;
    let answer = PageAnswer::new(&page, |found| found.id.as_str(), |found| shown(found));
    Ok(sized_json(&answer, ROW_BYTES * (page.results.len() + 1)))
}

params! {
    /// Of createRepository.
    CreateRepositoryParams { bare: bool = query::BARE }
}

/// create repository
#[utoipa::path(
    post,
    path = "/repositories",
    operation_id = "createRepository",
    tag = "repositories",
    params(CreateRepositoryParams),
    request_body = RepositoryCreation,
    responses(
        (status = 201, description = "repository", body = Repository),
        (status = 409, description = "Resource Conflicts With Target", body = ErrorBody),
        FailuresButNotFound,
    ),
)]
async fn create_repository(
    State(api): State<Api>,
    params: CreateRepositoryParams,
    caller: Caller,
    JsonBody(request): JsonBody<RepositoryCreation>,
) -> Result<Response, ApiError> {
    let id = RepositoryId::parse(&request.name).map_err(argument("repository"))?;
    let user = caller
        .require(&[
            permission::on_repository("fs:CreateRepository", &id),
            permission::on_namespace("fs:AttachStorageNamespace", &request.storage_namespace),
        ])
        .await?;
    let new = CreateRepository {
        id,
        storage_namespace: request.storage_namespace,
        storage_id: request.storage_id.unwrap_or_default(),
        default_branch: request.default_branch.unwrap_or_default(),
        read_only: request.read_only,
        bare: params.bare,
        sample_data: request.sample_data,
        committer: user.committer().to_owned(),
    };
    let made = api.catalog.create_repository(new).await?;
    let mut answer = shown(&made);
    if params.bare {
        // As it always was: the answer for a bare repository does not say.
        answer.read_only = None;
    }
    Ok(created(answer))
}

params! {
    /// Of operations on a repository that need nothing else.
    RepositoryParams { repository: RepositoryId = path::REPOSITORY }
}

/// get repository
#[utoipa::path(
    get,
    path = "/repositories/{repository}",
    operation_id = "getRepository",
    tag = "repositories",
    params(RepositoryParams),
    responses((status = 200, description = "repository", body = Repository), Failures),
)]
async fn get_repository(
    State(api): State<Api>,
    params: RepositoryParams,
    caller: Caller,
) -> Result<Json<Repository>, ApiError> {
    caller.require(&[permission::on_repository("fs:ReadRepository", &params.repository)]).await?;
    Ok(Json(shown(&*api.catalog.repository(&params.repository).await?)))
}

params! {
    /// Of deleteRepository.
    DeleteRepository {
        repository: RepositoryId = path::REPOSITORY,
        force: bool = query::FORCE,
    }
}

/// delete repository
#[utoipa::path(
    delete,
    path = "/repositories/{repository}",
    operation_id = "deleteRepository",
    tag = "repositories",
    params(DeleteRepository),
    responses((status = 204, description = "repository deleted successfully"), Failures),
)]
async fn delete_repository(
    State(api): State<Api>,
    params: DeleteRepository,
    caller: Caller,
) -> Result<StatusCode, ApiError> {
    caller.require(&[permission::on_repository("fs:DeleteRepository", &params.repository)]).await?;
    api.catalog.delete_repository(&params.repository, params.force).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// get repository metadata
#[utoipa::path(
    get,
    path = "/repositories/{repository}/metadata",
    operation_id = "getRepositoryMetadata",
    tag = "repositories",
    params(RepositoryParams),
    responses(
        (status = 200, description = "repository metadata", body = RepositoryMetadata),
        Failures,
    ),
)]
async fn get_metadata(
    State(api): State<Api>,
    params: RepositoryParams,
    caller: Caller,
) -> Result<Json<RepositoryMetadata>, ApiError> {
    caller.require(&[permission::on_repository("fs:ReadRepository", &params.repository)]).await?;
    Ok(Json(RepositoryMetadata(api.catalog.repository_metadata(&params.repository).await?)))
}

/// set repository metadata
#[utoipa::path(
    post,
    path = "/repositories/{repository}/metadata",
    operation_id = "setRepositoryMetadata",
    tag = "internal",
    params(RepositoryParams),
    request_body = RepositoryMetadataSet,
    responses((status = 204, description = "repository metadata set successfully"), Failures),
)]
async fn set_metadata(
    State(api): State<Api>,
    params: RepositoryParams,
    caller: Caller,
    JsonBody(request): JsonBody<RepositoryMetadataSet>,
) -> Result<StatusCode, ApiError> {
    update_metadata(&api, &params, &caller, &request.metadata, &[]).await
}

/// delete repository metadata
#[utoipa::path(
    delete,
    path = "/repositories/{repository}/metadata",
    operation_id = "deleteRepositoryMetadata",
    tag = "internal",
    params(RepositoryParams),
    request_body = RepositoryMetadataKeys,
    responses(
        (status = 204, description = "repository metadata keys deleted successfully"),
        FailuresButNotFound,
    ),
)]
async fn delete_metadata(
    State(api): State<Api>,
    params: RepositoryParams,
    caller: Caller,
    JsonBody(request): JsonBody<RepositoryMetadataKeys>,
) -> Result<StatusCode, ApiError> {
    update_metadata(&api, &params, &caller, &Metadata::new(), &request.keys).await
}

async fn update_metadata(
    api: &Api,
    params: &RepositoryParams,
    caller: &Caller,
    set: &Metadata,
    remove: &[String],
) -> Result<StatusCode, ApiError> {
    caller.require(&[permission::on_repository("fs:UpdateRepository", &params.repository)]).await?;
    api.catalog.update_repository_metadata(&params.repository, set, remove).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A repository as clients see it.
fn shown(repository: &lakehold_catalog::Repository) -> Repository {
    Repository {
        id: repository.id.to_string(),
        creation_date: repository.creation_date.seconds,
        default_branch: repository.default_branch.to_string(),
        storage_id: Some(repository.storage_id.clone()),
        storage_namespace: repository.storage_namespace.to_string(),
        read_only: Some(repository.read_only),
    }
}

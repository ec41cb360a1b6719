//! Uploading past the server in parts.
//!
//! Only for stores that give out URLs for parts; the others answer 501, and 400 where a single URL is
//! asked for.

use axum::extract::State;
use axum::response::IntoResponse as _;
use axum::response::Response;
use http::StatusCode;
use http::header;
use lakehold_api_types::AbortPresignMultipartUpload;
use lakehold_api_types::CompletePresignMultipartUpload;
use lakehold_api_types::CopyPartSource;
use lakehold_api_types::ObjectStats;
use lakehold_api_types::PresignMultipartUpload;
use lakehold_api_types::StagingLocation;
use lakehold_api_types::UploadPart;
use lakehold_api_types::UploadPartCopyFrom;
use lakehold_api_types::UploadPartFrom;
use lakehold_api_types::UploadTo;
use lakehold_catalog::BranchId;
use lakehold_catalog::CatalogError;
use lakehold_catalog::ClientUpload;
use lakehold_catalog::CompletedPart;
use lakehold_catalog::CompletedUpload;
use lakehold_catalog::EngineError;
use lakehold_catalog::MAX_PART_NUMBER;
use lakehold_catalog::Object;
use lakehold_catalog::RefExpr;
use lakehold_catalog::RepositoryId;
use lakehold_catalog::UploadId;
use utoipa_axum::routes;

use crate::Api;
use crate::body::JsonBody;
use crate::body::OptionalJsonBody;
use crate::caller::Caller;
use crate::error::ApiError;
use crate::error::context::argument;
use crate::error::context::on_branch;
use crate::objects::DEFAULT_MEDIA_TYPE;
use crate::objects::ObjectRow;
use crate::objects::Wanted;
use crate::objects::wanted;
use crate::openapi::Failures;
use crate::params::params;
use crate::params::path;
use crate::params::query;
use crate::permission;
use crate::respond::Json;
use crate::respond::created;
use crate::respond::header_value;
use crate::respond::json_bytes;
use crate::routes::Routes;

/// Routes of this module.
pub(super) fn routes() -> Routes {
    Routes::new()
        .routes(routes!(create_upload))
        .routes(routes!(complete_upload, abort_upload))
        .routes(routes!(upload_part))
        .routes(routes!(upload_part_copy))
}

/// Refuses where no upload could have been begun.
fn check(api: &Api) -> Result<(), ApiError> {
    match api.catalog.store_description().can_presign_multipart {
        true => Ok(()),
        false => {
            let message = "presign multipart upload API is not supported";
            Err(ApiError::new(StatusCode::NOT_IMPLEMENTED, message))
        }
    }
}

params! {
    /// Of createPresignMultipartUpload.
    CreateUpload {
        repository: RepositoryId = path::REPOSITORY,
        branch: BranchId = path::BRANCH,
        path: String = query::PATH,
        parts: Option<i64> = query::PARTS,
    }
}

/// Initiate a multipart upload
///
/// Initiates a multipart upload and returns an upload ID with presigned URLs for each part (optional).
/// Part numbers starts with 1. Each part except the last one has minimum size depends on the
/// underlying blockstore implementation. For example working with S3 blockstore, minimum size is 5MB
/// (excluding the last part).
#[utoipa::path(
    post,
    path = "/repositories/{repository}/branches/{branch}/staging/pmpu",
    operation_id = "createPresignMultipartUpload",
    tag = "experimental",
    params(CreateUpload),
    responses(
        (
            status = 201, description = "Presign multipart upload initiated",
            body = PresignMultipartUpload,
        ),
        Failures,
    ),
)]
async fn create_upload(
    State(api): State<Api>,
    params: CreateUpload,
    caller: Caller,
) -> Result<Response, ApiError> {
    let CreateUpload { repository, branch, path, .. } = &params;
    caller.require(&[permission::on_object("fs:WriteObject", repository, path)]).await?;
    check(&api)?;
    let parts = number_of_parts(params.parts)?;
    let ttl = api.settings.presigned_for;
    let begun = api.catalog.begin_client_upload(repository, branch, path, parts, ttl).await;
    let begun = begun.map_err(on_branch)?;
    let urls: Vec<_> = begun.urls.into_iter().map(|signed| signed.url).collect();
    Ok(created(PresignMultipartUpload {
        upload_id: begun.id.to_string(),
        physical_address: begun.physical_address,
        presigned_urls: (!urls.is_empty()).then_some(urls),
    }))
}

fn number_of_parts(given: Option<i64>) -> Result<u32, ApiError> {
    let number = u32::try_from(given.unwrap_or(0)).ok();
    let out_of_bounds =
        || ApiError::bad_request(format!("parts can be between 0 and {MAX_PART_NUMBER}"));
    number.filter(|number| *number <= MAX_PART_NUMBER).ok_or_else(out_of_bounds)
}

params! {
    /// Of operations on an upload.
    UploadParams {
        repository: RepositoryId = path::REPOSITORY,
        branch: BranchId = path::BRANCH,
        upload_id: String = path::UPLOAD,
        path: String = query::PATH,
    }
}

impl UploadParams {
    fn at(self, physical_address: String) -> Result<ClientUpload, ApiError> {
        let Self { repository, branch, upload_id, path } = self;
        if physical_address.is_empty() {
            return Err(ApiError::bad_request("physical_address is required"));
        }
        let id = UploadId::from_stored(&upload_id);
        Ok(ClientUpload { repository, branch, path, id, physical_address })
    }
}

/// Complete a presign multipart upload request
///
/// Completes a presign multipart upload by assembling the uploaded parts.
#[utoipa::path(
    put,
    path = "/repositories/{repository}/branches/{branch}/staging/pmpu/{uploadId}",
    operation_id = "completePresignMultipartUpload",
    tag = "experimental",
    params(UploadParams),
    request_body = Option<CompletePresignMultipartUpload>,
    responses(
        (status = 200, description = "Presign multipart upload completed", body = ObjectStats),
        (status = 409, description = "conflict with a commit, try here", body = StagingLocation),
        Failures,
    ),
)]
async fn complete_upload(
    State(api): State<Api>,
    params: UploadParams,
    caller: Caller,
    OptionalJsonBody(request): OptionalJsonBody<CompletePresignMultipartUpload>,
) -> Result<Response, ApiError> {
    let writing = permission::on_object("fs:WriteObject", &params.repository, &params.path);
    caller.require(&[writing]).await?;
    check(&api)?;
    let upload = params.at(request.physical_address)?;
    let completed = CompletedUpload {
        parts: request.parts.into_iter().map(completed_part).collect::<Result<_, _>>()?,
        metadata: request.user_metadata.unwrap_or_default(),
        content_type: request.content_type.unwrap_or_else(|| DEFAULT_MEDIA_TYPE.to_owned()),
    };
    if completed.parts.is_empty() {
        return Err(ApiError::bad_request("parts are required"));
    }
    let made = api.catalog.complete_client_upload(&upload, completed).await.map_err(on_branch)?;
    Ok(json_bytes(ObjectRow::new(&made).into_json()))
}

fn completed_part(part: UploadPart) -> Result<CompletedPart, ApiError> {
    let UploadPart { part_number, etag } = part;
    let number = u32::try_from(part_number).map_err(|_| {
        ApiError::bad_request(format!("part {part_number}: numbers are 1 to {MAX_PART_NUMBER}"))
    })?;
    Ok(CompletedPart { number, etag: etag.trim_matches('"').to_owned() })
}

/// Abort a presign multipart upload
///
/// Aborts a presign multipart upload.
#[utoipa::path(
    delete,
    path = "/repositories/{repository}/branches/{branch}/staging/pmpu/{uploadId}",
    operation_id = "abortPresignMultipartUpload",
    tag = "experimental",
    params(UploadParams),
    request_body = Option<AbortPresignMultipartUpload>,
    responses((status = 204, description = "Presign multipart upload aborted"), Failures),
)]
async fn abort_upload(
    State(api): State<Api>,
    params: UploadParams,
    caller: Caller,
    OptionalJsonBody(request): OptionalJsonBody<AbortPresignMultipartUpload>,
) -> Result<StatusCode, ApiError> {
    let writing = permission::on_object("fs:WriteObject", &params.repository, &params.path);
    caller.require(&[writing]).await?;
    check(&api)?;
    api.catalog.abort_client_upload(&params.at(request.physical_address)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

params! {
    /// Of operations on a part.
    PartParams {
        repository: RepositoryId = path::REPOSITORY,
        branch: BranchId = path::BRANCH,
        upload_id: String = path::UPLOAD,
        path: String = query::PATH,
        number: u32 = path::PART_NUMBER,
    }
}

impl PartParams {
    fn upload(self) -> UploadParams {
        let Self { repository, branch, upload_id, path, .. } = self;
        UploadParams { repository, branch, upload_id, path }
    }
}

/// Return a presigned URL to upload into a presigned multipart upload.
#[utoipa::path(
    put,
    path = "/repositories/{repository}/branches/{branch}/staging/pmpu/{uploadId}/parts/{partNumber}",
    operation_id = "uploadPart",
    tag = "experimental",
    params(PartParams),
    request_body = UploadPartFrom,
    responses(
        (status = 200, description = "presigned URL to use for upload", body = UploadTo),
        Failures,
    ),
)]
async fn upload_part(
    State(api): State<Api>,
    params: PartParams,
    caller: Caller,
    JsonBody(request): JsonBody<UploadPartFrom>,
) -> Result<Json<UploadTo>, ApiError> {
    let writing = permission::on_object("fs:WriteObject", &params.repository, &params.path);
    caller.require(&[writing]).await?;
    let number = params.number;
    let upload = params.upload().at(request.physical_address)?;
    let ttl = api.settings.presigned_for;
    let url = api.catalog.presign_client_part(&upload, number, ttl).await?;
    let url = url.ok_or_else(|| ApiError::bad_request("operation not supported"))?;
    Ok(Json(UploadTo { presigned_url: url.url }))
}

/// Upload a part by copying part of another object.
#[utoipa::path(
    put,
    path = "/repositories/{repository}/branches/{branch}/staging/pmpu/{uploadId}/parts/{partNumber}/copy",
    operation_id = "uploadPartCopy",
    tag = "experimental",
    params(PartParams),
    request_body = UploadPartCopyFrom,
    responses(
        (status = 204, description = "part copied", headers(("ETag" = String))),
        Failures,
    ),
)]
async fn upload_part_copy(
    State(api): State<Api>,
    params: PartParams,
    caller: Caller,
    JsonBody(request): JsonBody<UploadPartCopyFrom>,
) -> Result<Response, ApiError> {
    let source = Source::parse(request.copy_source)?;
    caller
        .require(&[
            permission::on_object("fs:WriteObject", &params.repository, &params.path),
            permission::on_object("fs:ReadObject", &source.repository, &source.path),
        ])
        .await?;
    check(&api)?;
    let number = params.number;
    let upload = params.upload().at(request.part.physical_address)?;
    let found = api.catalog.object(&source.repository, &source.reference, &source.path).await;
    let found = found.map_err(|error| source.missing(error))?;
    let range = source.range_of(&found)?;
    let part = api.catalog.copy_client_part(&upload, number, &found, range).await?;
    let headers = header_value(&part.etag).map(|etag| [(header::ETAG, etag)]);
    Ok((StatusCode::NO_CONTENT, headers, ()).into_response())
}

/// What a part is copied from.
struct Source {
    repository: RepositoryId,
    reference: RefExpr,
    path: String,
    range: Option<String>,
}

impl Source {
    fn parse(given: CopyPartSource) -> Result<Self, ApiError> {
        Ok(Self {
            repository: RepositoryId::parse(&given.repository).map_err(argument("repository"))?,
            reference: RefExpr::parse(&given.reference).map_err(argument("ref"))?,
            path: given.path,
            range: given.range,
        })
    }

    /// The bytes that are wanted; `None` where all are.
    fn range_of(&self, object: &Object) -> Result<Option<std::ops::Range<u64>>, ApiError> {
        let Some(text) = &self.range else { return Ok(None) };
        match wanted(text, object.size) {
            Wanted::Bytes(range) => Ok(Some(range)),
            Wanted::Unsatisfiable | Wanted::Malformed => {
                Err(ApiError::bad_request(format!("parse range {text:?}: invalid range")))
            }
        }
    }

    fn missing(&self, error: CatalogError) -> ApiError {
        let Self { repository, reference, path, .. } = self;
        match &error {
            CatalogError::Engine(EngineError::KeyNotFound(_) | EngineError::RefNotFound(_)) => {
                let source = format!("{repository}/{}/{path}: ", reference.as_str());
                ApiError::from(error).prefixed(&source)
            }
            _ => error.into(),
        }
    }
}

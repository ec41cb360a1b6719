//! What the server tells of itself.

use axum::extract::State;
use lakehold_api_types::CapabilitiesConfig;
use lakehold_api_types::Config;
use lakehold_api_types::ErrorBody;
use lakehold_api_types::GarbageCollectionConfig;
use lakehold_api_types::StorageConfig;
use lakehold_api_types::StorageConfigList;
use lakehold_api_types::UiConfig;
use lakehold_api_types::VersionConfig;
use utoipa_axum::routes;

use crate::Api;
use crate::caller::Caller;
use crate::error::ApiError;
use crate::permission;
use crate::respond::Json;
use crate::routes::Routes;

/// The version of the API that clients compare with theirs.
const API_VERSION: &str = "1.84.0";
/// Objects younger than this are never collected: they may be on their way to an entry.
const GRACE_PERIOD_SECONDS: i64 = 24 * 60 * 60;

/// Routes of this module.
#[expect(deprecated, reason = "deprecated operations of the contract are served all the same")]
pub(crate) fn routes() -> Routes {
    Routes::new()
        .routes(routes!(get_config))
        .routes(routes!(get_storage_config))
        .routes(routes!(get_version))
        .routes(routes!(get_garbage_collection_config))
}

/// retrieve lakeFS configuration
///
/// Any user may: clients without the right to read the configuration depend on it.
#[utoipa::path(
    get,
    path = "/config",
    operation_id = "getConfig",
    tag = "config",
    responses(
        (status = 200, description = "lakeFS configuration", body = Config),
        (status = 401, description = "Unauthorized", body = ErrorBody),
    ),
)]
async fn get_config(State(api): State<Api>, caller: Caller) -> Result<Json<Config>, ApiError> {
    caller.user().await?;
    Ok(Json(Config {
        version_config: Some(version(&api)),
        storage_config: Some(storage(&api)),
        storage_config_list: Some(StorageConfigList::default()),
        ui_config: Some(UiConfig::default()),
        capabilities_config: Some(CapabilitiesConfig {}),
    }))
}

/// retrieve lakeFS storage configuration
#[utoipa::path(
    get,
    path = "/config/storage",
    operation_id = "getStorageConfig",
    tag = "internal",
    responses(
        (status = 200, description = "lakeFS storage configuration", body = StorageConfig),
        (status = 401, description = "Unauthorized", body = ErrorBody),
    ),
)]
#[deprecated = "getConfig tells more"]
async fn get_storage_config(
    State(api): State<Api>,
    caller: Caller,
) -> Result<Json<StorageConfig>, ApiError> {
    caller.require(&[permission::on_everything("fs:ReadConfig")]).await?;
    Ok(Json(storage(&api)))
}

/// get version of lakeFS server
#[utoipa::path(
    get,
    path = "/config/version",
    operation_id = "getLakeFSVersion",
    tag = "internal",
    responses(
        (status = 200, description = "lakeFS version", body = VersionConfig),
        (status = 401, description = "Unauthorized", body = ErrorBody),
    ),
)]
#[deprecated = "getConfig tells more"]
async fn get_version(
    State(api): State<Api>,
    caller: Caller,
) -> Result<Json<VersionConfig>, ApiError> {
    caller.user().await?;
    Ok(Json(version(&api)))
}

/// get information of gc settings
#[utoipa::path(
    get,
    path = "/config/garbage-collection",
    operation_id = "getGarbageCollectionConfig",
    tag = "internal",
    responses(
        (status = 200, description = "lakeFS garbage collection config", body = GarbageCollectionConfig),
        (status = 401, description = "Unauthorized", body = ErrorBody),
    ),
)]
async fn get_garbage_collection_config(
    caller: Caller,
) -> Result<Json<GarbageCollectionConfig>, ApiError> {
    caller.user().await?;
    Ok(Json(GarbageCollectionConfig { grace_period: Some(GRACE_PERIOD_SECONDS) }))
}

fn version(api: &Api) -> VersionConfig {
    VersionConfig {
        version: Some(API_VERSION.to_owned()),
        version_context: Some("lakeFS".to_owned()),
        latest_version: None,
        upgrade_recommended: None,
        upgrade_url: None,
        lakehold_version: Some(api.settings.product_version.clone()),
    }
}

fn storage(api: &Api) -> StorageConfig {
    let store = api.catalog.store_description();
    StorageConfig {
        blockstore_type: store.kind.to_owned(),
        blockstore_namespace_example: store.namespace_example,
        blockstore_namespace_validity_regex: store.namespace_validity,
        default_namespace_prefix: Some(store.default_namespace_prefix),
        pre_sign_support: store.can_presign,
        pre_sign_support_ui: store.can_presign_ui,
        import_support: store.can_import,
        import_validity_regex: store.import_validity,
        pre_sign_multipart_upload: Some(store.can_presign_multipart),
        blockstore_id: Some(String::new()),
        blockstore_description: Some(String::new()),
    }
}

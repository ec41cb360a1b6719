//! What a server tells of itself.

use serde::Deserialize;
use serde::Serialize;
use utoipa::ToSchema;

/// Everything a client may want to know of the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Config {
    /// Which version this is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub version_config: Option<VersionConfig>,
    /// What the block store can do.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub storage_config: Option<StorageConfig>,
    /// What each of several block stores can do; empty where there is one without a name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub storage_config_list: Option<StorageConfigList>,
    /// Settings of the web interface.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ui_config: Option<UiConfig>,
    /// Nothing yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub capabilities_config: Option<CapabilitiesConfig>,
}

/// Which version this is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VersionConfig {
    /// The version of the API, for clients to compare.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub version: Option<String>,
    /// Which product family the version is one of.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub version_context: Option<String>,
    /// The newest version there is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub latest_version: Option<String>,
    /// Whether a newer version should be installed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub upgrade_recommended: Option<bool>,
    /// Where to read how.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub upgrade_url: Option<String>,
    /// Version of the product itself; not part of the contract.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub lakehold_version: Option<String>,
}

/// What the block store can do, and how its namespaces look.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StorageConfig {
    /// Kind of the block store, such as `local`.
    pub blockstore_type: String,
    /// A storage namespace to show as an example.
    pub blockstore_namespace_example: String,
    /// Regular expression that every storage namespace matches.
    #[serde(rename = "blockstore_namespace_ValidityRegex")]
    pub blockstore_namespace_validity_regex: String,
    /// What a user interface puts before a new storage namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub default_namespace_prefix: Option<String>,
    /// Whether the store gives out URLs that a client may use by itself.
    pub pre_sign_support: bool,
    /// Whether the web interface should use them.
    pub pre_sign_support_ui: bool,
    /// Whether objects already in the store can be imported.
    pub import_support: bool,
    /// Regular expression that every import source matches.
    pub import_validity_regex: String,
    /// Whether the parts of an upload can have URLs of their own.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub pre_sign_multipart_upload: Option<bool>,
    /// Id of the store, where there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub blockstore_id: Option<String>,
    /// What its operator says of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub blockstore_description: Option<String>,
}

/// The block stores of a server that has several.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct StorageConfigList(pub Vec<StorageConfig>);

/// Settings of the web interface.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = UIConfig)]
pub struct UiConfig {
    /// Viewers for objects of some kinds.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub custom_viewers: Option<Vec<CustomViewer>>,
}

/// A viewer for objects of some kinds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CustomViewer {
    /// What it is called.
    pub name: String,
    /// Where it is.
    pub url: String,
    /// File name extensions it shows.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub extensions: Option<Vec<String>>,
    /// Media types it shows.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub content_types: Option<Vec<String>>,
}

/// Reserved: no capability is defined.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CapabilitiesConfig {}

/// How garbage collection treats young objects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GarbageCollectionConfig {
    /// Duration in seconds. Objects created in the recent grace_period will not be collected.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "", nullable = false)]
    pub grace_period: Option<i64>,
}

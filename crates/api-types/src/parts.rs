//! Uploading in parts past the server.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;
use utoipa::PartialSchema;
use utoipa::ToSchema;
use utoipa::openapi::AllOfBuilder;
use utoipa::openapi::ObjectBuilder;
use utoipa::openapi::Ref;
use utoipa::openapi::RefOr;
use utoipa::openapi::Schema;
use utoipa::openapi::schema::Type;

/// An upload in parts that was begun.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PresignMultipartUpload {
    /// Names the upload.
    pub upload_id: String,
    /// Complete URI of the object's bytes.
    pub physical_address: String,
    /// Where the parts are to be sent, from the first on.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub presigned_urls: Option<Vec<String>>,
}

/// A part that was stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UploadPart {
    /// Its place in the object, from 1 on.
    #[schema(format = "")]
    pub part_number: i64,
    /// Its entity tag, as the store said it.
    pub etag: String,
}

/// Which upload a part is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UploadPartFrom {
    /// The physical address (of the entire intended object) returned from
    /// createPresignMultipartUpload.
    pub physical_address: String,
}

/// Where a part is to be sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UploadTo {
    /// The URL, for an HTTP PUT.
    pub presigned_url: String,
}

/// What a part is to be copied from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CopyPartSource {
    /// Name of the repository.
    pub repository: String,
    /// Names a commit.
    #[serde(rename = "ref")]
    pub reference: String,
    /// Path of the object.
    pub path: String,
    /// Range of bytes to copy
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, pattern = r"^bytes=((\d*-\d*,? ?)+)$")]
    pub range: Option<String>,
}

/// Which upload a part is for, and what it is to be copied from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadPartCopyFrom {
    /// Which upload it is for.
    #[serde(flatten)]
    pub part: UploadPartFrom,
    /// What is to be copied.
    pub copy_source: CopyPartSource,
}

/// As the contract has it, in two parts: what derives would write differs.
impl PartialSchema for UploadPartCopyFrom {
    fn schema() -> RefOr<Schema> {
        let own = ObjectBuilder::new()
            .schema_type(Type::Object)
            .property("copy_source", Ref::from_schema_name("CopyPartSource"))
            .required("copy_source");
        AllOfBuilder::new().item(Ref::from_schema_name("UploadPartFrom")).item(own).into()
    }
}

impl ToSchema for UploadPartCopyFrom {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("UploadPartCopyFrom")
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((UploadPartFrom::name().into_owned(), UploadPartFrom::schema()));
        schemas.push((CopyPartSource::name().into_owned(), CopyPartSource::schema()));
    }
}

/// What an upload in parts is completed with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CompletePresignMultipartUpload {
    /// Complete URI of the object's bytes.
    pub physical_address: String,
    /// List of uploaded parts, should be ordered by ascending part number
    pub parts: Vec<UploadPart>,
    /// Keys and values attached to the object.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub user_metadata: Option<BTreeMap<String, String>>,
    /// Object media type
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub content_type: Option<String>,
}

/// Which upload is to be ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AbortPresignMultipartUpload {
    /// Complete URI of the object's bytes.
    pub physical_address: String,
}

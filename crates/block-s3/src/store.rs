//! The driver: each operation of the trait by the requests it takes.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt as _;
use futures::TryStreamExt as _;
use futures::stream;
use futures::stream::BoxStream;
use http::Method;
use lakehold_block::Address;
use lakehold_block::BlockStore;
use lakehold_block::Body;
use lakehold_block::Completed;
use lakehold_block::CompletedPart;
use lakehold_block::Error;
use lakehold_block::Head;
use lakehold_block::Listed;
use lakehold_block::Part;
use lakehold_block::PresignedUrl;
use lakehold_block::SourceObject;
use lakehold_block::StorageNamespace;
use lakehold_block::StoreDescription;
use lakehold_block::StoredPart;
use lakehold_block::UploadId;
use lakehold_block::check_part_number;
use lakehold_clock::Runtime;

use crate::client::Call;
use crate::client::S3Client;
use crate::copy;
use crate::download;
use crate::list;
use crate::parts;
use crate::parts::Upload;
use crate::place;
use crate::place::Place;
use crate::presign;
use crate::put;
use crate::put::Condition;
use crate::settings::S3Settings;

/// A block store over S3.
#[derive(Debug)]
pub struct S3BlockStore {
    client: Arc<S3Client>,
}

impl S3BlockStore {
    /// A store with these settings. Nothing is asked or sent yet.
    ///
    /// Fails with [`Error::InvalidAddress`] where an endpoint is none.
    pub fn new(settings: S3Settings, runtime: Runtime) -> Result<Self, Error> {
        Ok(Self { client: Arc::new(S3Client::new(settings, runtime)?) })
    }

    fn upload(address: &Address, id: &UploadId) -> Result<Upload, Error> {
        if id.as_str().is_empty() {
            return Err(Error::UploadNotFound(String::new()));
        }
        Ok(Upload { place: Place::of(address)?, id: id.clone() })
    }
}

#[async_trait]
impl BlockStore for S3BlockStore {
    fn description(&self) -> StoreDescription {
        let settings = &self.client.settings;
        let can_presign = !settings.disable_pre_signed;
        StoreDescription {
            kind: "s3",
            namespace_example: "s3://example-bucket/".to_owned(),
            namespace_validity: "^s3://".to_owned(),
            default_namespace_prefix: String::new(),
            can_presign,
            can_presign_ui: can_presign && !settings.disable_pre_signed_ui,
            can_presign_multipart: can_presign && !settings.disable_pre_signed_multipart,
            can_import: true,
            import_validity: "^s3://".to_owned(),
        }
    }

    fn check_namespace(&self, namespace: &StorageNamespace) -> Result<(), Error> {
        Place::folder(namespace).map(drop)
    }

    fn physical_address(&self, address: &Address) -> String {
        place::show(address)
    }

    fn parse_physical(
        &self,
        namespace: &StorageNamespace,
        physical: &str,
    ) -> Result<Address, Error> {
        place::parse_physical(namespace, physical)
    }

    async fn put(&self, address: &Address, body: Body) -> Result<u64, Error> {
        let place = Place::of(address)?;
        put::put(&self.client, &place, body, Condition::Always).await
    }

    async fn put_if_absent(&self, address: &Address, body: Body) -> Result<u64, Error> {
        let place = Place::of(address)?;
        put::put(&self.client, &place, body, Condition::absent(&self.client)).await
    }

    async fn get(&self, address: &Address, range: Option<Range<u64>>) -> Result<Body, Error> {
        download::get(&self.client, Place::of(address)?, range).await
    }

    async fn head(&self, address: &Address) -> Result<Option<Head>, Error> {
        let place = Place::of(address)?;
        let found = self.client.head(&place).await.map_err(|failed| failed.about(&place))?;
        Ok(found.as_ref().map(download::head_of))
    }

    async fn delete(&self, address: &Address) -> Result<(), Error> {
        let place = Place::of(address)?;
        let call = Call::new(Method::DELETE, &place, "s3:DeleteObject");
        match self.client.call(&call).await {
            Err(failed) if !failed.failure.is_missing() => Err(failed.about(&place)),
            _ => Ok(()),
        }
    }

    async fn copy(&self, from: &Address, to: &Address) -> Result<u64, Error> {
        copy::copy(&self.client, &Place::of(from)?, &Place::of(to)?).await
    }

    async fn list(
        &self,
        namespace: &StorageNamespace,
        prefix: &str,
        after: &str,
        limit: usize,
    ) -> Result<Vec<Listed>, Error> {
        list::list(&self.client, &Place::folder(namespace)?, prefix, after, limit).await
    }

    fn list_source<'a>(&'a self, source: &'a str) -> BoxStream<'a, Result<SourceObject, Error>> {
        match Place::source(source) {
            Ok(source) => {
                let pages = list::sources(&self.client, source);
                pages.map_ok(|page| stream::iter(page).map(Ok)).try_flatten().boxed()
            }
            Err(error) => stream::iter([Err(error)]).boxed(),
        }
    }

    async fn find_source(&self, uri: &str) -> Result<Option<SourceObject>, Error> {
        let place = Place::of(&Address::Full(uri.into()))?;
        let found = self.client.head(&place).await.map_err(|failed| failed.about(&place))?;
        Ok(found.map(|answer| SourceObject {
            uri: uri.to_owned(),
            name: String::new(),
            head: download::head_of(&answer),
            etag: Some(answer.etag().to_owned()).filter(|etag| !etag.is_empty()),
        }))
    }

    async fn create_multipart(&self, address: &Address) -> Result<UploadId, Error> {
        let upload = parts::create(&self.client, Place::of(address)?, Vec::new()).await?;
        Ok(upload.id)
    }

    async fn put_part(
        &self,
        address: &Address,
        upload: &UploadId,
        number: u32,
        body: Body,
    ) -> Result<StoredPart, Error> {
        parts::put_part(&self.client, &Self::upload(address, upload)?, number, body).await
    }

    async fn copy_part(
        &self,
        address: &Address,
        upload: &UploadId,
        number: u32,
        from: &Address,
        range: Option<Range<u64>>,
    ) -> Result<StoredPart, Error> {
        let upload = Self::upload(address, upload)?;
        let from = Place::of(from)?;
        let total = copy::size_of(&self.client, &from).await?;
        let asked = range.clone().unwrap_or(0..total);
        if asked.start > asked.end || asked.end > total {
            return Err(Error::too_short(from.to_string(), &asked, total));
        }
        let size = asked.end - asked.start;
        if size == 0 {
            // No range has no bytes.
            let nothing = Body::Whole(bytes::Bytes::new());
            return parts::put_part(&self.client, &upload, number, nothing).await;
        }
        parts::copy_part(&self.client, &upload, number, &from, range, size).await
    }

    async fn list_parts(
        &self,
        address: &Address,
        upload: &UploadId,
        after: u32,
        limit: usize,
    ) -> Result<Vec<Part>, Error> {
        parts::list(&self.client, &Self::upload(address, upload)?, after, limit).await
    }

    async fn complete_multipart(
        &self,
        address: &Address,
        upload: &UploadId,
        chosen: &[CompletedPart],
    ) -> Result<Completed, Error> {
        let upload = Self::upload(address, upload)?;
        parts::complete(&self.client, &upload, chosen, &Condition::Always).await
    }

    async fn abort_multipart(&self, address: &Address, upload: &UploadId) -> Result<(), Error> {
        parts::abort(&self.client, &Self::upload(address, upload)?).await
    }

    async fn presign_get(
        &self,
        address: &Address,
        ttl: Duration,
        file_name: Option<&str>,
    ) -> Result<Option<PresignedUrl>, Error> {
        if self.client.settings.disable_pre_signed {
            return Ok(None);
        }
        let disposition = file_name.map(presign::disposition);
        let query = disposition.as_deref().map(|told| ("response-content-disposition", told));
        let query: Vec<(&str, &str)> = query.into_iter().collect();
        let place = Place::of(address)?;
        presign::presign(&self.client, &Method::GET, &place, ttl, &query).await.map(Some)
    }

    async fn presign_put(
        &self,
        address: &Address,
        ttl: Duration,
    ) -> Result<Option<PresignedUrl>, Error> {
        if self.client.settings.disable_pre_signed {
            return Ok(None);
        }
        let place = Place::of(address)?;
        presign::presign(&self.client, &Method::PUT, &place, ttl, &[]).await.map(Some)
    }

    async fn presign_part(
        &self,
        address: &Address,
        upload: &UploadId,
        number: u32,
        ttl: Duration,
    ) -> Result<Option<PresignedUrl>, Error> {
        check_part_number(number)?;
        let settings = &self.client.settings;
        if settings.disable_pre_signed || settings.disable_pre_signed_multipart {
            return Ok(None);
        }
        let Upload { place, id } = Self::upload(address, upload)?;
        let query = [("uploadId", id.as_str()), ("partNumber", &number.to_string())];
        presign::presign(&self.client, &Method::PUT, &place, ttl, &query).await.map(Some)
    }

    async fn close(&self) -> Result<(), Error> {
        Ok(())
    }
}

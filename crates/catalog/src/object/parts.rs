//! Uploads in parts past the server: the client stores the parts by itself, at URLs that it is given.
//!
//! ```text
//! begin ─────── link address, upload begun at it, URLs for its first parts
//! presign_part ── one more URL          copy_part ── a part made of an object that is there
//! complete ──── the store makes one body of the parts ──► staged, as a link is
//! abort ─────── nothing is left
//! ```
//!
//! Nothing is remembered here. The store knows the upload and which address it is for, and the address
//! carries the signature of a link (`link.rs`), which every call checks: so an upload can be gone on
//! with only for the repository, branch and path that it was begun for, by whoever may write there.
//! What is begun and neither completed nor aborted is the store's to remove.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use lakehold_block::Address;
use lakehold_block::Completed;
use lakehold_block::CompletedPart;
use lakehold_block::Error as BlockError;
use lakehold_block::PresignedUrl;
use lakehold_block::StoredPart;
use lakehold_block::UploadId;
use lakehold_engine::BranchId;
use lakehold_engine::Metadata;
use lakehold_engine::Repository;
use lakehold_engine::RepositoryId;
use lakehold_engine::StageCondition;

use super::address::is_data;
use super::address::parse_shown;
use super::check_path;
use super::link::LinkAddress;
use super::stage::Staged;
use crate::Catalog;
use crate::CatalogError;
use crate::Object;
use crate::Result;

/// Why there is no URL for a part.
const NO_URLS: &str = "presigned URL of a part";

/// An upload in parts that was begun for a client.
#[derive(Clone, Debug)]
pub struct BegunUpload {
    /// Names the upload.
    pub id: UploadId,
    /// Where the object's bytes will be, as clients see it.
    pub physical_address: String,
    /// Where its parts are to be sent, from part 1 on; as many as were asked for.
    pub urls: Vec<PresignedUrl>,
}

/// An upload in parts, as a client names it.
#[derive(Clone, Debug)]
pub struct ClientUpload {
    /// The repository that it was begun in.
    pub repository: RepositoryId,
    /// The branch.
    pub branch: BranchId,
    /// Where the object is to be.
    pub path: String,
    /// The id that was given out when it was begun.
    pub id: UploadId,
    /// The address that was given out when it was begun.
    pub physical_address: String,
}

/// What an upload in parts is completed with.
#[derive(Clone, Debug)]
pub struct CompletedUpload {
    /// The parts that the object is made of, in rising order.
    pub parts: Vec<CompletedPart>,
    /// What the user says of the object.
    pub metadata: Metadata,
    /// Media type; may be empty.
    pub content_type: String,
}

/// A [`ClientUpload`] whose address turned out to be the right one.
struct Checked {
    repository: Arc<Repository>,
    address: Address,
    /// The address, relative to the namespace.
    name: Arc<str>,
}

impl Catalog {
    /// Begins an upload in parts that a client makes by itself (createPresignMultipartUpload), with URLs
    /// for its first `parts` parts, each of which works until `ttl` has passed.
    ///
    /// Fails as an upload would: path, repository, branch, protection; and with
    /// [`CatalogError::NotSupported`] where the block store gives out no URLs for parts.
    pub async fn begin_client_upload(
        &self,
        repository: &RepositoryId,
        branch: &BranchId,
        path: &str,
        parts: u32,
        ttl: Duration,
    ) -> Result<BegunUpload> {
        check_path(path)?;
        let repository = self.repository(repository).await?;
        self.check_target(&repository, branch, path).await?;
        let LinkAddress { physical_address, address } =
            self.link_address_in(&repository, branch, path);
        let id = self.blocks().create_multipart(&address).await?;
        let mut urls = Vec::new();
        for number in 1..=parts {
            let url = self.blocks().presign_part(&address, &id, number, ttl).await?;
            urls.push(url.ok_or(CatalogError::NotSupported(NO_URLS))?);
        }
        Ok(BegunUpload { id, physical_address, urls })
    }

    /// A URL to which the client may send part `number` itself until `ttl` has passed (uploadPart);
    /// `None` where the block store gives out none.
    ///
    /// Fails as [`Catalog::complete_client_upload`] where the address is not the upload's. Whether there
    /// is such an upload is not looked at.
    pub async fn presign_client_part(
        &self,
        upload: &ClientUpload,
        number: u32,
        ttl: Duration,
    ) -> Result<Option<PresignedUrl>> {
        let at = self.check_client_upload(upload).await?;
        Ok(self.blocks().presign_part(&at.address, &upload.id, number, ttl).await?)
    }

    /// Stores the bytes of `source`, or `range` of them, which must lie within its size, as part
    /// `number` (uploadPartCopy).
    ///
    /// Fails as [`Catalog::complete_client_upload`], and with [`CatalogError::DataMissing`] where the
    /// source's bytes are gone.
    pub async fn copy_client_part(
        &self,
        upload: &ClientUpload,
        number: u32,
        source: &Object,
        range: Option<Range<u64>>,
    ) -> Result<StoredPart> {
        let at = self.check_client_upload(upload).await?;
        let (to, from) = (&at.address, &source.address);
        Ok(self.blocks().copy_part(to, &upload.id, number, from, range).await?)
    }

    /// Makes one body of the parts and stages it (completePresignMultipartUpload). The object returned
    /// shows the physical address relative to the namespace; its checksum is the store's entity tag.
    /// Repeating it stages the same body again: where staging failed, nothing is lost.
    ///
    /// Fails with [`CatalogError::AddressOutsideData`], [`CatalogError::InvalidLink`] or
    /// [`CatalogError::LinkExpired`] where the address was not given out for this repository, branch
    /// and path, or too long ago; with [`CatalogError::UploadNotFound`] where there is no such upload
    /// at that address; with [`CatalogError::InvalidPart`] where the parts cannot be taken.
    pub async fn complete_client_upload(
        &self,
        upload: &ClientUpload,
        completed: CompletedUpload,
    ) -> Result<Object> {
        let at = self.check_client_upload(upload).await?;
        self.check_target(&at.repository, &upload.branch, &upload.path).await?;
        let stored = self.complete_parts(&at.address, &upload.id, &completed.parts).await?;
        let staged = Staged {
            path: upload.path.clone(),
            physical_address: upload.physical_address.clone(),
            checksum: stored.etag,
            size: stored.head.size,
            modified: Some(stored.head.modified),
            metadata: completed.metadata,
            content_type: completed.content_type,
            if_absent: false,
            force: false,
        };
        let object = self.stage_at(&at.repository, &upload.branch, &at.address, staged).await?;
        Ok(Object { physical_address: at.name.as_ref().to_owned(), ..object })
    }

    /// Makes one body of the parts, or finds the one that was made before.
    async fn complete_parts(
        &self,
        address: &Address,
        upload: &UploadId,
        parts: &[CompletedPart],
    ) -> Result<Completed> {
        let unknown = match self.blocks().complete_multipart(address, upload, parts).await {
            Err(unknown @ BlockError::UploadNotFound(_)) => unknown,
            done => return Ok(done?),
        };
        // The address is of this one upload: what is there is what it became.
        let head = self.blocks().head(address).await?.ok_or(unknown)?;
        Ok(Completed::before(parts, head))
    }

    /// Ends the upload and removes its parts (abortPresignMultipartUpload).
    ///
    /// Fails as [`Catalog::complete_client_upload`].
    pub async fn abort_client_upload(&self, upload: &ClientUpload) -> Result<()> {
        let at = self.check_client_upload(upload).await?;
        Ok(self.blocks().abort_multipart(&at.address, &upload.id).await?)
    }

    /// Fails where the object could not be staged.
    async fn check_target(
        &self,
        repository: &Repository,
        branch: &BranchId,
        path: &str,
    ) -> Result<()> {
        let always = StageCondition::Always;
        Ok(self.engine().check_stage(repository, branch, path.as_bytes(), always, false).await?)
    }

    /// The repository and address of an upload, if the address was given out for what it names.
    async fn check_client_upload(&self, upload: &ClientUpload) -> Result<Checked> {
        let ClientUpload { path, branch, physical_address: physical, .. } = upload;
        check_path(path)?;
        let repository = self.repository(&upload.repository).await?;
        let parsed = parse_shown(self.blocks(), &repository.storage_namespace, physical);
        match parsed {
            Ok(Address::Relative { namespace, name }) if is_data(&name) => {
                self.check_link(&repository, branch, path, physical, &name)?;
                let address = Address::Relative { namespace, name: name.clone() };
                Ok(Checked { repository, address, name })
            }
            _ => Err(CatalogError::AddressOutsideData(physical.clone())),
        }
    }
}

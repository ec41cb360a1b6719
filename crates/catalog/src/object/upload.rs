//! Uploads: store the bytes, then stage the entry.
//!
//! ```text
//! check ── may the branch be written, is the condition met? ──► refuse before a byte is read
//! store ── fresh address ◄── body, MD5 on the way          ──► broken off: nothing visible
//! stage ── entry, if the condition is still met            ──► the object is there
//! ```

use bytes::Bytes;

use lakehold_block::Body;
use lakehold_engine::BranchId;
use lakehold_engine::Metadata;
use lakehold_engine::Repository;
use lakehold_engine::RepositoryId;
use lakehold_engine::StageCondition;
use lakehold_kv::Record;

use super::address;
use super::check_path;
use super::entry::Entry;
use super::entry::to_pairs;
use super::entry::to_value;
use super::reader::ObjectReader;
use crate::Catalog;
use crate::Object;
use crate::Result;

/// What is given when bytes are uploaded.
#[derive(Debug)]
pub struct Upload {
    /// Where the object is to be.
    pub path: String,
    /// Its bytes.
    pub body: Body,
    /// Media type; may be empty.
    pub content_type: String,
    /// What the user says of it.
    pub metadata: Metadata,
    /// Only if nothing is at the path.
    pub if_absent: bool,
    /// Also into a read-only repository.
    pub force: bool,
}

impl Catalog {
    /// Fails like the upload would before any byte of a body is read: path, repository, branch,
    /// protection, condition.
    pub async fn check_upload(
        &self,
        repository: &RepositoryId,
        branch: &BranchId,
        path: &str,
        if_absent: bool,
        force: bool,
    ) -> Result<()> {
        check_path(path)?;
        let repository = self.repository(repository).await?;
        let condition = condition(if_absent);
        Ok(self
            .engine()
            .check_stage(&repository, branch, path.as_bytes(), condition, force)
            .await?)
    }

    /// Stores the bytes, then stages the object. Checks as [`Catalog::check_upload`] first.
    ///
    /// Once this returns, the object is durable and visible on the branch. Where it fails, or its
    /// future is dropped before the entry is staged, nothing is visible.
    pub async fn upload(
        &self,
        repository: &RepositoryId,
        branch: &BranchId,
        upload: Upload,
    ) -> Result<Object> {
        check_path(&upload.path)?;
        let repository = self.repository(repository).await?;
        self.upload_to(&repository, branch, upload).await
    }

    /// [`Catalog::upload`] to a repository already looked up.
    pub(crate) async fn upload_to(
        &self,
        repository: &Repository,
        branch: &BranchId,
        upload: Upload,
    ) -> Result<Object> {
        let Upload { path, body, content_type, metadata, if_absent, force } = upload;
        let condition = condition(if_absent);
        self.engine().check_stage(repository, branch, path.as_bytes(), condition, force).await?;
        let to = self.fresh_address(repository);
        let stored = self.store_bytes(&to, body).await?;
        let (address, address_type) = address::to_entry(&to, self.blocks());
        let entry = Entry {
            address,
            last_modified: Some(self.runtime().now().into()),
            size: i64::try_from(stored.size).unwrap_or(i64::MAX),
            e_tag: stored.checksum,
            metadata: to_pairs(metadata),
            address_type,
            content_type,
        };
        self.stage_entry(repository, branch, path, entry.into(), condition, force).await
    }

    /// Stages a new entry and returns the object it makes.
    pub(super) async fn stage_entry(
        &self,
        repository: &Repository,
        branch: &BranchId,
        path: String,
        entry: Record<Entry>,
        condition: StageCondition,
        force: bool,
    ) -> Result<Object> {
        let key = Bytes::copy_from_slice(path.as_bytes());
        let value = to_value(&entry);
        self.engine().stage(repository, branch, key, value, condition, force).await?;
        ObjectReader::new(self, repository).object_of(path, &entry.message.view())
    }
}

pub(super) fn condition(if_absent: bool) -> StageCondition {
    if if_absent { StageCondition::Absent } else { StageCondition::Always }
}

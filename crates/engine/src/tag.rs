//! Tags: names of commits that do not move.

use lakehold_kv::Outcome;
use lakehold_kv::Precondition;
use lakehold_kv::Record;
use lakehold_kv::Versioned;
use lakehold_kv::Write;

use crate::BranchId;
use crate::CommitId;
use crate::Engine;
use crate::EngineError;
use crate::HookEvent;
use crate::Page;
use crate::PageRequest;
use crate::RefExpr;
use crate::Repository;
use crate::TagId;
use crate::error::Result;
use crate::keys;
use crate::records;
use crate::records::TagData;

/// A tag and the commit it names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    /// Its name.
    pub id: TagId,
    /// The commit it names.
    pub commit_id: CommitId,
}

impl Tag {
    fn from_record(data: &TagData) -> Self {
        Self { id: TagId::from_stored(&data.id), commit_id: CommitId::from_stored(&data.commit_id) }
    }
}

impl Engine {
    /// Creates a tag at the commit that `reference` resolves to.
    ///
    /// Fails with [`EngineError::NameTaken`] where a branch or a commit has the name, and with
    /// [`EngineError::TagExists`].
    pub async fn create_tag(
        &self,
        repository: &Repository,
        id: &TagId,
        reference: &RefExpr,
        force: bool,
    ) -> Result<Tag> {
        repository.check_writable(force)?;
        self.check_no_commit_is_called(repository, id.as_str()).await?;
        self.check_no_branch_is_called(repository, id.as_str()).await?;
        let commit_id = self.resolve_commit(repository, reference).await?;
        let tag = Tag { id: id.clone(), commit_id };
        let event = self.ask_about_tag(repository, "pre-create-tag", &tag).await?;

        let data =
            TagData { id: id.as_str().to_owned(), commit_id: tag.commit_id.as_str().to_owned() };
        let write = Write {
            partition: repository.partition.clone(),
            key: keys::tag(id),
            value: Some(Record::new(data).encode()),
            precondition: Precondition::Absent,
        };
        match self.write_if(write).await? {
            Outcome::Applied => {}
            Outcome::PreconditionFailed => return Err(EngineError::TagExists(id.clone())),
        }
        self.tell_about_tag(repository, "post-create-tag", event);
        Ok(tag)
    }

    /// Returns the tag `id`. Fails with [`EngineError::TagNotFound`].
    pub async fn tag(&self, repository: &Repository, id: &TagId) -> Result<Tag> {
        let found = self.find_tag(repository, id).await?;
        found.map(|(tag, _)| tag).ok_or_else(|| EngineError::TagNotFound(id.clone()))
    }

    /// Lists tags in name order.
    pub async fn list_tags(
        &self,
        repository: &Repository,
        page: &PageRequest,
    ) -> Result<Page<Tag>> {
        let partition = repository.partition.clone();
        self.list_records(partition, keys::TAG_PREFIX, page, |key, stored| {
            let record = records::decode::<TagData>("tag", key, stored)?;
            Ok(Some(Tag::from_record(&record.message)))
        })
        .await
    }

    /// Deletes a tag. Fails with [`EngineError::TagNotFound`].
    pub async fn delete_tag(&self, repository: &Repository, id: &TagId, force: bool) -> Result<()> {
        repository.check_writable(force)?;
        let found = self.find_tag(repository, id).await?;
        let (tag, stored) = found.ok_or_else(|| EngineError::TagNotFound(id.clone()))?;
        let event = self.ask_about_tag(repository, "pre-delete-tag", &tag).await?;
        let write = Write {
            partition: repository.partition.clone(),
            key: keys::tag(id),
            value: None,
            precondition: Precondition::Unchanged(stored.version),
        };
        match self.write_if(write).await? {
            Outcome::Applied => {}
            // Tags do not change: it was deleted by someone else meanwhile.
            Outcome::PreconditionFailed => return Err(EngineError::TagNotFound(id.clone())),
        }
        self.tell_about_tag(repository, "post-delete-tag", event);
        Ok(())
    }

    pub(crate) async fn find_tag(
        &self,
        repository: &Repository,
        id: &TagId,
    ) -> Result<Option<(Tag, Versioned)>> {
        let key = keys::tag(id);
        let stored = self.parts.kv.get(repository.partition.clone(), key.clone()).await?;
        let Some(stored) = stored else { return Ok(None) };
        let record = records::decode::<TagData>("tag", &key, &stored.value)?;
        Ok(Some((Tag::from_record(&record.message), stored)))
    }

    async fn check_no_branch_is_called(&self, repository: &Repository, name: &str) -> Result<()> {
        let key = keys::branch(&BranchId::from_stored(name));
        match self.parts.kv.get(repository.partition.clone(), key).await? {
            Some(_) => Err(EngineError::NameTaken { kind: "branch", name: name.to_owned() }),
            None => Ok(()),
        }
    }

    /// Asks the hooks and returns what they were asked, where there are any.
    async fn ask_about_tag(
        &self,
        repository: &Repository,
        name: &'static str,
        tag: &Tag,
    ) -> Result<Option<HookEvent>> {
        if !self.has_hooks(repository) {
            return Ok(None);
        }
        let commit = self.get_commit(repository, &tag.commit_id).await?;
        let event = HookEvent::new(name, repository, tag.commit_id.as_str());
        let event = event.on_tag(&tag.id).with_commit(&commit);
        self.ask_hooks(repository, || event.clone()).await?;
        Ok(Some(event))
    }

    fn tell_about_tag(
        &self,
        repository: &Repository,
        name: &'static str,
        event: Option<HookEvent>,
    ) {
        if let Some(event) = event {
            self.tell_hooks(repository, || HookEvent { name, ..event });
        }
    }
}

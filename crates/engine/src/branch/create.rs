//! Creating a branch: one conditional write.

use lakehold_kv::Outcome;
use lakehold_kv::Precondition;
use lakehold_kv::Record;
use lakehold_kv::Write;

use crate::Branch;
use crate::BranchId;
use crate::CommitId;
use crate::Engine;
use crate::EngineError;
use crate::HookEvent;
use crate::RefExpr;
use crate::Repository;
use crate::TagId;
use crate::error::Result;
use crate::keys;
use crate::records::BranchData;
use crate::staging::StagingToken;

impl Engine {
    /// Creates a branch at the commit that `source` resolves to; what is staged there stays there.
    ///
    /// Fails with [`EngineError::NameTaken`] where a tag or a commit has the name, and with
    /// [`EngineError::BranchExists`].
    pub async fn create_branch(
        &self,
        repository: &Repository,
        id: &BranchId,
        source: &RefExpr,
        hidden: bool,
        force: bool,
    ) -> Result<Branch> {
        repository.check_writable(force)?;
        self.check_no_commit_is_called(repository, id.as_str()).await?;
        self.check_no_tag_is_called(repository, id.as_str()).await?;
        let commit_id = self.resolve_commit(repository, source).await?;
        let event = self.branch_event(repository, id, source, &commit_id).await?;
        if let Some(event) = &event {
            self.ask_hooks(repository, || event.clone()).await?;
        }

        let branch = Branch { id: id.clone(), commit_id, hidden };
        match self.write_new(|| self.new_branch(repository, &branch)).await? {
            Outcome::Applied => {}
            Outcome::PreconditionFailed => return Err(EngineError::BranchExists(id.clone())),
        }
        if let Some(event) = event {
            let name = "post-create-branch";
            self.tell_hooks(repository, || HookEvent { name, ..event });
        }
        Ok(branch)
    }

    /// The event before the creation, where there are hooks to hear of it.
    async fn branch_event(
        &self,
        repository: &Repository,
        id: &BranchId,
        source: &RefExpr,
        commit_id: &CommitId,
    ) -> Result<Option<HookEvent>> {
        if !self.has_hooks(repository) {
            return Ok(None);
        }
        let commit = self.get_commit(repository, commit_id).await?;
        let event = HookEvent::new("pre-create-branch", repository, source.as_str());
        Ok(Some(event.on_branch(id).with_commit(&commit)))
    }

    fn new_branch(&self, repository: &Repository, branch: &Branch) -> Write {
        let token = StagingToken::fresh(repository, &branch.id, &self.parts.runtime);
        let data = BranchData {
            id: branch.id.as_str().to_owned(),
            commit_id: branch.commit_id.as_str().to_owned(),
            staging_token: token.into_bytes(),
            sealed_tokens: Vec::new(),
            hidden: branch.hidden,
        };
        Write {
            partition: repository.partition.clone(),
            key: keys::branch(&branch.id),
            value: Some(Record::new(data).encode()),
            precondition: Precondition::Absent,
        }
    }

    /// Fails with [`EngineError::NameTaken`] if `name` is the full id of a commit.
    pub(crate) async fn check_no_commit_is_called(
        &self,
        repository: &Repository,
        name: &str,
    ) -> Result<()> {
        let Ok(id) = CommitId::parse(name) else { return Ok(()) };
        match self.find_commit(repository, &id).await? {
            Some(_) => Err(EngineError::NameTaken { kind: "commit", name: name.to_owned() }),
            None => Ok(()),
        }
    }

    async fn check_no_tag_is_called(&self, repository: &Repository, name: &str) -> Result<()> {
        let key = keys::tag(&TagId::from_stored(name));
        match self.parts.kv.get(repository.partition.clone(), key).await? {
            Some(_) => Err(EngineError::NameTaken { kind: "tag", name: name.to_owned() }),
            None => Ok(()),
        }
    }
}

//! Tags: that each leads to a commit.

use crate::DoctorError;
use crate::Finding;
use crate::Kind;
use crate::id::Id;
use crate::records::TagData;
use crate::repository::RepositoryExam;
use crate::repository::inventory::Inventory;

/// What the keys of tags begin with.
const PREFIX: &str = "tags/";

impl RepositoryExam<'_> {
    /// Checks all tags.
    pub(crate) async fn check_tags(&self, inventory: &Inventory) -> Result<(), DoctorError> {
        for stored in &inventory.tags {
            self.exam.counters.tags.add(1);
            let mut found = Vec::new();
            let name = stored.key().strip_prefix(PREFIX).unwrap_or_default();
            if let Some(tag) = stored.decode::<TagData>("tag", &mut found) {
                stored.must_agree("id", &tag.id, name, &mut found);
                let known = Id::parse(&tag.commit_id).and_then(|id| inventory.commits.get(&id));
                if known.is_none() && !self.commit_exists(&tag.commit_id).await? {
                    let place = stored.place().with_tag(name).with_commit(&tag.commit_id);
                    let problem = format!("Tag {name:?} is at a commit that is not there.");
                    found.push(Finding::new(Kind::TagCommitMissing, place, problem));
                }
            }
            self.report(stored, found).await?;
        }
        Ok(())
    }
}

//! One repository: its records, where its references lead, what is staged, its trees.
//!
//! ```text
//! records ──► Inventory ─┬─ branches ──► staged entries ──► objects
//!   (one scan)           ├─ tags, parents
//!                        └─ roots: trees of branch heads first, then from the newest to the oldest
//!                                        └──► trees.rs
//! ```
//!
//! The repository may be in use. Commits and tables never change, so whatever leads to them may be
//! examined at any time. What does change is read again before anything is said of it, and where the
//! repository itself is gone in the end, nothing is.

pub(crate) mod branches;
mod commits;
mod dumps;
mod inventory;
pub(crate) mod list;
mod rules;
mod tags;

use lakehold_block::Address;

use crate::DoctorError;
use crate::Finding;
use crate::Kind;
use crate::Place;
use crate::Stage;
use crate::exam::Exam;
use crate::findings::Findings;
use crate::repository::list::Repository;
use crate::staging;
use crate::staging::Tokens;
use crate::trees::Trees;

/// A repository being examined.
pub(crate) struct RepositoryExam<'a> {
    pub(crate) exam: &'a Exam<'a>,
    pub(crate) repository: &'a Repository,
    /// What was found of it. Thrown away if it is deleted meanwhile.
    pub(crate) findings: Findings,
}

/// Examines `repository`, whose tables are in `trees`, and notes its staging tokens in `tokens`.
pub(crate) async fn examine(
    exam: &Exam<'_>,
    repository: &Repository,
    trees: &mut Trees<'_>,
    tokens: &mut Tokens,
) -> Result<(), DoctorError> {
    let under_way = RepositoryExam { exam, repository, findings: Findings::default() };
    exam.counters.repositories.add(1);
    exam.tell(Stage::Records, Some(&repository.id), 0, None);
    under_way.check_namespace(trees);
    if repository.in_deletion {
        under_way.add(Kind::RepositoryInDeletion, Place::default(), "Its deletion did not finish.");
    } else {
        under_way.go_through(trees, tokens).await?;
    }
    if exam.is_unchanged(&repository.stored).await? {
        exam.findings.merge(under_way.findings);
    }
    Ok(())
}

impl RepositoryExam<'_> {
    async fn go_through(
        &self,
        trees: &mut Trees<'_>,
        tokens: &mut Tokens,
    ) -> Result<(), DoctorError> {
        let mut inventory = self.take_inventory().await?;
        self.check_parents(&inventory).await?;
        let branches = self.check_branches(&mut inventory, tokens).await?;
        self.check_tags(&inventory).await?;
        if !self.can_reach_namespace().await {
            return Ok(());
        }
        staging::examine(self, &branches).await?;
        let rules = self.collection_rules().await;
        let mut roots = inventory.into_roots(&rules, self.exam.runtime.now());
        roots.extend(self.dumped_trees().await);
        trees.examine(self, roots).await
    }

    /// Adds a finding of this repository.
    pub(crate) fn add(&self, kind: Kind, place: Place, problem: impl Into<String>) {
        self.add_finding(Finding::new(kind, place, problem));
    }

    /// Adds a finding of this repository.
    pub(crate) fn add_finding(&self, finding: Finding) {
        self.findings.add(self.own(finding));
    }

    /// The same finding, as one of this repository.
    pub(crate) fn own(&self, mut finding: Finding) -> Finding {
        finding.place.repository = Some(self.repository.id.clone());
        finding
    }

    fn check_namespace(&self, trees: &mut Trees<'_>) {
        if let Some(other) = trees.take(&self.repository.id) {
            let problem = format!("Repository {other:?} has the same storage namespace.");
            let place = Place::default().with_address(&self.repository.namespace);
            self.add(Kind::NamespaceShared, place, problem);
        }
    }

    /// Whether this block store can have the namespace at all.
    async fn can_reach_namespace(&self) -> bool {
        let namespace = &self.repository.namespace;
        let probe = Address::relative(namespace, format!("{}/dummy", self.folder()));
        let answer = self.exam.blocks.head(&probe).await;
        let Err(error) = answer else { return true };
        if !crate::objects::is_refusal(&error) {
            // Whatever is wrong will be told of each thing that is asked for.
            return true;
        }
        let place = Place::default().with_address(namespace);
        self.add(Kind::NamespaceOutOfReach, place, format!("The block store refuses it: {error}."));
        false
    }

    /// Folder of tables below the namespace.
    pub(crate) fn folder(&self) -> &str {
        &self.exam.options.table_folder
    }
}

//! All that can be seen of what is stored, from outside and without ids and dates.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt::Debug;

use bytes::Bytes;
use lakehold_catalog::Listed;
use lakehold_catalog::LogRequest;
use lakehold_catalog::Object;
use lakehold_catalog::PullRequestFilter;
use lakehold_catalog::RefExpr;
use lakehold_catalog::Repository;
use lakehold_catalog::RepositoryId;
use lakehold_gc::GcError;
use lakehold_kv::Store as _;

use super::lake::Bench;
use super::lake::Lake;
use super::lake::Life;
use super::lake::Stored;
use super::lake::at_once;
use super::operations::KEY;
use super::operations::SECRET;
use super::operations::all_rows;
use super::operations::everything;

/// What can be seen, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Sight(BTreeMap<String, String>);

impl Sight {
    /// Looks at everything through a server without faults.
    pub(super) fn of(stored: &Stored) -> Self {
        let bench = Bench::new(Life::Look);
        let lake = bench.plain(stored);
        let mut sight = Self::default();
        sight.look_at_installation(stored);
        bench.complete(async move {
            sight.look_at_users(&lake).await;
            let repositories = lake.catalog.list_repositories(&all_rows(), "").await;
            for repository in repositories.expect("listed").results {
                sight.look_at(&lake, &repository).await;
            }
            sight
        })
    }

    /// What is not as it should be, after `what`.
    pub(super) fn differences(&self, what: &str, expected: &Self) -> String {
        let names: BTreeSet<&String> = self.0.keys().chain(expected.0.keys()).collect();
        let differs = |name: &&String| self.0.get(*name) != expected.0.get(*name);
        let show = |name: &String| {
            format!("\n    {name}: {:?}, not {:?}", self.0.get(name), expected.0.get(name))
        };
        let shown: String = names.into_iter().filter(differs).map(show).collect();
        format!("{what}, but{shown}")
    }

    fn note(&mut self, name: impl Into<String>, what: impl Debug) {
        self.0.insert(name.into(), format!("{what:?}"));
    }

    /// What other programs on the same records look at first.
    fn look_at_installation(&mut self, stored: &Stored) {
        let version = value(stored, "kv-internal-metadata", "kv/schema/version");
        if value(stored, "auth", "installation_metadata/setup_timestamp").is_some() {
            self.note("schema version", version);
        }
        // Without a user a key pair opens nothing.
        if value(stored, "basicAuth", "users/superAdmin").is_some() {
            let page = at_once(stored.kv.scan("basicAuth".into(), "uCredentials/".into(), 10));
            let pairs = page.expect("a page").entries;
            let pairs = pairs.iter().filter(|pair| pair.key.starts_with(b"uCredentials/")).count();
            self.note("key pairs", pairs);
        }
    }

    async fn look_at_users(&mut self, lake: &Lake) {
        for user in lake.auth.users().await.expect("read") {
            self.note(format!("user {}", user.id), &user.email);
        }
        self.note("set up", lake.auth.is_set_up().await.expect("read"));
        self.note("login", lake.auth.login(KEY, SECRET).await.is_ok());
        let is_missing = lake.auth.comm_prefs_missing().await.expect("read");
        self.note("preferences are missing", is_missing);
    }

    async fn look_at(&mut self, lake: &Lake, repository: &Repository) {
        let id = &repository.id;
        self.note(format!("{id}"), (&repository.storage_namespace, repository.in_deletion));
        if repository.in_deletion {
            return;
        }
        let branches = lake.catalog.list_branches(id, &all_rows(), true).await.expect("listed");
        for branch in branches.results {
            self.look_at_reference(lake, id, branch.id.as_str()).await;
            self.look_at_reference(lake, id, &format!("{}@", branch.id)).await;
        }
        let tags = lake.catalog.list_tags(id, &all_rows()).await.expect("listed");
        for tag in tags.results {
            self.look_at_reference(lake, id, tag.id.as_str()).await;
        }
        let rules = lake.catalog.protected_patterns(id).await.expect("read").0;
        self.note(format!("{id} rules"), rules);
        let metadata = lake.catalog.repository_metadata(id).await.expect("read");
        self.note(format!("{id} metadata"), metadata);
        let kept = match lake.gc.rules(id).await {
            Ok(rules) => Some(rules),
            Err(GcError::NoRules(_)) => None,
            Err(other) => panic!("{other:?}"),
        };
        self.note(format!("{id} retention"), kept);
        self.look_at_pull_requests(lake, id).await;
    }

    async fn look_at_pull_requests(&mut self, lake: &Lake, id: &RepositoryId) {
        let filter = PullRequestFilter::All;
        let pulls = lake.catalog.list_pull_requests(id, &all_rows(), filter).await;
        for (number, pull) in pulls.expect("listed").results.into_iter().enumerate() {
            let is_merged = pull.merged_commit_id.is_some();
            let what = (pull.title, pull.description, pull.status, is_merged);
            self.note(format!("{id} pull request {number}"), what);
        }
    }

    /// Objects, whether their bytes are there, and the messages of the commits.
    async fn look_at_reference(&mut self, lake: &Lake, id: &RepositoryId, reference: &str) {
        let at = RefExpr::from_stored(reference);
        let listed = lake.catalog.list_objects(id, &at, &everything()).await.expect("listed");
        for row in listed.results {
            let Listed::Record(object) = row else { continue };
            let bytes = bytes_of(lake, &object).await;
            let what = (object.checksum, object.metadata, object.content_type, bytes);
            self.note(format!("{id}/{reference}: {}", object.path), what);
        }
        let request = LogRequest { amount: 1_000, ..LogRequest::default() };
        let log = lake.catalog.log(id, &at, &request).await.expect("a log").results;
        let messages: Vec<_> =
            log.iter().map(|commit| (commit.message.clone(), commit.parents.len())).collect();
        self.note(format!("{id}/{reference} log"), messages);
    }
}

fn value(stored: &Stored, partition: &'static str, key: &'static str) -> Option<Bytes> {
    let found = at_once(stored.kv.get(partition.into(), key.into()));
    found.expect("read").map(|found| found.value)
}

/// The bytes of an object; `None` where they are not there.
async fn bytes_of(lake: &Lake, object: &Object) -> Option<Bytes> {
    let body = lake.catalog.open(object, None).await.ok()?;
    body.collect(1 << 20).await.ok()
}

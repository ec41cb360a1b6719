//! Users, groups, policies and key pairs: that each decodes, and that what names another finds it.
//!
//! No value is ever shown: they hold sealed secrets and passwords. Keys hold names and access key ids.

use std::collections::HashSet;

use bytes::Bytes;

use crate::DoctorError;
use crate::Finding;
use crate::Kind;
use crate::exam::Exam;
use crate::records::CredentialData;
use crate::records::GroupData;
use crate::records::PolicyData;
use crate::records::SecondaryIndex;
use crate::records::TokenData;
use crate::records::UserData;
use crate::stored::Stored;

/// A sealed secret has a salt, a nonce and a tag before its own bytes.
const SHORTEST_SEALED: usize = 8 + 24 + 16;

/// A record that names others by their keys, all in the same partition.
struct Link {
    stored: Stored,
    /// The keys of those it names.
    names: Vec<String>,
    kind: Kind,
}

/// Keys that exist, and links between them.
#[derive(Default)]
struct Directory {
    keys: HashSet<Bytes>,
    links: Vec<Link>,
}

/// Examines the users in `partition`.
pub(super) async fn examine(exam: &Exam<'_>, partition: &'static str) -> Result<(), DoctorError> {
    let mut directory = Directory::default();
    let mut pages = exam.pages(partition);
    while let Some(page) = pages.next().await? {
        exam.counters.records.add(page.len() as u64);
        for stored in page {
            let mut found = Vec::new();
            directory.note(exam, &stored, &mut found);
            exam.report(&exam.findings, &stored, found).await?;
        }
    }
    directory.follow(exam).await
}

impl Directory {
    fn note(&mut self, exam: &Exam<'_>, stored: &Stored, found: &mut Vec<Finding>) {
        let key = stored.key();
        let (folder, rest) = key.split_once('/').unwrap_or((key, ""));
        match (folder, rest.split('/').collect::<Vec<_>>().as_slice()) {
            ("installation_id", _) => drop(stored.decode_text("installation id", found)),
            ("installation_metadata", _) => drop(stored.decode_text("fact", found)),
            ("users", [_, ..]) if !rest.is_empty() => {
                exam.counters.users.add(1);
                stored.check::<UserData>("user", found);
                self.keys.insert(stored.key.clone());
            }
            ("groups", [_, ..]) if !rest.is_empty() => {
                stored.check::<GroupData>("group", found);
                self.keys.insert(stored.key.clone());
            }
            ("policies", [_, ..]) if !rest.is_empty() => {
                stored.check::<PolicyData>("policy", found);
                self.keys.insert(stored.key.clone());
            }
            ("expiredTokens", [_, ..]) => stored.check::<TokenData>("token", found),
            ("uCredentials", [user @ .., "credentials", id]) => {
                exam.counters.credentials.add(1);
                credential(stored, id, found);
                let names = vec![format!("users/{}", user.join("/"))];
                self.link(stored, names, Kind::CredentialWithoutUser);
            }
            ("gUsers", [group @ .., "users", user]) => {
                self.membership(stored, ["groups", "users"], &group.join("/"), user, found);
            }
            ("gPolicies", [group @ .., "policies", policy]) => {
                self.membership(stored, ["groups", "policies"], &group.join("/"), policy, found);
            }
            ("uPolicies", [user @ .., "policies", policy]) => {
                self.membership(stored, ["users", "policies"], &user.join("/"), policy, found);
            }
            _ => found.push(stored.unknown()),
        }
    }

    fn membership(
        &mut self,
        stored: &Stored,
        [outer, inner]: [&str; 2],
        of: &str,
        what: &str,
        found: &mut Vec<Finding>,
    ) {
        let target = format!("{inner}/{what}");
        if let Some(index) = stored.decode::<SecondaryIndex>("index", found) {
            let said = crate::finding::text(&index.primary_key);
            stored.must_agree("target", &said, &target, found);
        }
        self.link(stored, vec![format!("{outer}/{of}"), target], Kind::MembershipDangling);
    }

    fn link(&mut self, stored: &Stored, names: Vec<String>, kind: Kind) {
        self.links.push(Link { stored: stored.clone(), names, kind });
    }

    /// Checks that all that is named exists, also what was made a moment ago.
    async fn follow(self, exam: &Exam<'_>) -> Result<(), DoctorError> {
        for Link { stored, names, kind } in self.links {
            let mut found = Vec::new();
            for name in names {
                let is_there = self.keys.contains(name.as_bytes())
                    || exam.read(stored.partition.clone(), name.clone()).await?.is_some();
                if !is_there {
                    let problem = format!("It names {name:?}, which is not there.");
                    found.push(Finding::new(kind, stored.place(), problem));
                }
            }
            exam.report(&exam.findings, &stored, found).await?;
        }
        Ok(())
    }
}

fn credential(stored: &Stored, id: &str, found: &mut Vec<Finding>) {
    let Some(data) = stored.decode::<CredentialData>("key pair", found) else { return };
    stored.must_agree("access key id", &data.access_key_id, id, found);
    if data.sealed_secret.len() < SHORTEST_SEALED {
        let problem = "Its secret is too short to be a sealed one.";
        found.push(Finding::new(Kind::RecordUnreadable, stored.place(), problem));
    }
}

//! Names and ids, each a type of its own: checked once, when they come in.

use std::fmt;
use std::sync::Arc;

/// A name that breaks the rules of its kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid {kind} {value:?}")]
pub struct InvalidId {
    /// `repository id`, `branch id`, `tag id`, `ref` or `commit id`.
    pub kind: &'static str,
    /// The name as given.
    pub value: Box<str>,
}

macro_rules! id_type {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $valid:path) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks `name` and takes it.
            pub fn parse(name: &str) -> Result<Self, InvalidId> {
                if $valid(name) {
                    Ok(Self(name.into()))
                } else {
                    Err(InvalidId { kind: $kind, value: name.into() })
                }
            }

            /// Takes a name read from our own store, unchecked: what exists must stay readable.
            pub fn from_stored(name: &str) -> Self {
                Self(name.into())
            }

            /// Returns the name as it is stored and shown.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(&self.0)
            }
        }
    };
}

id_type!(
    /// Name of a repository: 3 to 63 of `a-z`, `0-9` and `-`, not beginning with `-`.
    RepositoryId, "repository id", is_repository_id
);
id_type!(
    /// Name of a branch in one repository: ASCII letters, digits, `_` and `-`, not beginning with `-`.
    BranchId, "branch id", is_branch_id
);
id_type!(
    /// Name of a tag in one repository: no white space, `..`, `/`, `@{` or any of `^:?*[\`; not `@`;
    /// not ending in `.` or `.lock`.
    TagId, "tag id", is_tag_id
);
id_type!(
    /// Id of a commit: 64 lower-case hexadecimal digits.
    CommitId, "commit id", is_commit_id
);
id_type!(
    /// What a user types to name a commit or a branch's staging area, such as `main~2`, `v1`, `dev@`.
    /// Only the absence of white space is checked here; its grammar is when it is resolved.
    RefExpr, "ref", is_ref
);

impl From<&BranchId> for RefExpr {
    fn from(branch: &BranchId) -> Self {
        Self::from_stored(branch.as_str())
    }
}

impl CommitId {
    /// Takes an expression that is a full commit id, without copying it.
    pub(crate) fn from_expr(reference: &RefExpr) -> Option<Self> {
        is_commit_id(&reference.0).then(|| Self(reference.0.clone()))
    }
}

fn is_repository_id(name: &str) -> bool {
    (3..=63).contains(&name.len())
        && !name.starts_with('-')
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

fn is_branch_id(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with('-')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
}

fn is_tag_id(name: &str) -> bool {
    let forbidden =
        |b: u8| b <= b' ' || matches!(b, b'^' | b':' | b'?' | b'*' | b'[' | b'\\' | b'/');
    !name.is_empty()
        && name != "@"
        && !name.ends_with('.')
        && !name.ends_with(".lock")
        && !name.contains("..")
        && !name.contains("@{")
        && !name.bytes().any(forbidden)
}

fn is_commit_id(name: &str) -> bool {
    name.len() == 64 && name.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

fn is_ref(name: &str) -> bool {
    !name.is_empty() && !name.contains(char::is_whitespace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_their_rules() {
        for good in ["abc", "a-b", "0ab", &"x".repeat(63)] {
            assert!(RepositoryId::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "ab", "-ab", "Abc", "a_b", "a.b", "äbc", &"x".repeat(64)] {
            assert!(RepositoryId::parse(bad).is_err(), "{bad}");
        }
        for good in ["main", "_x", "A-1", "0"] {
            assert!(BranchId::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "-x", "a/b", "a.b", "a b", "ä"] {
            assert!(BranchId::parse(bad).is_err(), "{bad}");
        }
        for good in ["v1", "v1.0", "a~b", "ä", "a@b"] {
            assert!(TagId::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "@", "v1.", "v.lock", "a..b", "a/b", "a@{b", "a^", "a b", "a\u{1}"] {
            assert!(TagId::parse(bad).is_err(), "{bad}");
        }
    }
}

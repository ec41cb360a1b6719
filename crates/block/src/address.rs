//! Where bytes are: storage namespaces and addresses.

use std::fmt;
use std::sync::Arc;

/// Where a repository's data lives, such as `local://lakes/sales` or `s3://bucket/prefix`.
///
/// A scheme, `://`, and the rest with trailing slashes removed. Kept as it was given.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StorageNamespace(Arc<str>);

/// A text that is no storage namespace.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid storage namespace {0:?}: expected scheme://name, such as local://lakes/sales")]
pub struct InvalidNamespace(String);

impl StorageNamespace {
    /// Checks `text` and takes it as a namespace. Which schemes work is the store's matter.
    pub fn parse(text: &str) -> Result<Self, InvalidNamespace> {
        match text.split_once("://") {
            Some((scheme, _)) if !scheme.is_empty() => Ok(Self(text.into())),
            _ => Err(InvalidNamespace(text.to_owned())),
        }
    }

    /// Takes a namespace read from our own store, unchecked: what exists must stay readable.
    pub fn from_stored(text: &str) -> Self {
        Self(text.into())
    }

    /// Returns the namespace as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns what stands before `://`.
    pub fn scheme(&self) -> &str {
        self.0.split_once("://").map_or("", |(scheme, _)| scheme)
    }

    /// Returns what stands after `://`, without slashes at its ends.
    pub fn path(&self) -> &str {
        self.0.split_once("://").map_or("", |(_, path)| path).trim_matches('/')
    }
}

impl fmt::Display for StorageNamespace {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// The place of some bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Address {
    /// Below a storage namespace.
    Relative {
        /// The namespace.
        namespace: StorageNamespace,
        /// The name below it, verbatim: percent signs and double slashes are data.
        name: Arc<str>,
    },
    /// A complete URI, such as `s3://other-bucket/key` or `local:///srv/import/file`.
    Full(Arc<str>),
}

impl Address {
    /// The address of `name` below `namespace`.
    pub fn relative(namespace: &StorageNamespace, name: impl Into<Arc<str>>) -> Self {
        Self::Relative { namespace: namespace.clone(), name: name.into() }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Relative { namespace, name } => {
                write!(out, "{}/{name}", namespace.as_str().trim_end_matches('/'))
            }
            Self::Full(uri) => out.write_str(uri),
        }
    }
}

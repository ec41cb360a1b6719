//! What an examination has to say: kinds, how bad they are, and where.

mod kind;

pub use kind::Kind;

use std::fmt;

use serde::Deserialize;
use serde::Serialize;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Nothing is wrong; somebody may want to know, for instance that space could be freed.
    Info,
    /// Nothing that was stored is lost, but something is not as it should be or cannot be proven.
    Warning,
    /// Something that was stored cannot be read as it was, or soon could not.
    Error,
}

impl Severity {
    /// Returns the name as JSON has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// Where something was found. Texts that are no UTF-8 are shown with replacement characters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct Place {
    /// Name of the repository.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    /// Name of the branch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// Name of the tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// Id of the commit; of several that share the thing, the one it was first met in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// Id of the metarange.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub meta_range: Option<String>,
    /// Id of the range.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub range: Option<String>,
    /// Path of the object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Where bytes are or should be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Partition of the key-value store.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partition: Option<String>,
    /// Key of the record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The same, byte for byte in hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_hex: Option<String>,
}

impl Place {
    /// The record under `key` of `partition`.
    pub(crate) fn record(partition: &[u8], key: &[u8]) -> Self {
        Self {
            partition: Some(text(partition)),
            key: Some(text(key)),
            key_hex: Some(hex::encode(key)),
            ..Self::default()
        }
    }

    /// A whole partition.
    pub(crate) fn partition(name: &[u8]) -> Self {
        Self { partition: Some(text(name)), ..Self::default() }
    }

    pub(crate) fn with_branch(mut self, name: &str) -> Self {
        self.branch = Some(name.to_owned());
        self
    }

    pub(crate) fn with_tag(mut self, name: &str) -> Self {
        self.tag = Some(name.to_owned());
        self
    }

    pub(crate) fn with_commit(mut self, id: impl fmt::Display) -> Self {
        self.commit = Some(id.to_string());
        self
    }

    pub(crate) fn with_meta_range(mut self, id: impl fmt::Display) -> Self {
        self.meta_range = Some(id.to_string());
        self
    }

    pub(crate) fn with_range(mut self, id: impl fmt::Display) -> Self {
        self.range = Some(id.to_string());
        self
    }

    pub(crate) fn with_path(mut self, path: &[u8]) -> Self {
        self.path = Some(text(path));
        self
    }

    pub(crate) fn with_address(mut self, address: impl fmt::Display) -> Self {
        self.address = Some(address.to_string());
        self
    }
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = [
            ("repository", &self.repository),
            ("branch", &self.branch),
            ("tag", &self.tag),
            ("commit", &self.commit),
            ("metarange", &self.meta_range),
            ("range", &self.range),
            ("path", &self.path),
            ("address", &self.address),
            ("partition", &self.partition),
            ("key", &self.key),
        ];
        let parts = named.iter().filter_map(|(name, value)| Some((name, value.as_deref()?)));
        for (position, (name, value)) in parts.enumerate() {
            let separator = if position == 0 { "" } else { ", " };
            // Escaped: a name is somebody else's text, and this goes to a terminal.
            write!(out, "{separator}{name} {}", value.escape_debug())?;
        }
        Ok(())
    }
}

/// One thing that an examination has to say.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// What kind of thing it is.
    pub kind: Kind,
    /// Where.
    #[serde(flatten)]
    pub place: Place,
    /// What is wrong, as a sentence for people.
    pub problem: String,
    /// What to do about it, as a sentence for people.
    pub advice: String,
}

impl Finding {
    /// A finding as severe as its kind usually is.
    pub(crate) fn new(kind: Kind, place: Place, problem: impl Into<String>) -> Self {
        let (severity, advice) = (kind.severity(), kind.advice().to_owned());
        Self { severity, kind, place, problem: problem.into(), advice }
    }

    /// The same, less or more severe than usual.
    pub(crate) fn with_severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "{} {}: {}", self.severity.name(), self.kind.name(), self.place)?;
        writeln!(out, "    {}", self.problem.escape_debug())?;
        write!(out, "    {}", self.advice)
    }
}

/// Bytes that usually are text, for people.
pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

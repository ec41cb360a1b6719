//! Moving records between stores, in the JSON form that lakeFS documents for `kv dump` and `kv load`.
//!
//! ```text
//! {"version":"1.0","timestamp":"2026-01-31T12:00:00Z","entries":[
//! {"partition":"auth","key":"installation_id","value":"<standard base64>"},
//! ...
//! ]}
//! ```
//!
//! `entries` is left out where there are none. Partition and key are text; one that is not UTF-8, which
//! lakeFS would mutilate, is written as `partition_base64` or `key_base64` instead. Where lakeFS dumps
//! chosen partitions only, [`Chosen::All`] takes the whole store.
//!
//! Both directions go record by record, so that memory does not grow with the dump. [`dump()`] sees each
//! partition as a scan does: what is written meanwhile may or may not be in it. For an exact copy, stop
//! the servers. [`load()`] reads the dump twice: once to see that all of it can be loaded, and only then
//! to load it, so that a dump that is cut off or meets foreign records changes nothing.

mod form;
mod load;
mod read;
#[cfg(test)]
mod tests;
mod write;

use bytes::Bytes;

pub use load::Existing;
pub use load::LoadError;
pub use load::Loaded;
pub use load::load;
pub use write::DumpError;
pub use write::dump;

use crate::Error;
use crate::Partitions;
use crate::Store;

/// The version of the form that is written and read.
const VERSION: &str = "1.0";

/// A group of partitions that lakeFS dumps under one name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// Users, credentials, groups, policies and what is known of the installation.
    Auth,
    /// The index of pull requests.
    Pulls,
    /// The version of the stored schema.
    Kv,
}

impl Section {
    /// All of them, in the order in which they are dumped.
    pub const ALL: [Self; 3] = [Self::Auth, Self::Pulls, Self::Kv];

    /// Returns the section called `name`, or `None` where there is none.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|section| section.as_str() == name)
    }

    /// Returns the name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Pulls => "pulls",
            Self::Kv => "kv",
        }
    }

    /// Returns its partitions.
    pub fn partitions(self) -> &'static [&'static str] {
        match self {
            Self::Auth => &["auth", "basicAuth", "aclauth"],
            Self::Pulls => &["pulls"],
            Self::Kv => &["kv-internal-metadata"],
        }
    }
}

/// Which partitions are dumped or loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chosen {
    /// All there are.
    All,
    /// Only these.
    These(Vec<Bytes>),
}

impl Chosen {
    /// The partitions of `sections`.
    pub fn sections(sections: &[Section]) -> Self {
        let names = sections.iter().flat_map(|section| section.partitions().iter());
        Self::These(names.map(|name| Bytes::from_static(name.as_bytes())).collect())
    }

    fn contains(&self, partition: &Bytes) -> bool {
        match self {
            Self::All => true,
            Self::These(names) => names.contains(partition),
        }
    }

    async fn names(&self, store: &dyn Store) -> Result<Vec<Bytes>, Error> {
        let mut names = match self {
            Self::These(names) => return Ok(names.clone()),
            Self::All => Vec::new(),
        };
        let mut all = Partitions::new(store);
        while let Some(name) = all.next().await? {
            names.push(name);
        }
        Ok(names)
    }
}

/// How far a dump or a load has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Records so far.
    pub records: u64,
    /// Bytes of their partitions, keys and values.
    pub bytes: u64,
    /// How many records there will be, where that is known.
    pub total: Option<u64>,
}

impl Progress {
    fn count(&mut self, partition: &[u8], key: &[u8], value: &[u8]) {
        self.records += 1;
        self.bytes += (partition.len() + key.len() + value.len()) as u64;
    }
}

/// Told of the progress now and then, and at the end.
pub type OnProgress<'a> = &'a mut (dyn FnMut(Progress) + Send);

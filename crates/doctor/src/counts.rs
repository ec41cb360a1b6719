//! How much was examined.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use serde::Deserialize;
use serde::Serialize;

macro_rules! counts {
    ($($(#[$doc:meta])* $name:ident, $label:literal;)*) => {
        /// How much was examined, so far or in all.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
        #[serde(default)]
        pub struct Counts {
            $($(#[$doc])* pub $name: u64,)*
        }

        impl Counts {
            /// The numbers with what they are called, in the order of a report.
            pub(crate) fn labelled(&self) -> Vec<(&'static str, u64)> {
                vec![$(($label, self.$name),)*]
            }
        }

        /// The same, being counted.
        #[derive(Debug, Default)]
        pub(crate) struct Counters {
            $(pub(crate) $name: Counter,)*
        }

        impl Counters {
            pub(crate) fn snapshot(&self) -> Counts {
                Counts { $($name: self.$name.get(),)* }
            }
        }
    };
}

counts! {
    /// Records of the key-value store that were decoded, staged ones included.
    records, "records";
    /// Repositories.
    repositories, "repositories";
    /// Branches.
    branches, "branches";
    /// Tags.
    tags, "tags";
    /// Commits.
    commits, "commits";
    /// Staged changes, removals included.
    staged_entries, "staged changes";
    /// Different metaranges, of commits and of dumps.
    meta_ranges, "metaranges";
    /// Different ranges.
    ranges, "ranges";
    /// Records in those ranges.
    range_records, "records in ranges";
    /// Objects whose bytes were looked for. One that lies in several ranges counts once, or a few
    /// times in a repository of many millions.
    objects, "objects looked for";
    /// Objects whose bytes were read and are those of their checksum.
    objects_compared, "objects read and compared";
    /// Objects whose bytes were read, but whose checksum is none of their content.
    objects_not_comparable, "objects with a checksum of another kind";
    /// Bytes read from the block store.
    bytes_read, "bytes read";
    /// Users.
    users, "users";
    /// Key pairs.
    credentials, "key pairs";
    /// Hook runs.
    runs, "hook runs";
    /// Files in the folders of ranges.
    table_files, "files beside ranges";
    /// Partitions of the key-value store.
    partitions, "partitions";
}

/// A number that goes up.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

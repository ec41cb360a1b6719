//! What an operator may tune.

/// Where trees are cut and what is kept in memory.
///
/// The three limits of a range are part of the stored format: with other limits the same operation
/// gives other ranges, and so other names (docs/formats/trees.md). Reading does not depend on them.
#[derive(Clone, Debug)]
pub struct TreeSettings {
    /// Folder of ranges below a namespace (`committed.block_storage_prefix`). Default `_lakefs`.
    pub prefix: String,
    /// A smaller range is never closed, except the last. Default 0.
    pub min_range_bytes: u64,
    /// A range is closed after the record that brings it here. Default 20 MiB.
    pub max_range_bytes: u64,
    /// One key in so many ends a range. Default 50,000.
    pub raggedness: u64,
    /// Bytes of tables kept in memory. Default 96 MiB.
    pub cache_bytes: u64,
}

impl Default for TreeSettings {
    fn default() -> Self {
        Self {
            prefix: "_lakefs".to_owned(),
            min_range_bytes: 0,
            max_range_bytes: 20 << 20,
            raggedness: 50_000,
            cache_bytes: 96 << 20,
        }
    }
}

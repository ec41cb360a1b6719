//! What an operator may tune.

const MIB: u64 = 1024 * 1024;

/// Sizes and limits of a [`LocalStore`](crate::LocalStore). The defaults suit a small server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalSettings {
    /// Memory for blocks of tables that were read. The process uses about twice as much.
    pub cache_bytes: u64,
    /// How much is collected in memory, and in the journal, before it becomes a table. Fixed when
    /// the store is created.
    pub memtable_bytes: u64,
    /// How many writes share one sync. A call with more is not split.
    pub batch_writes: usize,
    /// How many bytes share one sync, again without splitting a call.
    pub batch_bytes: usize,
    /// Writes are refused while the disk has less free space than this, so that what was accepted
    /// before can still be written out, and the store goes on once there is space again.
    pub reserved_bytes: u64,
}

impl Default for LocalSettings {
    fn default() -> Self {
        Self {
            cache_bytes: 32 * MIB,
            memtable_bytes: 16 * MIB,
            batch_writes: 512,
            batch_bytes: 4 * 1024 * 1024,
            reserved_bytes: 16 * MIB,
        }
    }
}

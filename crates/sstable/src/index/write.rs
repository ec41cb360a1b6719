//! Writes the index.

use crate::block::BlockBuilder;
use crate::coding::Handle;
use crate::stored::BlockSink;
use crate::stored::TRAILER_LEN;

/// What an index entry's value is taken to measure when a partition might be full. (Before 2023 it was
/// the true length of the handle: such tables have other partitions and estimated sizes.)
const ASSUMED_HANDLE_LEN: usize = 20;

/// Collects the index of a table.
#[derive(Debug)]
pub(crate) struct IndexBuilder {
    current: BlockBuilder,
    finished: Vec<Partition>,
}

/// A complete part of an index of two levels.
#[derive(Debug)]
struct Partition {
    block: Vec<u8>,
    last_key: Vec<u8>,
}

/// An index as it was written.
#[derive(Debug)]
pub(crate) struct WrittenIndex {
    /// Where a reader begins: the only index block, or the top one.
    pub(crate) handle: Handle,
    /// The length that goes into the properties.
    pub(crate) len: u64,
    /// Number of partitions and length of the top block, if there are two levels.
    pub(crate) two_levels: Option<(u64, u64)>,
}

impl IndexBuilder {
    pub(crate) fn new() -> Self {
        Self { current: BlockBuilder::new(1), finished: Vec::new() }
    }

    /// Adds a data block under an internal key.
    pub(crate) fn add(&mut self, key: &[u8], handle: Handle) {
        if self.current.is_full_for(key.len(), ASSUMED_HANDLE_LEN) {
            self.end_partition();
        }
        self.current.add_internal(key, &handle.encode());
    }

    /// Estimated length of the present partition. Finished ones are not counted.
    pub(crate) fn estimated_len(&self) -> usize {
        self.current.estimated_len()
    }

    /// Writes the index.
    pub(crate) fn write(mut self, sink: &mut BlockSink) -> WrittenIndex {
        if self.finished.is_empty() {
            let block = self.current.finish();
            let len = (block.len() + TRAILER_LEN) as u64;
            return WrittenIndex { handle: sink.write_packed(block), len, two_levels: None };
        }
        self.end_partition();
        self.write_two_levels(sink)
    }

    fn write_two_levels(self, sink: &mut BlockSink) -> WrittenIndex {
        let mut top = BlockBuilder::new(1);
        let mut len = TRAILER_LEN as u64;
        for partition in &self.finished {
            let handle = sink.write_packed(&partition.block);
            top.add_internal(&partition.last_key, &handle.encode());
            len += partition.block.len() as u64;
        }
        let top = top.finish();
        let top_len = top.len() as u64;
        WrittenIndex {
            handle: sink.write_packed(top),
            len: len + top_len,
            two_levels: Some((self.finished.len() as u64, top_len)),
        }
    }

    fn end_partition(&mut self) {
        let last_key = self.current.last_key().to_vec();
        let block = self.current.finish().to_vec();
        self.finished.push(Partition { block, last_key });
        self.current.reset();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn partitions_of(entries: u64) -> Option<u64> {
        let mut index = IndexBuilder::new();
        for at in 0..entries {
            let key = format!("{at:0110}");
            index.add(key.as_bytes(), Handle { offset: 1_000 + at, len: 100 });
        }
        index.write(&mut BlockSink::new()).two_levels.map(|(partitions, _)| partitions)
    }

    /// 33 entries of 120 bytes each; counted with the true length of the handle a 34th would fit.
    #[test]
    fn a_partition_ends_as_if_handles_took_twenty_bytes() {
        assert_eq!(partitions_of(33), None);
        assert_eq!(partitions_of(34), Some(2));
    }
}

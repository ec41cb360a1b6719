//! Reading FlatBuffers, the little of them that the index of a table needs.
//!
//! ```text
//! buffer: position of the root table (u32) ...
//! table:  distance back to its vtable (i32) | fields
//! vtable: its length (u16) | length of the table (u16) | per slot: distance table -> field (u16), 0 = absent
//! vector: number of elements (u32) | elements; elements that are tables are distances to them (u32)
//! ```
//!
//! All numbers are little-endian. Every step is checked; what leads out of the buffer is `None`.

use crate::coding::u16_le;
use crate::coding::u32_le;

/// A table in a buffer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FlatTable<'a> {
    buffer: &'a [u8],
    position: usize,
}

impl<'a> FlatTable<'a> {
    /// The table that `buffer` is made of.
    pub(crate) fn root(buffer: &'a [u8]) -> Option<Self> {
        Some(Self { buffer, position: follow(buffer, 0)? })
    }

    /// The number in `slot`, 0 where it is absent.
    pub(crate) fn u32(&self, slot: usize) -> Option<u32> {
        self.field(slot)?.map_or(Some(0), |position| u32_le(self.buffer, position))
    }

    /// The bytes in `slot`, none where they are absent.
    pub(crate) fn bytes(&self, slot: usize) -> Option<&'a [u8]> {
        let Some(position) = self.field(slot)? else { return Some(&[]) };
        let (start, count) = self.vector(position)?;
        self.buffer.get(start..start.checked_add(count)?)
    }

    /// The tables in `slot`, each of them `None` where it leads out of the buffer.
    pub(crate) fn tables(&self, slot: usize) -> Option<impl Iterator<Item = Option<Self>>> {
        let (start, count) = match self.field(slot)? {
            Some(position) => self.vector(position)?,
            None => (0, 0),
        };
        let buffer = self.buffer;
        buffer.get(start..start.checked_add(count.checked_mul(4)?)?)?;
        let table =
            move |index| Some(Self { buffer, position: follow(buffer, start + index * 4)? });
        Some((0..count).map(table))
    }

    /// Where the field of `slot` is; the inner `None` where it is absent.
    fn field(&self, slot: usize) -> Option<Option<usize>> {
        let back = u32_le(self.buffer, self.position)?.cast_signed();
        let vtable =
            self.position.checked_add_signed(isize::try_from(back.checked_neg()?).ok()?)?;
        let entry = 4 + 2 * slot;
        if entry + 2 > usize::from(u16_le(self.buffer, vtable)?) {
            return Some(None);
        }
        let distance = u16_le(self.buffer, vtable.checked_add(entry)?)?;
        let position = self.position.checked_add(distance.into())?;
        Some((distance != 0).then_some(position))
    }

    /// Start and number of elements of the vector that the field at `position` leads to.
    fn vector(&self, position: usize) -> Option<(usize, usize)> {
        let vector = follow(self.buffer, position)?;
        Some((vector.checked_add(4)?, u32_le(self.buffer, vector)?.try_into().ok()?))
    }
}

fn follow(buffer: &[u8], position: usize) -> Option<usize> {
    position.checked_add(u32_le(buffer, position)?.try_into().ok()?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A table with a number (slot 0), bytes (slot 1) and nothing in slot 2.
    const SMALL: [u8; 32] = [
        12, 0, 0, 0, // the root is at 12
        8, 0, 12, 0, 4, 0, 8, 0, // vtable at 4: 8 bytes long, table of 12, slots at 4 and 8
        8, 0, 0, 0, // table at 12: vtable 8 before
        42, 0, 0, 0, // slot 0
        4, 0, 0, 0, // slot 1, at 20: vector at 24
        3, 0, 0, 0, b'a', b'b', b'c', 0,
    ];

    #[test]
    fn fields_are_found_and_absent_ones_are_empty() {
        let table = FlatTable::root(&SMALL).expect("a root");
        assert_eq!(table.u32(0), Some(42));
        assert_eq!(table.bytes(1), Some(&b"abc"[..]));
        assert_eq!((table.u32(2), table.bytes(7)), (Some(0), Some(&[][..])));
        assert_eq!(table.tables(2).expect("absent").count(), 0);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_leaving_them(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            if let Some(table) = FlatTable::root(&bytes) {
                for slot in 0..4 {
                    let read = table.bytes(slot).map_or(0, <[u8]>::len);
                    prop_assert!(read <= bytes.len());
                    let tables = table.tables(slot).into_iter().flatten().take(100);
                    let numbers: Vec<_> = tables.flatten().map(|table| table.u32(0)).collect();
                    prop_assert!(numbers.len() <= bytes.len());
                }
            }
        }
    }
}

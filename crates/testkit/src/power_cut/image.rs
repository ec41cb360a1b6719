//! The bytes of a file, in pages that several states of the file share.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// What a disk writes at once, if it is not torn.
pub(super) const PAGE_BYTES: usize = 4096;

/// The bytes of a page. Those behind the end of the file are zero.
pub(super) type Page = Arc<[u8; PAGE_BYTES]>;

/// The bytes of a file at some moment. Pages that are not there are zero.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Image {
    pages: BTreeMap<u64, Page>,
    length: u64,
}

impl Image {
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// How many pages take memory.
    pub(super) fn page_count(&self) -> u64 {
        self.pages.len() as u64
    }

    pub(super) fn read(&self, range: Range<u64>) -> Vec<u8> {
        let range = range.start..range.end.min(self.length);
        let mut bytes = Vec::new();
        for (number, part) in parts(range) {
            match self.pages.get(&number) {
                Some(page) => bytes.extend_from_slice(&page[part]),
                None => bytes.resize(bytes.len() + part.len(), 0),
            }
        }
        bytes
    }

    /// Writes `data` at `offset`, making the file longer where it has to be.
    pub(super) fn write(&mut self, offset: u64, data: &[u8]) {
        let end = offset + data.len() as u64;
        let mut rest = data;
        for (number, part) in parts(offset..end) {
            let (now, later) = rest.split_at(part.len());
            self.page_mut(number)[part].copy_from_slice(now);
            rest = later;
        }
        self.length = self.length.max(end);
    }

    /// Makes the file shorter, or longer by zeros.
    pub(super) fn set_length(&mut self, length: u64) {
        if length < self.length {
            self.zero(length..self.length);
        }
        self.length = length;
    }

    /// Makes the bytes of `range` zero, as far as the file has them.
    pub(super) fn zero(&mut self, range: Range<u64>) {
        for (number, part) in parts(range.start..range.end.min(self.length)) {
            if part.start == 0 && part.end >= self.used(number) {
                self.pages.remove(&number);
            } else if self.pages.contains_key(&number) {
                self.page_mut(number)[part].fill(0);
            }
        }
    }

    pub(super) fn page(&self, number: u64) -> Page {
        self.pages.get(&number).cloned().unwrap_or_else(|| Arc::new([0; PAGE_BYTES]))
    }

    /// Replaces a page that was written up to the offset `end`.
    pub(super) fn put(&mut self, number: u64, page: Page, end: u64) {
        self.pages.insert(number, page);
        self.length = self.length.max(end);
        self.clear_tail(number);
    }

    /// Zeroes what a page may hold of a longer state of the file.
    fn clear_tail(&mut self, number: u64) {
        let used = self.used(number);
        if self.pages[&number][used..].iter().any(|byte| *byte != 0) {
            self.page_mut(number)[used..].fill(0);
        }
    }

    /// How many bytes of the page are before the end of the file.
    fn used(&self, number: u64) -> usize {
        let start = number * PAGE_BYTES as u64;
        self.length.saturating_sub(start).min(PAGE_BYTES as u64) as usize
    }

    fn page_mut(&mut self, number: u64) -> &mut [u8; PAGE_BYTES] {
        Arc::make_mut(self.pages.entry(number).or_insert_with(|| Arc::new([0; PAGE_BYTES])))
    }
}

/// The pages that `range` lies in, and which bytes of each.
pub(super) fn parts(range: Range<u64>) -> impl Iterator<Item = (u64, Range<usize>)> {
    let page = PAGE_BYTES as u64;
    let all = range.start / page..range.end.div_ceil(page);
    let numbers = if range.is_empty() { 0..0 } else { all };
    numbers.map(move |number| {
        let start = range.start.saturating_sub(number * page).min(page);
        let end = (range.end - number * page).min(page);
        (number, start as usize..end as usize)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn an_image_is_what_a_vector_of_bytes_would_be(
            steps in prop::collection::vec((0..4u8, 0..20_000u64, 0..9_000u64, 1..=255u8), 1..30),
        ) {
            let (mut image, mut bytes) = (Image::default(), Vec::new());
            for (kind, offset, size, byte) in steps {
                let (from, to) = (offset as usize, (offset + size) as usize);
                match kind {
                    0 => {
                        image.set_length(offset);
                        bytes.resize(from, 0);
                    }
                    1 => {
                        image.zero(offset..offset + size);
                        let end = to.min(bytes.len());
                        bytes[from.min(end)..end].fill(0);
                    }
                    _ => {
                        image.write(offset, &vec![byte; size as usize]);
                        bytes.resize(bytes.len().max(to), 0);
                        bytes[from..to].fill(byte);
                    }
                }
                prop_assert_eq!(image.length(), bytes.len() as u64);
            }
            prop_assert!(image.read(0..1 << 20) == bytes);
            prop_assert!(image.read(100..5_000) == bytes[100.min(bytes.len())..5_000.min(bytes.len())]);
        }
    }
}

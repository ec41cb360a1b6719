//! What is in a file: what programs see, what was synced, and what happened between.
//!
//! What happened is kept as *epochs*. Within one, the order of writes does not matter to a disk: it
//! writes pages when it likes, each in the version that it finds. An epoch ends where bytes are taken
//! away, because no file system lets a later write come before that.

use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::ops::AddAssign;
use std::ops::Range;
use std::sync::Arc;

use crate::power_cut::dice::Dice;
use crate::power_cut::image::Image;
use crate::power_cut::image::PAGE_BYTES;
use crate::power_cut::image::Page;
use crate::power_cut::image::parts;

/// What a disk writes at once, always.
const SECTOR_BYTES: usize = 512;

/// More versions of a page are thinned out: a page that is written a thousand times between two syncs
/// needs no thousand pages of memory.
const MAX_VERSIONS: usize = 12;

/// The place of a change, or the beginning of a sync, in the order in which things happen.
pub(super) type Moment = u64;

/// Pieces (pages or names) that a cut kept or lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) kept: u64,
    pub(super) lost: u64,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.kept += other.kept;
        self.lost += other.lost;
    }
}

/// The bytes of a file.
#[derive(Clone, Debug, Default)]
pub(super) struct Content {
    current: Image,
    durable: Image,
    epochs: VecDeque<Epoch>,
}

/// Writes in no order.
#[derive(Clone, Debug, Default)]
struct Epoch {
    pages: BTreeMap<u64, Vec<Version>>,
    /// Lengths that the file was given without a write.
    lengths: Vec<(Moment, u64)>,
    end: Option<(Moment, Taken)>,
}

/// A page as it was from `since` until the next version.
#[derive(Clone, Debug)]
struct Version {
    since: Moment,
    page: Page,
    /// Where in the file the last byte lies that was written in this page.
    end: u64,
}

/// Bytes that were taken away.
#[derive(Clone, Debug)]
enum Taken {
    /// All from here on.
    From(u64),
    /// These became zero.
    Range(Range<u64>),
}

impl Taken {
    fn apply(&self, image: &mut Image) {
        match self {
            Self::From(length) => image.set_length((*length).min(image.length())),
            Self::Range(range) => image.zero(range.clone()),
        }
    }
}

impl Content {
    /// All of it durable.
    fn durable(image: Image) -> Self {
        Self { current: image.clone(), durable: image, epochs: VecDeque::new() }
    }

    /// What programs see.
    pub(super) fn current(&self) -> &Image {
        &self.current
    }

    pub(super) fn write(&mut self, now: Moment, offset: u64, data: &[u8]) {
        let end = offset + data.len() as u64;
        self.current.write(offset, data);
        for (number, part) in parts(offset..end) {
            let page = self.current.page(number);
            let written = number * PAGE_BYTES as u64 + part.end as u64;
            self.epoch().add(number, Version { since: now, page, end: written });
        }
    }

    pub(super) fn set_length(&mut self, now: Moment, length: u64) {
        if length < self.current.length() {
            self.take(now, Taken::From(length));
        } else if length > self.current.length() {
            self.epoch().lengths.push((now, length));
        }
        self.current.set_length(length);
    }

    /// Makes the bytes of `range` zero, as far as there are any.
    pub(super) fn zero(&mut self, now: Moment, range: Range<u64>) {
        self.take(now, Taken::Range(range.clone()));
        self.current.zero(range);
    }

    fn take(&mut self, now: Moment, taken: Taken) {
        self.epoch().end = Some((now, taken));
        self.epochs.push_back(Epoch::default());
    }

    /// The epoch that goes on.
    fn epoch(&mut self) -> &mut Epoch {
        if self.epochs.is_empty() {
            self.epochs.push_back(Epoch::default());
        }
        let last = self.epochs.len() - 1;
        &mut self.epochs[last]
    }

    /// Makes durable what happened up to `until`; says whether that changed the durable length.
    pub(super) fn sync(&mut self, until: Moment) -> bool {
        let before = self.durable.length();
        let mut has_ended = true;
        while has_ended && let Some(epoch) = self.epochs.front_mut() {
            has_ended = epoch.settle(until, &mut self.durable);
            if has_ended || epoch.is_empty() {
                self.epochs.pop_front();
            }
        }
        self.durable.length() != before
    }

    /// Forgets what was written up to `until`, as a kernel does whose write has failed: programs go on
    /// seeing it, and no later sync makes it durable, unless it is written once more.
    pub(super) fn lose(&mut self, until: Moment) {
        for epoch in &mut self.epochs {
            epoch.lose(until);
        }
    }

    /// What a cut leaves of it, if every piece survives in `percent` of 100 cases.
    pub(super) fn after_cut(&self, percent: u8, dice: &Dice) -> (Self, Tally) {
        let (mut image, mut tally) = (self.durable.clone(), Tally::default());
        let mut stopped = false;
        for epoch in &self.epochs {
            if stopped {
                tally.lost += epoch.pages.len() as u64;
                continue;
            }
            tally += epoch.survive(&mut image, percent, dice);
            if let Some((_, taken)) = &epoch.end {
                stopped = !dice.percent(percent);
                if !stopped {
                    taken.apply(&mut image);
                }
            }
        }
        (Self::durable(image), tally)
    }
}

impl Epoch {
    fn add(&mut self, number: u64, version: Version) {
        let versions = self.pages.entry(number).or_default();
        let end = versions.last().map_or(0, |last| last.end).max(version.end);
        versions.push(Version { end, ..version });
        if versions.len() > MAX_VERSIONS {
            // A sync that began after the one that goes takes the next one instead.
            let gone = versions.remove(MAX_VERSIONS / 2);
            versions[MAX_VERSIONS / 2].since = gone.since;
        }
    }

    fn is_empty(&self) -> bool {
        self.pages.is_empty() && self.lengths.is_empty() && self.end.is_none()
    }

    /// Moves what happened up to `until` to `durable`; says whether that is all, with the end.
    fn settle(&mut self, until: Moment, durable: &mut Image) -> bool {
        self.pages.retain(|number, versions| {
            let settled = versions.partition_point(|version| version.since <= until);
            if let Some(last) = versions.drain(..settled).next_back() {
                durable.put(*number, last.page, last.end);
            }
            !versions.is_empty()
        });
        self.lengths.retain(|(since, length)| {
            if *since <= until {
                durable.set_length(durable.length().max(*length));
            }
            *since > until
        });
        match &self.end {
            Some((since, taken)) if *since <= until => {
                taken.apply(durable);
                true
            }
            _ => false,
        }
    }

    fn lose(&mut self, until: Moment) {
        self.pages.retain(|_, versions| {
            versions.retain(|version| version.since > until);
            !versions.is_empty()
        });
    }

    /// Puts what survives of it into `image`.
    fn survive(&self, image: &mut Image, percent: u8, dice: &Dice) -> Tally {
        let mut tally = Tally::default();
        for (number, versions) in &self.pages {
            if !dice.percent(percent) {
                tally.lost += 1;
                continue;
            }
            tally.kept += 1;
            let latest = versions.len() - 1;
            let chosen = if dice.percent(50) { latest } else { dice.below(versions.len()) };
            let Version { page, end, .. } = &versions[chosen];
            let page = if dice.percent(25) {
                torn(&image.page(*number), page, dice)
            } else {
                page.clone()
            };
            image.put(*number, page, *end);
        }
        for (_, length) in &self.lengths {
            if dice.percent(percent) {
                image.set_length(image.length().max(*length));
            }
        }
        tally
    }
}

/// Sectors of the one page or the other.
fn torn(old: &Page, new: &Page, dice: &Dice) -> Page {
    let mut page = **new;
    for at in (0..PAGE_BYTES).step_by(SECTOR_BYTES) {
        if dice.percent(50) {
            page[at..at + SECTOR_BYTES].copy_from_slice(&old[at..at + SECTOR_BYTES]);
        }
    }
    Arc::new(page)
}

#[cfg(test)]
mod tests;

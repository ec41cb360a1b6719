use proptest::prelude::*;

use super::*;

const PAGE: u64 = PAGE_BYTES as u64;

/// A file that was written in pieces, each at a moment of its own.
fn written(pieces: &[(u64, &[u8])]) -> Content {
    let mut content = Content::default();
    for (now, (offset, data)) in (1..).zip(pieces) {
        content.write(now, *offset, data);
    }
    content
}

fn left(content: &Content, percent: u8, seed: u64) -> Vec<u8> {
    let (after, _) = content.after_cut(percent, &Dice::new(seed));
    assert_eq!(after.current(), &after.durable, "what a cut left is durable");
    after.current().read(0..u64::MAX)
}

#[test]
fn what_was_synced_survives_and_nothing_else() {
    let mut content = written(&[(0, b"one")]);
    content.sync(1);
    content.write(2, 3, b" two");
    content.write(3, 10_000, b"three");
    assert_eq!(left(&content, 0, 1), b"one");
    content.sync(3);
    assert_eq!(left(&content, 0, 1), content.current().read(0..u64::MAX));
}

#[test]
fn a_sync_takes_only_what_happened_before_it_began() {
    let mut content = written(&[(0, b"a"), (1, b"b"), (2, b"c")]);
    content.sync(2);
    assert_eq!(left(&content, 0, 1), b"ab");
    content.sync(2);
    assert_eq!(left(&content, 0, 1), b"ab");
}

#[test]
fn a_sync_finds_what_was_written_before_it_among_a_thousand_versions() {
    let mut content = Content::default();
    for now in 1..=1_000u64 {
        content.write(now, 0, &now.to_be_bytes());
        if now % 97 == 0 {
            content.sync(now - 50);
            let durable = u64::from_be_bytes(left(&content, 0, 1).try_into().unwrap());
            assert!(durable >= now - 50, "synced up to {}, but {durable} is durable", now - 50);
        }
    }
    content.sync(1_000);
    assert_eq!(left(&content, 0, 1), 1_000u64.to_be_bytes());
}

#[test]
fn pages_survive_each_by_itself_and_leave_holes() {
    let data = vec![7; 40 * PAGE_BYTES];
    let content = written(&[(0, &data)]);
    let (_, tally) = content.after_cut(50, &Dice::new(3));
    assert!(tally.kept > 5 && tally.lost > 5, "{tally:?}");
    let left = left(&content, 50, 3);
    let has_hole = left.chunks(PAGE_BYTES).any(|page| page.iter().all(|byte| *byte == 0));
    assert!(has_hole && left.contains(&7));
}

#[test]
fn an_earlier_version_of_a_page_may_be_the_one_that_survives() {
    let content = written(&[(0, b"first"), (0, b"later")]);
    let seen: std::collections::BTreeSet<Vec<u8>> =
        (0..200).map(|seed| left(&content, 90, seed)).collect();
    assert!(seen.contains(&b"first"[..]) && seen.contains(&b"later"[..]), "{seen:?}");
}

#[test]
fn a_torn_page_is_old_and_new_by_sectors() {
    let mut content = written(&[(0, &[1; PAGE_BYTES])]);
    content.sync(1);
    content.write(2, 0, &[2; PAGE_BYTES]);
    let pages: Vec<Vec<u8>> = (0..200).map(|seed| left(&content, 100, seed)).collect();
    for page in &pages {
        for sector in page.chunks(SECTOR_BYTES) {
            assert!(sector.iter().all(|byte| *byte == sector[0]), "a sector is never torn");
        }
    }
    let torn = pages.iter().filter(|page| page.contains(&1) && page.contains(&2)).count();
    assert!((20..90).contains(&torn), "{torn} of 200 are torn");
}

#[test]
fn a_file_that_was_made_shorter_is_longer_again_until_that_is_synced() {
    let mut content = written(&[(0, b"a long text")]);
    content.sync(1);
    content.set_length(2, 0);
    content.write(3, 0, b"short");
    assert_eq!(left(&content, 0, 1), b"a long text");
    for seed in 0..100 {
        let left = left(&content, 50, seed);
        // The zeros are the length of a torn page without its bytes.
        let is_known = [&b"a long text"[..], b"", b"short", &[0; 5]].contains(&&left[..]);
        assert!(is_known, "a write passed the change before it: {left:?}");
    }
    content.sync(2);
    assert_eq!(left(&content, 0, 1), b"");
    content.sync(3);
    assert_eq!(left(&content, 0, 1), b"short");
}

#[test]
fn zeroed_bytes_are_back_until_that_is_synced() {
    let mut content = written(&[(0, &[9; 3 * PAGE_BYTES])]);
    content.sync(1);
    content.zero(2, 10..PAGE + 10);
    assert_eq!(content.current().read(8..12), [9, 9, 0, 0]);
    assert_eq!(left(&content, 0, 1), [9; 3 * PAGE_BYTES]);
    content.sync(2);
    assert_eq!(left(&content, 0, 1)[8..12], [9, 9, 0, 0]);
}

#[test]
fn a_length_without_a_write_is_lost_too_and_a_sync_says_that_it_changed() {
    let mut content = written(&[(0, b"x")]);
    assert!(content.sync(1));
    content.set_length(2, 5_000);
    assert_eq!(left(&content, 0, 1).len(), 1);
    assert!(content.sync(2));
    assert!(!content.sync(2));
    assert_eq!(left(&content, 0, 1).len(), 5_000);
}

#[derive(Clone, Debug)]
enum Step {
    Write(u64, usize, u8),
    SetLength(u64),
    Zero(u64, u64),
    Sync,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..30_000u64, 1..9_000usize, 1..=255u8).prop_map(|(at, size, byte)| Step::Write(at, size, byte)),
        2 => (0..40_000u64).prop_map(Step::SetLength),
        1 => (0..30_000u64, 1..9_000u64).prop_map(|(at, size)| Step::Zero(at, at + size)),
        2 => Just(Step::Sync),
    ]
}

proptest! {
    /// The bytes at each place were there at some moment since the last sync, or are a hole.
    #[test]
    fn a_cut_leaves_the_last_sync_and_bytes_that_were_once_there(
        steps in prop::collection::vec(step(), 1..25),
        percent in prop::sample::select(vec![0, 10, 50, 90, 100]),
        seed: u64,
    ) {
        let mut content = Content::default();
        let mut since_sync = vec![Vec::new()];
        for (now, step) in (1..).zip(&steps) {
            match step {
                Step::Write(at, size, byte) => content.write(now, *at, &vec![*byte; *size]),
                Step::SetLength(length) => content.set_length(now, *length),
                Step::Zero(start, end) => content.zero(now, *start..*end),
                Step::Sync => {
                    content.sync(now);
                    since_sync.clear();
                }
            }
            since_sync.push(content.current().read(0..u64::MAX));
        }
        let left = left(&content, percent, seed);
        if percent == 0 {
            prop_assert!(left == since_sync[0]);
        }
        let longest = since_sync.iter().map(Vec::len).max().unwrap_or(0);
        prop_assert!(left.len() <= longest);
        for (at, byte) in left.iter().enumerate() {
            let was = |state: &Vec<u8>| state.get(at).copied().unwrap_or(0) == *byte;
            prop_assert!(*byte == 0 || since_sync.iter().any(was), "byte {} came from nowhere", at);
        }
    }
}

//! Every way in which a segment can end or be damaged.

use super::*;

use proptest::prelude::*;

const ID: SegmentId = SegmentId { number: 3, salt: 0x5a17_5a17_5a17_5a17 };

/// A segment whose batches have these records.
fn segment(batches: &[Vec<Record>]) -> (Vec<u8>, Vec<usize>) {
    let mut bytes = ID.header().to_vec();
    let mut starts = Vec::new();
    for (sequence, records) in batches.iter().enumerate() {
        let mut batch = BatchWriter::with_capacity(100);
        for Record { place, body } in records {
            batch.push(place, body).unwrap();
        }
        starts.push(bytes.len());
        bytes.extend(batch.finish(ID, sequence as u64, bytes.len() as u64).unwrap());
    }
    (bytes, starts)
}

fn record(place: &str, body: impl Into<Bytes>) -> Record {
    Record { place: place.to_owned(), body: body.into() }
}

fn small() -> Vec<Vec<Record>> {
    vec![
        vec![record("lake/data/x/1", "one"), record("lake/data/x/2", "")],
        vec![record("lake/data/x/3", vec![0; 1_200])],
        vec![record("lake/data/x/4", "four"), record("lake/data/x/ü", vec![7; 600])],
    ]
}

fn read(bytes: &[u8]) -> Result<Contents, Damage> {
    read_segment(&Bytes::copy_from_slice(bytes), ID.number, true)
}

#[test]
fn a_segment_has_the_bytes_of_the_stored_format() {
    let (bytes, _) = segment(&[vec![record("a/b", "hi")]]);
    let expected = "4c4b48424c4b4a31 0300000000000000 175a175a175a175a 00000000 d8f41a28\
        4c4b4254 01000000 0000000000000000 0c000000 00000000 9c2dc50a b375ae88 42544845\
        01 0300 02000000 612f62 6869";
    assert_eq!(hex::encode(bytes), expected.replace(' ', ""));
}

#[test]
fn cut_anywhere_a_segment_keeps_the_batches_before_the_cut() {
    let batches = small();
    let (bytes, starts) = segment(&batches);
    for cut in 0..=bytes.len() {
        let contents = read(&bytes[..cut]).unwrap_or_else(|damage| panic!("{cut}: {damage:?}"));
        let ends = starts.iter().skip(1).copied().chain([bytes.len()]);
        let whole = ends.filter(|end| *end <= cut).count();
        assert_eq!(contents.records, batches[..whole].concat(), "{cut}");
        let at_an_end = cut == bytes.len() || starts.contains(&cut);
        assert_eq!(contents.torn_at.is_none(), at_an_end, "{cut}");
    }
}

#[test]
fn cut_or_zeroed_anywhere_an_older_segment_is_damaged() {
    let (bytes, starts) = segment(&small());
    for cut in (0..bytes.len()).filter(|cut| !starts.contains(cut)) {
        let read = read_segment(&Bytes::copy_from_slice(&bytes[..cut]), ID.number, false);
        assert!(read.is_err(), "{cut}: {read:?}");
    }
}

#[test]
fn a_flipped_bit_anywhere_is_damage() {
    let (bytes, _) = segment(&small());
    for place in 0..bytes.len() {
        for bit in 0..8 {
            let mut flipped = bytes.clone();
            flipped[place] ^= 1 << bit;
            let read = read(&flipped);
            // A length is covered by the header's checksum: nothing can look like a torn tail.
            assert!(read.is_err(), "byte {place}, bit {bit}: {read:?}");
        }
    }
}

#[test]
fn sectors_of_the_last_batch_that_were_never_written_are_a_torn_tail() {
    let batches = vec![
        vec![record("lake/data/x/1", "one")],
        // Zeros of its own do not hide the missing ones.
        vec![record("lake/data/x/2", vec![0; 2_000]), record("lake/data/x/3", vec![1; 2_000])],
    ];
    let (bytes, starts) = segment(&batches);
    let mut torn = 0;
    for sector in (512..bytes.len()).step_by(512) {
        let mut unwritten = bytes.clone();
        let end = bytes.len().min(sector + 512);
        unwritten[sector..end].fill(0);
        if unwritten == bytes {
            continue;
        }
        torn += 1;
        let contents = read(&unwritten).unwrap_or_else(|damage| panic!("{sector}: {damage:?}"));
        assert_eq!(contents.records, batches[0]);
        assert_eq!(contents.torn_at, Some(starts[1]));
    }
    assert!(torn >= 4, "{torn}");
}

#[test]
fn a_file_that_grew_without_being_written_is_a_torn_tail() {
    let batches = small();
    let (mut bytes, _) = segment(&batches);
    let end = bytes.len();
    bytes.resize(end + 3_000, 0);
    let contents = read(&bytes).unwrap();
    assert_eq!(contents, Contents { records: batches.concat(), torn_at: Some(end) });
}

#[test]
fn an_unwritten_sector_before_a_batch_that_was_written_is_damage() {
    let (bytes, starts) = segment(&[
        vec![record("lake/data/x/1", vec![1; 4_000])],
        vec![record("lake/data/x/2", "two")],
    ]);
    let mut unwritten = bytes;
    unwritten[1_024..1_536].fill(0);
    let damage = read(&unwritten).unwrap_err();
    assert_eq!(damage.offset, starts[0]);
}

#[test]
fn a_journal_stored_as_a_body_does_not_pass_for_a_later_batch() {
    let other = SegmentId { salt: 1, ..ID };
    let mut inner = BatchWriter::with_capacity(10);
    inner.push("lake/data/x/inner", b"inner").unwrap();
    let inner = inner.finish(other, 1, 100).unwrap();
    let (bytes, starts) = segment(&[vec![record("lake/data/x/1", inner)]]);
    let contents = read(&bytes[..bytes.len() - 1]).unwrap();
    assert_eq!(contents.torn_at, Some(starts[0]));
}

#[test]
fn a_segment_under_another_number_is_refused() {
    let (bytes, _) = segment(&small());
    let damage = read_segment(&bytes.into(), ID.number + 1, true).unwrap_err();
    assert_eq!(damage.offset, 8);
}

proptest! {
    /// What was written is what is read.
    #[test]
    fn a_segment_is_read_back_as_it_was_written(
        batches in prop::collection::vec(
            prop::collection::vec(("[a-z/]{1,20}", prop::collection::vec(0..3_u8, 0..1_500)), 1..4),
            0..4,
        ),
    ) {
        let batches: Vec<Vec<Record>> = batches
            .into_iter()
            .map(|records| records.iter().map(|(place, body)| record(place, body.clone())).collect())
            .collect();
        let (bytes, _) = segment(&batches);
        let contents = read(&bytes).unwrap();
        prop_assert_eq!(contents, Contents { records: batches.concat(), torn_at: None });
    }

    /// No bytes make the reader panic.
    #[test]
    fn any_bytes_are_read_or_refused(
        mut tail in prop::collection::vec(any::<u8>(), 0..200),
        with_header: bool,
    ) {
        if with_header {
            tail.splice(..0, ID.header());
        }
        drop(read(&tail));
    }
}

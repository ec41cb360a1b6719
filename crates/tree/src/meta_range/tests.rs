use super::*;
use crate::testing::golden;

const NAME: &str = "4ff8d3799317daa9d1826b1e6b75eb73a32b8f4b42684d068a89e33f93c3b082";

fn range(min: &str, max: &str) -> RangeRef {
    RangeRef {
        id: RangeId::from_stored(NAME),
        min: Bytes::copy_from_slice(min.as_bytes()),
        max: Bytes::copy_from_slice(max.as_bytes()),
        count: 7,
        estimated_size: 300,
    }
}

fn decode(bytes: Bytes) -> Result<MetaRange, Error> {
    MetaRange::decode(&Arc::new(Table::open(bytes).unwrap()), "mem://here")
}

/// The table of one record with a reference made of `identity` and `said`.
fn table_of(references: &[(&[u8], &str, RangeData)]) -> Bytes {
    let mut table = TableWriter::new(&[("type", "metaranges")]);
    for (key, identity, said) in references {
        let identity = Bytes::copy_from_slice(identity.as_bytes());
        let mut stored = Vec::new();
        Value { identity, data: said.encode_to_vec().into() }.encode(&mut stored);
        table.append(key, &stored).unwrap();
    }
    table.finish().bytes
}

#[test]
fn a_metarange_of_the_real_writer_is_read_and_written_again_byte_for_byte() {
    let bytes = golden("lakefs/metarange.sst");
    let read = decode(bytes.clone()).unwrap();
    let written = read.encode().unwrap();
    let [range] = read.ranges() else { panic!("one range") };
    assert_eq!((&range.min[..], &range.max[..]), (&b"a/b/c/no"[..], &b"a/b/c/yes"[..]));
    assert_eq!((range.count, range.estimated_size), (2, 1190));
    assert_eq!(
        &*range.id.name(),
        "a83af763ba098c15369d9d6d723731eb9ce18b8dfac4f88c6f1287e772393d0e"
    );
    assert_eq!(written.bytes, bytes);
}

#[test]
fn a_tree_without_ranges_has_the_name_the_stored_format_gives_it() {
    let written = MetaRange::default().encode().unwrap();
    assert_eq!(
        MetaRangeId::from(&written).as_str(),
        "00fb7eff1a97c500eb3ca8d2ef5464131d6b6a5f9512e41eba97843522213b66"
    );
    assert_eq!(written.bytes, golden("pebble/empty_metarange.sst"));
}

#[test]
fn a_key_is_looked_for_in_the_one_range_that_may_have_it() {
    let tree = MetaRange::new(vec![range("b", "d"), range("f", "f"), range("h", "k")]);
    let found = |key: &str| tree.find(key.as_bytes()).map(|(index, _)| index);
    assert_eq!(found("a"), None);
    assert_eq!(found("b"), Some(0));
    assert_eq!(found("d"), Some(0));
    assert_eq!(found("e"), None);
    assert_eq!(found("f"), Some(1));
    assert_eq!(found("i"), Some(2));
    assert_eq!(found("l"), None);
}

#[test]
fn the_first_overlap_is_by_bounds() {
    let tree = MetaRange::new(vec![range("b", "d"), range("f", "f"), range("h", "k")]);
    let overlap =
        |min: &str, max: &str| tree.first_overlap(&range(min, max)).map(|r| r.max.clone());
    assert_eq!(overlap("a", "az"), None);
    assert_eq!(overlap("a", "b").as_deref(), Some(&b"d"[..]));
    assert_eq!(overlap("e", "z").as_deref(), Some(&b"f"[..]));
    assert_eq!(overlap("g", "gz"), None);
    assert_eq!(overlap("k", "z").as_deref(), Some(&b"k"[..]));
    assert_eq!(overlap("l", "z"), None);
}

#[test]
fn a_reference_without_a_first_key_begins_where_it_ends() {
    let said = RangeData { max_key: Bytes::from_static(b"k"), count: 1, ..RangeData::default() };
    let read = decode(table_of(&[(b"k", NAME, said)])).unwrap();
    assert_eq!(read.ranges()[0].min, "k");
}

#[test]
fn a_metarange_that_cannot_be_is_refused_with_its_address() {
    let said = |min: &'static [u8], count| RangeData {
        min_key: Bytes::from_static(min),
        count,
        ..RangeData::default()
    };
    let cases = [
        (table_of(&[(b"k", "../../etc/passwd", said(b"k", 1))]), InvalidReference::Name),
        (table_of(&[(b"k", NAME, said(b"k", -1))]), InvalidReference::Count),
        (table_of(&[(b"k", NAME, said(b"l", 1))]), InvalidReference::Bounds),
        (
            table_of(&[(b"k", NAME, said(b"a", 1)), (b"n", NAME, said(b"k", 1))]),
            InvalidReference::Overlap,
        ),
    ];
    for (bytes, reason) in cases {
        let Err(Error::Corrupt { what, location, source }) = decode(bytes) else {
            panic!("{reason} was not noticed")
        };
        assert_eq!((what, &*location), ("metarange", "mem://here"));
        assert_eq!(source.downcast_ref(), Some(&reason));
    }
}

#[test]
fn only_hex_digits_make_a_file_name() {
    assert!(MetaRangeId::from_stored(NAME).is_file_name());
    assert!(!MetaRangeId::from_stored(&NAME.to_uppercase()).is_file_name());
    assert!(!MetaRangeId::from_stored("deadbeef").is_file_name());
    assert!(!MetaRangeId::default().is_file_name());
}

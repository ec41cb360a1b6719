use super::*;

fn item(key: &[u8], value: &[u8]) -> Vec<u8> {
    let mut item = vec![2, 0, 0];
    item.extend(1u64.to_le_bytes());
    item.extend(u16::try_from(key.len()).expect("short").to_le_bytes());
    item.extend(u32::try_from(value.len()).expect("short").to_le_bytes());
    item.extend(u32::try_from(value.len()).expect("short").to_le_bytes());
    item.extend(key);
    item.extend(value);
    item
}

fn batch(number: u64) -> Vec<u8> {
    let mut items = item(BATCH_MARK, &mark(number, number * 2));
    items.extend(item(b"\0\x01pkey", format!("value {number}").as_bytes()));
    let mut batch = vec![1, 2, 0, 0, 0];
    batch.extend((number * 2).to_le_bytes());
    batch.extend(&items);
    batch.push(3);
    batch.extend(xxhash_rust::xxh3::xxh3_64(&items).to_le_bytes());
    batch.extend(TRAILER);
    batch
}

fn zeros() -> Vec<u8> {
    vec![0; 100]
}

fn check_files(files: &[&[u8]], acknowledged: u64) -> Result<(), Error> {
    let dir = tempfile::tempdir().expect("temporary directory");
    for (number, content) in files.iter().enumerate() {
        std::fs::write(dir.path().join(format!("{number}.jnl")), content).expect("write");
    }
    check(dir.path(), Some(acknowledged))
}

#[test]
fn whole_journals_pass() {
    let first = [batch(4), batch(5), zeros()].concat();
    let second = [batch(6), zeros()].concat();
    check_files(&[&first, &second, &[]], 6).expect("whole");
    check_files(&[], 6).expect("all is in tables");
    check_files(&[&zeros()], 6).expect("all is in tables");
}

#[test]
fn a_torn_batch_that_nobody_was_told_of_passes() {
    let whole = batch(5);
    for cut in 0..whole.len() {
        let journal = [&batch(4)[..], &whole[..cut], &zeros()].concat();
        check_files(&[&journal], 4).expect("torn");
        assert!(cut == 0 || check_files(&[&journal], 5).is_err(), "{cut}: 5 was acknowledged");
    }
}

#[test]
fn any_changed_byte_before_the_last_batch_is_damage() {
    let good = [batch(4), batch(5), batch(6)].concat();
    for at in 0..good.len() - batch(6).len() {
        let mut journal = [&good[..], &zeros()].concat();
        journal[at] ^= 0x21;
        // Not even the number of the last acknowledged batch is needed to see that.
        assert!(check_files(&[&journal], 0).is_err(), "byte {at}");
    }
}

#[test]
fn a_changed_byte_in_the_last_acknowledged_batch_is_damage() {
    let good = [batch(4), batch(5)].concat();
    for at in batch(4).len()..good.len() {
        for bit in [0x01, 0x80] {
            let mut journal = [&good[..], &zeros()].concat();
            journal[at] ^= bit;
            // A sequence number that is higher than it was, and still the last, changes nothing.
            let seqno = batch(4).len() + 5..batch(4).len() + 13;
            assert!(check_files(&[&journal], 5).is_err() || seqno.contains(&at), "byte {at}");
        }
    }
}

#[test]
fn only_the_last_journal_may_be_torn() {
    let torn = [&batch(4)[..], &batch(5)[..10], &zeros()].concat();
    assert!(check_files(&[&torn, &batch(5)], 5).is_err());
    check_files(&[&torn, &[]], 0).expect_err("a sealed journal was synced as a whole");
}

#[test]
fn a_missing_journal_is_noticed() {
    assert!(check_files(&[&batch(4), &batch(6)], 6).is_err());
}

#[test]
fn a_journal_with_another_name_is_refused() {
    let dir = tempfile::tempdir().expect("temporary directory");
    std::fs::write(dir.path().join("one.jnl"), batch(1)).expect("write");
    assert!(check(dir.path(), None).is_err());
}

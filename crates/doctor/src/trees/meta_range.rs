//! A metarange: what it says of its ranges, in order.

use std::sync::Arc;

use bytes::Bytes;
use lakehold_block::StorageNamespace;
use lakehold_sstable::Table;
use prost::Message as _;

use crate::exam::Exam;
use crate::id::Id;
use crate::records::RangeData;
use crate::trees::table;
use crate::trees::table::Fault;
use crate::trees::value::Value;

/// What a metarange says of a range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) id: Id,
    /// Its first key.
    pub(super) min: Bytes,
    /// Its last key.
    pub(super) max: Bytes,
    /// Number of its records.
    pub(super) count: u64,
    /// Its size in bytes as its writer estimated it.
    pub(super) estimated_size: u64,
}

/// Reads the metarange `id`.
pub(super) async fn read(
    exam: &Exam<'_>,
    namespace: &StorageNamespace,
    id: Id,
) -> Result<Vec<Listed>, Fault> {
    let proven = table::read(exam, namespace, id, "metaranges").await?;
    let listed = exam.runtime.blocking(move || list(&proven.table)).await;
    listed.map_err(Fault::Corrupt)
}

/// The ranges it lists, which must ascend and not overlap.
fn list(table: &Arc<Table>) -> Result<Vec<Listed>, String> {
    let mut ranges: Vec<Listed> = Vec::new();
    let mut records = table.cursor();
    while let Some((key, stored)) = records.next().map_err(|error| error.to_string())? {
        let range = decode(key, stored)?;
        if ranges.last().is_some_and(|before| before.max >= range.min) {
            return Err(format!("range {} overlaps the one before it", range.id));
        }
        ranges.push(range);
    }
    Ok(ranges)
}

fn decode(key: Bytes, stored: Bytes) -> Result<Listed, String> {
    let value = Value::decode(stored)?;
    let name = String::from_utf8_lossy(&value.identity);
    let id = Id::parse(&name).ok_or_else(|| format!("{name:?} is no name of a range"))?;
    let said = RangeData::decode(value.data).map_err(|error| error.to_string())?;
    if !said.max_key.is_empty() && said.max_key != key {
        return Err(format!("range {id} is listed under another key than its last"));
    }
    let min = if said.min_key.is_empty() { key.clone() } else { said.min_key };
    if min > key {
        return Err(format!("range {id} ends before it begins"));
    }
    let count = u64::try_from(said.count);
    let count = count.map_err(|_| format!("range {id} has {} records", said.count))?;
    Ok(Listed { id, min, max: key, count, estimated_size: said.estimated_size })
}

#[cfg(test)]
mod tests {
    use lakehold_sstable::TableWriter;

    use super::*;

    fn reference(id: &str, min: &str, max: &str, count: i64) -> Vec<u8> {
        let said = RangeData {
            min_key: min.to_owned().into(),
            max_key: max.to_owned().into(),
            estimated_size: 7,
            count,
        };
        let mut stored = Vec::new();
        for part in [id.as_bytes(), &said.encode_to_vec()] {
            prost::encoding::encode_varint(part.len() as u64 * 2, &mut stored);
            stored.extend_from_slice(part);
        }
        stored
    }

    fn listed(records: &[(&str, Vec<u8>)]) -> Result<Vec<Listed>, String> {
        let mut writer = TableWriter::new(&[("type", "metaranges")]);
        for (key, value) in records {
            writer.append(key.as_bytes(), value).expect("in order");
        }
        list(&Arc::new(Table::open(writer.finish().bytes).expect("a table")))
    }

    #[test]
    fn ranges_are_listed_as_they_are_said_to_be() {
        let id = "ab".repeat(32);
        let ranges =
            listed(&[("b", reference(&id, "a", "b", 2)), ("c", reference(&id, "", "", 1))]);
        let ranges = ranges.expect("whole");
        assert_eq!(
            (&ranges[0].min[..], &ranges[0].max[..], ranges[0].count),
            (&b"a"[..], &b"b"[..], 2)
        );
        assert_eq!(ranges[1].min, "c", "a range of one key may be written without its first");
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let id = "ab".repeat(32);
        let refused = |records: &[(&str, Vec<u8>)]| listed(records).expect_err("refused");
        let overlapping = [("c", reference(&id, "a", "c", 3)), ("d", reference(&id, "b", "d", 3))];
        assert!(refused(&overlapping).contains("overlaps"));
        assert!(refused(&[("b", reference(&id, "c", "b", 1))]).contains("ends before"));
        assert!(refused(&[("b", reference(&id, "a", "c", 1))]).contains("another key"));
        assert!(refused(&[("b", reference(&id, "a", "b", -1))]).contains("-1 records"));
        assert!(refused(&[("b", reference("ab", "a", "b", 1))]).contains("no name"));
        assert!(refused(&[("b", b"\x01".to_vec())]).contains("identity"));
    }
}

//! An object as a row of an answer, written from its record straight into the answer.
//!
//! A page has a thousand rows of nine fields, most of them texts without anything to escape. So rows
//! are written by hand, with a test that what is written is what the contract calls `ObjectStats`.

use lakehold_catalog::Metadata;
use lakehold_catalog::Object;
use lakehold_catalog::PresignedUrl;

use super::DEFAULT_MEDIA_TYPE;
use crate::json;

/// About how many bytes a row has, beside its texts.
pub(super) const ROW_BYTES: usize = 200;

/// An object, shown as `ObjectStats` of the contract.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ObjectRow<'a> {
    object: &'a Object,
    physical_address: &'a str,
    /// When the physical address ends, in seconds since 1970.
    expiry: Option<i64>,
    content_type: &'a str,
    metadata: Shown,
}

/// What a row says of user metadata.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    /// All, also where there is none.
    Always,
    /// All, or nothing where there is none.
    IfAny,
    /// That there is none, whether or not that is so.
    AsEmpty,
    /// Nothing.
    Never,
}

impl<'a> ObjectRow<'a> {
    /// The object with its metadata.
    pub(crate) fn new(object: &'a Object) -> Self {
        Self {
            object,
            physical_address: &object.physical_address,
            expiry: None,
            content_type: media_type(object),
            metadata: Shown::Always,
        }
    }

    /// As the answer of a stat: without its metadata the object looks as if it had none.
    pub(crate) fn in_stat(object: &'a Object, with_metadata: bool) -> Self {
        let metadata = if with_metadata { Shown::Always } else { Shown::AsEmpty };
        Self { metadata, ..Self::new(object) }
    }

    /// As a row of a listing.
    pub(crate) fn in_list(object: &'a Object, with_metadata: bool) -> Self {
        let metadata = if with_metadata { Shown::IfAny } else { Shown::Never };
        Self { metadata, ..Self::new(object) }
    }

    /// Without a word of metadata.
    pub(crate) fn without_metadata(self) -> Self {
        Self { metadata: Shown::Never, ..self }
    }

    /// With the media type as it was given, even if it was not.
    pub(crate) fn as_given(self) -> Self {
        Self { content_type: &self.object.content_type, ..self }
    }

    /// With its address as the caller wrote it.
    pub(crate) fn at(self, physical_address: &'a str) -> Self {
        Self { physical_address, ..self }
    }

    /// With a URL, if there is one, in place of its address.
    pub(super) fn signed(self, url: Option<&'a PresignedUrl>) -> Self {
        match url {
            Some(PresignedUrl { url, expires }) => {
                Self { physical_address: url, expiry: Some(expires.seconds), ..self }
            }
            None => self,
        }
    }

    /// The row as an answer of its own, without the newline at its end.
    pub(crate) fn into_json(self) -> Vec<u8> {
        let texts = self.object.path.len() + self.physical_address.len();
        let mut out = Vec::with_capacity(ROW_BYTES + texts);
        self.write(&mut out);
        out
    }

    /// Appends the row.
    pub(super) fn write(self, out: &mut Vec<u8>) {
        let object = self.object;
        out.extend_from_slice(b"{\"path\":");
        json::text(out, &object.path);
        out.extend_from_slice(b",\"path_type\":\"object\",\"physical_address\":");
        json::text(out, self.physical_address);
        if let Some(expiry) = self.expiry {
            out.extend_from_slice(b",\"physical_address_expiry\":");
            json::number(out, expiry);
        }
        out.extend_from_slice(b",\"checksum\":");
        json::text(out, &object.checksum);
        out.extend_from_slice(b",\"size_bytes\":");
        json::number(out, object.size);
        out.extend_from_slice(b",\"mtime\":");
        json::number(out, object.modified.seconds);
        match self.metadata {
            Shown::Always => write_metadata(out, &object.metadata),
            Shown::IfAny if !object.metadata.is_empty() => write_metadata(out, &object.metadata),
            Shown::AsEmpty => write_metadata(out, &Metadata::new()),
            Shown::IfAny | Shown::Never => {}
        }
        out.extend_from_slice(b",\"content_type\":");
        json::text(out, self.content_type);
        out.push(b'}');
    }
}

fn write_metadata(out: &mut Vec<u8>, metadata: &Metadata) {
    out.extend_from_slice(b",\"metadata\":{");
    for (place, (key, value)) in metadata.iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        json::text(out, key);
        out.push(b':');
        json::text(out, value);
    }
    out.push(b'}');
}

/// Appends a common prefix, shown as `ObjectStats` too. Clients insist on the fields that mean nothing
/// here.
pub(super) fn write_prefix(out: &mut Vec<u8>, prefix: &str) {
    out.extend_from_slice(b"{\"path\":");
    json::text(out, prefix);
    out.extend_from_slice(
        b",\"path_type\":\"common_prefix\",\"physical_address\":\"\",\"checksum\":\"\",\"mtime\":0}",
    );
}

/// The media type that readers of an object are told.
pub(crate) fn media_type(object: &Object) -> &str {
    match object.content_type.as_str() {
        "" => DEFAULT_MEDIA_TYPE,
        given => given,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use lakehold_api_types::ObjectStats;
    use lakehold_api_types::PathType;
    use lakehold_catalog::Address;
    use lakehold_catalog::Timestamp;
    use proptest::prelude::*;
    use serde_json::Value;
    use serde_json::json;

    fn object() -> Object {
        Object {
            path: "a/\"b\"".to_owned(),
            physical_address: "mem://lake/data/x".to_owned(),
            checksum: "c".to_owned(),
            size: 3,
            modified: Timestamp::from_seconds(1_600_000_000),
            metadata: [("k".to_owned(), "v".to_owned())].into(),
            content_type: String::new(),
            address: Address::Full("mem://lake/data/x".into()),
        }
    }

    fn read(row: ObjectRow<'_>) -> ObjectStats {
        serde_json::from_slice(&row.into_json()).expect("the contract's ObjectStats")
    }

    #[test]
    fn metadata_is_shown_as_each_operation_always_did() {
        let object = object();
        let metadata = |row: ObjectRow<'_>| {
            let row: Value = serde_json::from_slice(&row.into_json()).expect("JSON");
            row["metadata"].clone()
        };
        assert_eq!(metadata(ObjectRow::in_stat(&object, true)), json!({"k": "v"}));
        assert_eq!(metadata(ObjectRow::in_stat(&object, false)), json!({}));
        assert_eq!(metadata(ObjectRow::in_list(&object, true)), json!({"k": "v"}));
        assert_eq!(metadata(ObjectRow::in_list(&object, false)), json!(null));
    }

    #[test]
    fn a_url_stands_in_the_place_of_the_address_and_says_when_it_ends() {
        let object = object();
        let url = "https://lake/x?a=b&c=d".to_owned();
        let signed = PresignedUrl { url, expires: Timestamp::from_seconds(1_700_000_000) };
        let read = |url| read(ObjectRow::in_list(&object, false).signed(url));
        let given = read(Some(&signed));
        assert_eq!(given.physical_address, "https://lake/x?a=b&c=d");
        assert_eq!(given.physical_address_expiry, Some(1_700_000_000));
        assert_eq!(read(None).physical_address, "mem://lake/data/x");
        assert_eq!(read(None).physical_address_expiry, None);
    }

    #[test]
    fn a_common_prefix_is_what_the_contract_calls_object_stats() {
        let mut out = Vec::new();
        write_prefix(&mut out, "a\\/");
        let read: ObjectStats = serde_json::from_slice(&out).expect("ObjectStats");
        assert_eq!((read.path.as_str(), read.path_type), ("a\\/", PathType::CommonPrefix));
    }

    proptest! {
        #[test]
        fn a_row_is_what_the_contract_calls_object_stats(
            path: String,
            checksum: String,
            content_type: String,
            size in 0..i64::MAX as u64,
            seconds: i64,
            metadata in prop::collection::btree_map(any::<String>(), any::<String>(), 0..4),
        ) {
            let modified = Timestamp::from_seconds(seconds);
            let object =
                Object { path, checksum, content_type, size, modified, metadata, ..object() };
            let read = read(ObjectRow::new(&object));
            prop_assert_eq!(&read.path, &object.path);
            prop_assert_eq!(&read.physical_address, &object.physical_address);
            prop_assert_eq!(&read.checksum, &object.checksum);
            prop_assert_eq!(read.size_bytes, Some(object.size as i64));
            prop_assert_eq!(read.mtime, seconds);
            prop_assert_eq!(read.metadata.map(|it| it.0), Some(object.metadata.clone()));
            prop_assert_eq!(read.content_type.as_deref(), Some(media_type(&object)));
        }
    }
}

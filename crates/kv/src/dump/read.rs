//! From JSON to records, one at a time.
//!
//! `serde_json` reads a document whole or not at all. So the skeleton, an object of three fields, is
//! read here, and each string and record in it by `serde_json`, which stops right behind the quote or
//! brace that ends it.

use std::io::BufRead;
use std::io::Read as _;

use serde::de::DeserializeOwned;

use super::VERSION;
use super::form::Form;
use super::form::Record;
use super::load::LoadError;

/// No record is longer than this, in bytes of JSON; what is, is no dump.
const LONGEST_RECORD: u64 = 256 * 1024 * 1024;

/// Reads the records of a dump in their order, and at the end sees whether it was one.
#[derive(Debug)]
pub(super) struct Reader<R> {
    input: R,
    place: Place,
    version: Option<String>,
    entries_seen: bool,
    records: u64,
}

/// What is read next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Start,
    Fields { first: bool },
    Entries { first: bool },
    End,
}

impl<R: BufRead> Reader<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input, place: Place::Start, version: None, entries_seen: false, records: 0 }
    }

    /// Returns the next record, or `None` at the end of a dump that is whole.
    pub(super) fn next(&mut self) -> Result<Option<Record>, LoadError> {
        loop {
            match self.place {
                Place::Start => {
                    self.expect(b'{')?;
                    self.place = Place::Fields { first: true };
                }
                Place::Fields { first } => self.field(first)?,
                Place::Entries { first } => {
                    if let Some(record) = self.record(first)? {
                        return Ok(Some(record));
                    }
                }
                Place::End => return self.end().map(|()| None),
            }
        }
    }

    /// Reads a field of the document, up to the records if it is theirs.
    fn field(&mut self, first: bool) -> Result<(), LoadError> {
        if self.goes_on(first, b'}')? {
            let name: String = self.value()?;
            self.expect(b':')?;
            self.place = Place::Fields { first: false };
            match name.as_str() {
                "version" => self.version = Some(self.value()?),
                "timestamp" => drop(self.value::<String>()?),
                "entries" if !self.entries_seen => self.begin_entries()?,
                other => return Err(self.malformed(format!("unexpected field {other:?}"))),
            }
        } else {
            self.place = Place::End;
        }
        Ok(())
    }

    fn begin_entries(&mut self) -> Result<(), LoadError> {
        self.entries_seen = true;
        if self.peek()? == Some(b'n') {
            return b"null".iter().try_for_each(|&byte| self.expect(byte));
        }
        self.expect(b'[')?;
        self.place = Place::Entries { first: true };
        Ok(())
    }

    fn record(&mut self, first: bool) -> Result<Option<Record>, LoadError> {
        if !self.goes_on(first, b']')? {
            self.place = Place::Fields { first: false };
            return Ok(None);
        }
        if self.peek()? != Some(b'{') {
            return Err(self.malformed("expected a record"));
        }
        let form: Form = self.value()?;
        let record = form.into_record().map_err(|reason| self.malformed(reason))?;
        self.records += 1;
        self.place = Place::Entries { first: false };
        Ok(Some(record))
    }

    fn end(&mut self) -> Result<(), LoadError> {
        if self.peek()?.is_some() {
            return Err(self.malformed("something follows the end of the dump"));
        }
        match &self.version {
            Some(version) if version == VERSION => Ok(()),
            Some(version) => Err(LoadError::Version(version.clone())),
            None => Err(self.malformed("the dump has no version")),
        }
    }

    /// Whether another element follows, or the list ends here with `end`.
    fn goes_on(&mut self, first: bool, end: u8) -> Result<bool, LoadError> {
        if self.peek()? == Some(end) {
            self.input.consume(1);
            return Ok(false);
        }
        if !first {
            self.expect(b',')?;
        }
        Ok(true)
    }

    fn expect(&mut self, byte: u8) -> Result<(), LoadError> {
        if self.peek()? != Some(byte) {
            let expected = char::from(byte);
            return Err(self.malformed(format!("expected {expected:?}")));
        }
        self.input.consume(1);
        Ok(())
    }

    /// A string or an object. A number would be read one byte too far.
    fn value<T: DeserializeOwned>(&mut self) -> Result<T, LoadError> {
        if !matches!(self.peek()?, Some(b'"' | b'{')) {
            return Err(self.malformed("expected a text"));
        }
        let limited = self.input.by_ref().take(LONGEST_RECORD);
        let parsed = T::deserialize(&mut serde_json::Deserializer::from_reader(limited));
        parsed.map_err(|error| match error.io_error_kind() {
            Some(kind) => LoadError::Read(kind.into()),
            None => self.malformed(error.to_string()),
        })
    }

    /// The next byte that is no white space, left where it is; `None` at the end.
    fn peek(&mut self) -> Result<Option<u8>, LoadError> {
        loop {
            match self.input.fill_buf()?.first() {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.input.consume(1),
                next => return Ok(next.copied()),
            }
        }
    }

    fn malformed(&self, reason: impl Into<String>) -> LoadError {
        LoadError::Malformed { after: self.records, reason: reason.into() }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &[u8]) -> Result<Vec<Record>, LoadError> {
        // A small buffer: every place is at its end sometime.
        let mut reader = Reader::new(std::io::BufReader::with_capacity(3, text));
        let mut records = Vec::new();
        while let Some(record) = reader.next()? {
            records.push(record);
        }
        Ok(records)
    }

    const TWO: &str = r#"{"version":"1.0","timestamp":"2026-01-31T12:00:00Z","entries":[
        {"partition":"p","key":"a","value":"MQ=="} , {"key":"b","value":"Mg==","partition":"p"}]}"#;

    #[test]
    fn records_are_read_in_order_in_any_layout() {
        let records = read(TWO.as_bytes()).expect("a dump");
        let found: Vec<_> =
            records.iter().map(|record| (&record.key[..], &record.value[..])).collect();
        assert_eq!(found, [(&b"a"[..], &b"1"[..]), (&b"b"[..], &b"2"[..])]);
        let other = "\n{ \"entries\" :\t[ ] ,\r\n\"version\" : \"1.0\" } \n";
        assert_eq!(read(other.as_bytes()).expect("a dump"), []);
        assert_eq!(read(br#"{"version":"1.0","entries":null}"#).expect("a dump"), []);
        assert_eq!(read(br#"{"version":"1.0","timestamp":""}"#).expect("a dump"), []);
    }

    #[test]
    fn what_is_no_dump_is_refused() {
        for (text, reason) in [
            ("", "expected '{'"),
            ("{}", "no version"),
            (r#"{"version":"1.0"} {"#, "something follows"),
            (r#"{"version":1}"#, "expected a text"),
            (r#"{"version":"1.0","more":"x"}"#, "unexpected field \"more\""),
            (r#"{"version":"1.0","entries":[],"entries":[]}"#, "unexpected field \"entries\""),
            (r#"{"version":"1.0","entries":["x"]}"#, "expected a record"),
            (r#"{"version":"1.0" "entries":[]}"#, "expected ','"),
        ] {
            let refused = read(text.as_bytes()).expect_err(text).to_string();
            assert!(refused.contains(reason), "{text}: {refused}");
        }
        let version = read(br#"{"version":"2.0"}"#);
        assert!(matches!(version, Err(LoadError::Version(found)) if found == "2.0"));
    }

    #[test]
    fn a_dump_that_is_cut_off_is_refused_wherever_that_is() {
        for length in 0..TWO.len() {
            read(&TWO.as_bytes()[..length]).expect_err("the last brace is missing");
        }
    }

    #[test]
    fn an_error_says_behind_which_record_it_is() {
        let text = TWO.replace("Mg==", "?");
        let refused = read(text.as_bytes()).expect_err("not base64");
        assert!(matches!(refused, LoadError::Malformed { after: 1, .. }), "{refused}");
    }

    proptest! {
        #[test]
        fn a_changed_byte_is_an_error_or_another_dump(at in 0..TWO.len(), byte: u8) {
            let mut changed = TWO.as_bytes().to_vec();
            changed[at] = byte;
            if let Ok(records) = read(&changed) {
                prop_assert!(records.len() <= 2);
            }
        }
    }
}

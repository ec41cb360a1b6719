//! From addresses to buckets and keys, and back.
//!
//! ```text
//! s3://bucket/lakes/sales  data/x   -> bucket, lakes/sales/data/x      relative
//! s3://bucket/lakes/sales/data/x    -> the same, as clients see it
//! s3://other//a%20b/../c/           -> other, /a%20b/../c/             full, verbatim
//! ```
//!
//! Keys are taken as they are: nothing is decoded, and slashes and dots mean nothing. Only the slashes
//! at the ends of a namespace do not count.

use std::fmt;

use lakehold_block::Address;
use lakehold_block::Error;
use lakehold_block::StorageNamespace;

const SCHEME: &str = "s3://";

const EXPECTED: &str = "expected s3://bucket/key";

/// The longest key that S3 takes, in bytes.
const LONGEST_KEY: usize = 1_024;

/// An object in a bucket, or the bucket where the key is empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) bucket: String,
    pub(crate) key: String,
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bucket, key } = self;
        write!(out, "{SCHEME}{bucket}/{key}")
    }
}

impl Place {
    /// The object that `address` names.
    pub(crate) fn of(address: &Address) -> Result<Self, Error> {
        let place = match address {
            Address::Relative { namespace, name } => {
                let mut place = Self::folder(namespace)?;
                place.key.push_str(name);
                place
            }
            Address::Full(uri) => parse(uri).ok_or_else(|| invalid(uri, EXPECTED))?,
        };
        if place.key.len() > LONGEST_KEY {
            return Err(invalid(address, "the key has more than 1024 bytes"));
        }
        if place.key.is_empty() {
            return Err(invalid(address, "the key is empty"));
        }
        Ok(place)
    }

    /// What all keys below `namespace` begin with: nothing, or a prefix and a slash.
    pub(crate) fn folder(namespace: &StorageNamespace) -> Result<Self, Error> {
        if namespace.scheme() != "s3" {
            return Err(invalid(namespace, "expected s3://bucket/prefix"));
        }
        let (bucket, prefix) = namespace.path().split_once('/').unwrap_or((namespace.path(), ""));
        check_bucket(bucket).map_err(|reason| invalid(namespace, reason))?;
        let prefix = prefix.trim_matches('/');
        let key = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
        Ok(Self { bucket: bucket.to_owned(), key })
    }

    /// What all keys of an import's `source` begin with: maybe nothing.
    pub(crate) fn source(source: &str) -> Result<Self, Error> {
        let path = source.strip_prefix(SCHEME).ok_or_else(|| invalid(source, EXPECTED))?;
        let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
        check_bucket(bucket).map_err(|reason| invalid(source, reason))?;
        Ok(Self { bucket: bucket.to_owned(), key: key.to_owned() })
    }

    /// The bucket.
    pub(crate) fn bucket(bucket: &str) -> Self {
        Self { bucket: bucket.to_owned(), key: String::new() }
    }
}

/// The address as clients see it.
pub(crate) fn show(address: &Address) -> String {
    match Place::of(address) {
        Ok(place) => place.to_string(),
        Err(_) => address.to_string(),
    }
}

/// What a client means by `physical`.
pub(crate) fn parse_physical(
    namespace: &StorageNamespace,
    physical: &str,
) -> Result<Address, Error> {
    let place = parse(physical).ok_or_else(|| invalid(physical, EXPECTED))?;
    check_bucket(&place.bucket).map_err(|reason| invalid(physical, reason))?;
    let folder = Place::folder(namespace)?;
    match place.key.strip_prefix(&folder.key).filter(|name| !name.is_empty()) {
        Some(name) if place.bucket == folder.bucket => Ok(Address::relative(namespace, name)),
        _ => Ok(Address::Full(physical.into())),
    }
}

fn parse(uri: &str) -> Option<Place> {
    let (bucket, key) = uri.strip_prefix(SCHEME)?.split_once('/')?;
    let place = Place { bucket: bucket.to_owned(), key: key.to_owned() };
    (!place.key.is_empty() && check_bucket(bucket).is_ok()).then_some(place)
}

/// Checks what must never become part of a host name or path; what S3 makes of the rest it says itself.
fn check_bucket(bucket: &str) -> Result<(), &'static str> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    let is_name = bucket.bytes().all(allowed) && bucket.starts_with(|c: char| c.is_alphanumeric());
    if is_name && (3..=255).contains(&bucket.len()) {
        return Ok(());
    }
    Err("the bucket's name must have 3 to 255 letters, digits, dots, hyphens and underscores")
}

fn invalid(address: impl fmt::Display, reason: &'static str) -> Error {
    Error::InvalidAddress { address: address.to_string(), reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    use proptest::prelude::*;

    fn namespace(text: &str) -> StorageNamespace {
        StorageNamespace::from_stored(text)
    }

    fn place(bucket: &str, key: &str) -> Place {
        Place { bucket: bucket.to_owned(), key: key.to_owned() }
    }

    #[test]
    fn a_name_is_a_key_below_the_prefix() {
        for (text, key) in [
            ("s3://lake/main", "main/data/x"),
            ("s3://lake/main/", "main/data/x"),
            ("s3://lake//main//", "main/data/x"),
            ("s3://lake", "data/x"),
            ("s3://lake/", "data/x"),
            ("s3://lake/a//b", "a//b/data/x"),
        ] {
            let address = Address::relative(&namespace(text), "data/x");
            assert_eq!(Place::of(&address).unwrap(), place("lake", key), "{text}");
        }
    }

    #[test]
    fn full_addresses_are_verbatim() {
        for key in ["a//b", "dir/", "../up", "a%20b", "a#b?c+d", "/lead", "ü", "."] {
            let uri = format!("s3://other/{key}");
            let address = Address::Full(uri.as_str().into());
            assert_eq!(Place::of(&address).unwrap(), place("other", key));
            assert_eq!(show(&address), uri);
        }
    }

    #[test]
    fn only_what_lies_below_the_namespace_is_relative() {
        let main = namespace("s3://lake/main");
        let relative = |name: &str| Address::relative(&main, name);
        let parsed = |text: &str| parse_physical(&main, text).unwrap();
        assert_eq!(parsed("s3://lake/main/data/x"), relative("data/x"));
        assert_eq!(parsed("s3://lake/main//x"), relative("/x"));
        for other in ["s3://lake/main2/x", "s3://lake2/main/x", "s3://lake/main/", "s3://lake/x"] {
            assert_eq!(parsed(other), Address::Full(other.into()));
        }
    }

    #[test]
    fn a_source_is_any_beginning_of_keys() {
        for (text, key) in [
            ("s3://lake", ""),
            ("s3://lake/", ""),
            ("s3://lake/a%20#", "a%20#"),
            ("s3://lake//a/", "/a/"),
        ] {
            assert_eq!(Place::source(text).unwrap(), place("lake", key), "{text}");
        }
        for text in ["", "s3://", "gs://lake/x", "s3:///x", "local:///x"] {
            assert!(Place::source(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_names_no_object_is_refused() {
        for text in
            ["s3://", "s3://b", "s3://bucket", "s3://bucket/", "gs://bucket/x", "x", "s3://a b/c"]
        {
            let refused = parse_physical(&namespace("s3://lake/main"), text);
            assert!(matches!(refused, Err(Error::InvalidAddress { .. })), "{text}: {refused:?}");
        }
        for text in ["s3://", "s3:///x", "s3://ab", "gs://bucket", "s3://a/b", "s3://a@b.c/x"] {
            let refused = Place::folder(&namespace(text));
            assert!(matches!(refused, Err(Error::InvalidAddress { .. })), "{text}: {refused:?}");
        }
        let long = Address::relative(&namespace("s3://lake/main"), "x".repeat(1_020));
        assert!(Place::of(&long).is_err());
    }

    proptest! {
        /// Whatever is shown to a client comes back as what it was.
        #[test]
        fn a_shown_address_is_parsed_as_itself(name in ".{1,20}") {
            let main = namespace("s3://lake/main");
            let address = Address::relative(&main, name);
            prop_assert_eq!(parse_physical(&main, &show(&address)).unwrap(), address);
        }
    }
}

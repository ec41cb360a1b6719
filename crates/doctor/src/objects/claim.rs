//! What an entry says of the bytes of its object.

use lakehold_block::Address;
use lakehold_block::StorageNamespace;
use lakehold_clock::Xid;
use lakehold_kv::Record;
use xxhash_rust::xxh3::Xxh3;

use crate::records::EntryData;

/// Folder of object data below a namespace.
const DATA: &str = "data/";

/// How an address is to be read: the stored numbers.
const BY_LOOK: i32 = 0;
const RELATIVE: i32 = 1;
const FULL: i32 = 2;

/// What an entry says of the bytes of its object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Claim {
    pub(crate) address: Address,
    /// Number of bytes; of a damaged entry perhaps negative.
    pub(crate) size: i64,
    /// Checksum.
    pub(crate) e_tag: String,
}

impl Claim {
    /// Reads the stored form of an entry in `namespace`.
    ///
    /// Fails with a sentence where it is none.
    pub(crate) fn decode(namespace: &StorageNamespace, stored: &[u8]) -> Result<Self, String> {
        let entry = Record::<EntryData>::decode(stored).map_err(|error| {
            format!("What is stored of it is no entry: {}.", super::with_causes(&error))
        })?;
        let EntryData { address, address_type, size, e_tag, .. } = entry.message;
        if address.is_empty() {
            return Err("What is stored of it has no address.".to_owned());
        }
        let is_full = match address_type {
            BY_LOOK => has_scheme(&address),
            RELATIVE => false,
            FULL => true,
            other => return Err(format!("The type of its address is {other}, which is none.")),
        };
        let address = if is_full {
            Address::Full(address.into())
        } else {
            Address::relative(namespace, address)
        };
        Ok(Self { address, size, e_tag })
    }

    /// Whether the bytes should be below the repository's namespace.
    pub(crate) fn is_relative(&self) -> bool {
        matches!(self.address, Address::Relative { .. })
    }

    /// Whether a server named the address and computed the checksum. An address that was handed out has
    /// a signature after its name, and what was stored there a client described; of a full address
    /// whoever recorded it did.
    pub(crate) fn is_upload(&self) -> bool {
        let Address::Relative { name, .. } = &self.address else { return false };
        let parts = name.strip_prefix(DATA).and_then(|name| name.split_once('/'));
        parts.is_some_and(|(folder, name)| Xid::parse(folder).is_ok() && Xid::parse(name).is_ok())
    }

    /// A hash of all that is claimed.
    pub(crate) fn hash(&self, seed: u64) -> u64 {
        let mut hash = Xxh3::with_seed(seed);
        if let Address::Relative { namespace, .. } = &self.address {
            add(&mut hash, namespace.as_str());
        }
        let (Address::Relative { name, .. } | Address::Full(name)) = &self.address;
        add(&mut hash, name);
        add(&mut hash, &self.e_tag);
        hash.update(&self.size.to_le_bytes());
        hash.digest()
    }
}

/// Adds a text so that it cannot run into the next one.
fn add(hash: &mut Xxh3, text: &str) {
    hash.update(&(text.len() as u64).to_le_bytes());
    hash.update(text.as_bytes());
}

fn has_scheme(address: &str) -> bool {
    let Some((scheme, _)) = address.split_once("://") else { return false };
    let is_scheme_byte =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(is_scheme_byte)
}

#[cfg(test)]
mod tests {
    use prost::Message as _;

    use super::*;

    fn claim(address: &str, address_type: i32) -> Result<Claim, String> {
        let entry = EntryData {
            address: address.to_owned(),
            address_type,
            size: 3,
            ..EntryData::default()
        };
        Claim::decode(&StorageNamespace::from_stored("s3://lake/x"), &entry.encode_to_vec())
    }

    #[test]
    fn an_address_is_read_as_its_type_says() {
        let shown = |address, kind| claim(address, kind).expect("valid").address.to_string();
        assert_eq!(shown("data/a", 1), "s3://lake/x/data/a");
        assert_eq!(shown("s3://b/k", 2), "s3://b/k");
        assert_eq!(shown("s3://b/k", 0), "s3://b/k");
        assert_eq!(shown("0a1b", 0), "s3://lake/x/0a1b");
        assert!(claim("data/a", 3).expect_err("no type").contains("3"));
        assert!(claim("", 1).expect_err("no address").contains("no address"));
    }

    #[test]
    fn only_a_name_that_a_server_made_is_an_upload() {
        let folder = "data/ft6npo9ksdudatmrrng0";
        let is_upload = |name: &str| claim(name, 1).expect("valid").is_upload();
        assert!(is_upload(&format!("{folder}/dc0ochpksdudatmrt7kg")));
        assert!(!is_upload(&format!("{folder}/dc0ochpksdudatmrt7kg,c2lnbmF0dXJl")));
        assert!(!is_upload("data/dc0ochpksdudatmrt7kg"));
        assert!(!claim("s3://b/data/x/y", 2).expect("valid").is_upload());
    }
}

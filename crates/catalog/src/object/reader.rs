//! Reading stored values as objects.

use lakehold_block::Address;
use lakehold_engine::Repository;
use lakehold_engine::Value;

use super::Object;
use super::address;
use super::corrupt;
use super::entry::EntryView;
use crate::Catalog;
use crate::Result;

/// Reads stored values of one repository as objects.
#[derive(Debug)]
pub(super) struct ObjectReader<'a> {
    catalog: &'a Catalog,
    repository: &'a Repository,
    /// What the physical address of every name below the namespace begins with, where it is worth
    /// knowing: in every block store that address is this prefix and the name.
    prefix: Option<String>,
}

impl<'a> ObjectReader<'a> {
    /// A reader for one object or two.
    pub(super) fn new(catalog: &'a Catalog, repository: &'a Repository) -> Self {
        Self { catalog, repository, prefix: None }
    }

    /// A reader for many.
    pub(super) fn for_page(catalog: &'a Catalog, repository: &'a Repository) -> Self {
        let below = Address::relative(&repository.storage_namespace, "");
        let prefix = Some(catalog.blocks().physical_address(&below));
        Self { catalog, repository, prefix }
    }

    /// What a stored value says of the object at `path`.
    pub(super) fn read(&self, path: String, value: &Value) -> Result<Object> {
        match EntryView::decode(&value.data) {
            Ok(entry) => self.object_of(path, &entry),
            Err(error) => Err(corrupt(self.repository, &path, error.into())),
        }
    }

    /// What an entry says of the object at `path`.
    pub(super) fn object_of(&self, path: String, entry: &EntryView<'_>) -> Result<Object> {
        let namespace = &self.repository.storage_namespace;
        let address = address::from_entry(namespace, entry.address, entry.address_type)
            .map_err(|error| corrupt(self.repository, &path, error.into()))?;
        let own = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        Ok(Object {
            path,
            physical_address: self.physical_address(&address),
            checksum: entry.e_tag.to_owned(),
            size: u64::try_from(entry.size).unwrap_or(0),
            modified: entry.last_modified,
            metadata: entry.metadata.iter().map(own).collect(),
            content_type: entry.content_type.to_owned(),
            address,
        })
    }

    fn physical_address(&self, address: &Address) -> String {
        match (&self.prefix, address) {
            (Some(prefix), Address::Relative { name, .. }) => [prefix, &**name].concat(),
            _ => address::shown(self.catalog.blocks(), &self.repository.storage_namespace, address),
        }
    }
}

//! From addresses to files and back.
//!
//! ```text
//! local://lakes/sales  data/x/y      -> <root>/lakes/sales/data/x/y     relative
//! local://<root>/lakes/sales/data/x/y -> the same file                  as clients see it
//! local:///srv/import/file           -> /srv/import/file                full, if allowed
//! ```
//!
//! Paths are compared component by component, never as text: `/data` does not allow `/database`. A
//! component that a file system would resolve (`.`, `..`, an empty one) is refused, so no address
//! leads out of its folder and no file has two addresses.

use std::fmt;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use crate::Address;
use crate::Error;
use crate::StorageNamespace;

/// What the addresses of this store begin with.
const SCHEME: &str = "local://";

/// File systems take no longer name.
const LONGEST_COMPONENT: usize = 255;

const TRAVERSAL: &str = "bad path traversal blocked";

/// A file that an address names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Below the root: the path from there, clean.
    Inside(Arc<str>),
    /// Below one of the allowed folders outside.
    Outside(PathBuf),
}

/// The folders of a store.
#[derive(Debug)]
pub(super) struct Places {
    /// Absolute, without a slash at its end.
    root: String,
    external: Vec<PathBuf>,
}

impl Places {
    /// `root` and `external` must be absolute.
    pub(super) fn new(root: &Path, external: Vec<PathBuf>) -> Result<Self, Error> {
        let text = root.to_str().ok_or_else(|| Error::InvalidAddress {
            address: root.display().to_string(),
            reason: "the path of the block folder must be UTF-8",
        })?;
        Ok(Self { root: text.trim_end_matches('/').to_owned(), external })
    }

    /// The file that `address` names.
    pub(super) fn locate(&self, address: &Address) -> Result<Place, Error> {
        let placed = match address {
            Address::Relative { namespace, name } => self.below(namespace, name),
            Address::Full(uri) => return self.locate_full(uri),
        };
        placed.map(Place::Inside).map_err(|reason| invalid(address, reason))
    }

    fn locate_full(&self, uri: &str) -> Result<Place, Error> {
        let path = uri
            .strip_prefix(SCHEME)
            .filter(|path| path.starts_with('/'))
            .ok_or_else(|| invalid(uri, "expected local:///path"))?;
        check_components(&path[1..]).map_err(|reason| invalid(uri, reason))?;
        if let Some(inside) = strip_folder(path, &self.root) {
            return Ok(Place::Inside(inside.into()));
        }
        let path = Path::new(path);
        if self.external.iter().any(|allowed| path != allowed && path.starts_with(allowed)) {
            return Ok(Place::Outside(path.to_owned()));
        }
        Err(Error::Forbidden(uri.to_owned()))
    }

    /// The folder that `uri` names, for an import: the root, one of the allowed folders, or a folder
    /// below one of them. A slash at its end does not count.
    pub(super) fn locate_folder(&self, uri: &str) -> Result<PathBuf, Error> {
        let path = uri
            .strip_prefix(SCHEME)
            .filter(|path| path.starts_with('/'))
            .ok_or_else(|| invalid(uri, "expected local:///path"))?;
        let path = path.trim_end_matches('/');
        if !path.is_empty() {
            check_components(&path[1..]).map_err(|reason| invalid(uri, reason))?;
        }
        let path = PathBuf::from(if path.is_empty() { "/" } else { path });
        match self.areas().any(|area| path.starts_with(area)) {
            true => Ok(path),
            false => Err(Error::Forbidden(uri.to_owned())),
        }
    }

    /// Fails with [`Error::Forbidden`] where `path`, all of whose links are resolved, lies outside the
    /// root and the allowed folders.
    pub(super) fn check_resolved(&self, path: &Path, uri: &str) -> Result<(), Error> {
        let resolved = self.areas().filter_map(|area| area.canonicalize().ok());
        match resolved.into_iter().any(|area| path.starts_with(area)) {
            true => Ok(()),
            false => Err(Error::Forbidden(format!("{uri}, which leads to {}", path.display()))),
        }
    }

    /// The root and the allowed folders.
    fn areas(&self) -> impl Iterator<Item = &Path> {
        let root = if self.root.is_empty() { "/" } else { &self.root };
        std::iter::once(Path::new(root)).chain(self.external.iter().map(PathBuf::as_path))
    }

    /// What `path` is below the root, if it is there.
    pub(super) fn inside<'a>(&self, path: &'a str) -> Option<&'a str> {
        strip_folder(path, &self.root)
    }

    /// The path of `name` in the folder of `namespace`, from the root.
    fn below(&self, namespace: &StorageNamespace, name: &str) -> Result<Arc<str>, &'static str> {
        check_components(name)?;
        let mut path = String::with_capacity(namespace.as_str().len() + name.len() + 1);
        push_folder(&mut path, namespace)?;
        if !path.is_empty() {
            path.push('/');
        }
        path.push_str(name);
        Ok(path.into())
    }

    /// The folder of `namespace`, from the root.
    pub(super) fn folder(&self, namespace: &StorageNamespace) -> Result<String, Error> {
        let mut path = String::new();
        push_folder(&mut path, namespace).map_err(|reason| invalid(namespace, reason))?;
        Ok(path)
    }

    /// Checks a namespace that somebody wants to use from now on.
    pub(super) fn check_namespace(&self, namespace: &StorageNamespace) -> Result<(), Error> {
        let checked = match namespace.scheme() {
            "local" => check_components(namespace.path()),
            _ => Err("expected local://name"),
        };
        checked.map_err(|reason| invalid(namespace, reason))
    }

    /// The address as clients see it.
    pub(super) fn show(&self, address: &Address) -> String {
        match address {
            Address::Relative { namespace, name } => {
                // Not by `format!`, which takes five times as long: every row of a listing has one.
                [SCHEME, &self.root, "/", namespace.path(), "/", name].concat()
            }
            Address::Full(uri) => uri.to_string(),
        }
    }

    /// What a client means by `physical`.
    pub(super) fn parse(
        &self,
        namespace: &StorageNamespace,
        physical: &str,
    ) -> Result<Address, Error> {
        let own = namespace.as_str().trim_end_matches('/');
        if let Some(name) = strip_folder(physical, own) {
            return self.parse_name(namespace, name, physical);
        }
        let path = physical
            .strip_prefix(SCHEME)
            .ok_or_else(|| invalid(physical, "expected local://name"))?;
        if !path.starts_with('/') {
            return Err(invalid(physical, "neither an absolute path nor below the namespace"));
        }
        let folder = self.folder(namespace)?;
        let inside = strip_folder(path, &self.root);
        if let Some(name) = inside.and_then(|inside| strip_folder(inside, &folder)) {
            return self.parse_name(namespace, name, physical);
        }
        self.locate_full(physical).map(|_| Address::Full(physical.into()))
    }

    fn parse_name(
        &self,
        namespace: &StorageNamespace,
        name: &str,
        physical: &str,
    ) -> Result<Address, Error> {
        self.below(namespace, name).map_err(|reason| invalid(physical, reason))?;
        Ok(Address::relative(namespace, name))
    }

    /// The path of a file or folder below the root.
    pub(super) fn path(&self, inside: &str) -> PathBuf {
        let mut path = String::with_capacity(self.root.len() + 1 + inside.len());
        path.push_str(&self.root);
        path.push('/');
        path.push_str(inside);
        path.into()
    }

    /// The path of `place`.
    pub(super) fn path_of(&self, place: &Place) -> PathBuf {
        match place {
            Place::Inside(inside) => self.path(inside),
            Place::Outside(path) => path.clone(),
        }
    }
}

/// What follows `folder` and a slash in `path`, if that is not nothing.
fn strip_folder<'a>(path: &'a str, folder: &str) -> Option<&'a str> {
    path.strip_prefix(folder)?.strip_prefix('/').filter(|rest| !rest.is_empty())
}

/// Appends the folder of `namespace` to `path`.
///
/// An older server may have taken a namespace with a doubled slash: it has always meant a single one.
fn push_folder(path: &mut String, namespace: &StorageNamespace) -> Result<(), &'static str> {
    if namespace.scheme() != "local" {
        return Err("expected local://name");
    }
    for component in namespace.path().split('/').filter(|component| !component.is_empty()) {
        check_component(component)?;
        if !path.is_empty() {
            path.push('/');
        }
        path.push_str(component);
    }
    Ok(())
}

/// Checks that each component of `path` can be the name of a file.
fn check_components(path: &str) -> Result<(), &'static str> {
    path.split('/').try_for_each(check_component)
}

fn check_component(component: &str) -> Result<(), &'static str> {
    if matches!(component, "" | "." | "..") || component.contains('\0') {
        return Err(TRAVERSAL);
    }
    if component.len() > LONGEST_COMPONENT {
        return Err("a name between slashes has more than 255 bytes");
    }
    Ok(())
}

fn invalid(address: impl fmt::Display, reason: &'static str) -> Error {
    Error::InvalidAddress { address: address.to_string(), reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    use proptest::prelude::*;

    fn places() -> Places {
        Places::new(Path::new("/lake/block"), vec![PathBuf::from("/srv/import")]).unwrap()
    }

    fn sales() -> StorageNamespace {
        StorageNamespace::parse("local://lakes/sales").unwrap()
    }

    fn reason(result: Result<impl fmt::Debug, Error>) -> &'static str {
        match result {
            Err(Error::InvalidAddress { reason, .. }) => reason,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_relative_address_is_a_file_below_its_namespace() {
        let address = Address::relative(&sales(), "data/x/y#1%2F?");
        let place = places().locate(&address).unwrap();
        assert_eq!(places().path_of(&place), Path::new("/lake/block/lakes/sales/data/x/y#1%2F?"));
        assert_eq!(places().show(&address), "local:///lake/block/lakes/sales/data/x/y#1%2F?");
    }

    #[test]
    fn both_spellings_of_an_address_below_the_namespace_are_relative() {
        let expected = Address::relative(&sales(), "data/x/y,sig");
        for spelling in
            ["local:///lake/block/lakes/sales/data/x/y,sig", "local://lakes/sales/data/x/y,sig"]
        {
            assert_eq!(places().parse(&sales(), spelling).unwrap(), expected, "{spelling}");
        }
    }

    #[test]
    fn a_namespace_whose_name_goes_on_is_another_one() {
        let other = "local:///lake/block/lakes/sales2/data/x";
        assert_eq!(places().parse(&sales(), other).unwrap(), Address::Full(other.into()));
        assert!(reason(places().parse(&sales(), "local://lakes/sales2/x")).contains("neither"));
    }

    #[test]
    fn an_address_of_neither_form_is_refused() {
        assert!(reason(places().parse(&sales(), "local://elsewhere/x")).contains("neither"));
        assert!(reason(places().parse(&sales(), "local://lakes/sales")).contains("neither"));
        assert!(reason(places().parse(&sales(), "local://lakes/sales/")).contains("neither"));
        assert!(reason(places().parse(&sales(), "s3://bucket/x")).contains("local://"));
    }

    #[test]
    fn outside_the_root_only_allowed_folders_are_reached() {
        let allowed = "local:///srv/import/a/b";
        assert_eq!(places().parse(&sales(), allowed).unwrap(), Address::Full(allowed.into()));
        for elsewhere in [
            "local:///srv/imported/a",
            "local:///srv/import",
            "local:///lake/block2/a",
            "local:///lake/block",
            "local:///etc/passwd",
        ] {
            let refused = places().parse(&sales(), elsewhere);
            assert!(matches!(refused, Err(Error::Forbidden(_))), "{elsewhere}: {refused:?}");
        }
    }

    #[test]
    fn no_address_climbs() {
        for path in ["/lake/block/../x", "/srv/import/../x", "/lake/block/a//b", "/lake/block/./a"]
        {
            assert_eq!(reason(places().parse(&sales(), &format!("local://{path}"))), TRAVERSAL);
        }
        for name in ["../x", "a/../x", "", "a/", "/a", "a//b", "nul\0"] {
            let address = Address::relative(&sales(), name);
            assert_eq!(reason(places().locate(&address)), TRAVERSAL, "{name}");
        }
        for text in ["local://..", "local://a/../b", "local://", "local://a//b"] {
            let namespace = StorageNamespace::parse(text).unwrap();
            assert_eq!(reason(places().check_namespace(&namespace)), TRAVERSAL, "{text}");
        }
    }

    #[test]
    fn a_stored_namespace_with_a_doubled_slash_stays_readable() {
        let namespace = StorageNamespace::from_stored("local:///lakes//old/");
        let place = places().locate(&Address::relative(&namespace, "x")).unwrap();
        assert_eq!(place, Place::Inside("lakes/old/x".into()));
    }

    proptest! {
        /// Whatever is shown to a client comes back as what it was.
        #[test]
        fn a_shown_address_is_parsed_as_itself(name in "[a-z.%, /]{1,20}") {
            let address = Address::relative(&sales(), name);
            let shown = places().show(&address);
            match places().parse(&sales(), &shown) {
                Ok(parsed) => prop_assert_eq!(parsed, address),
                Err(_) => prop_assert!(places().locate(&address).is_err()),
            }
        }

        /// Whatever a client sends, what is taken lies below the root or an allowed folder.
        #[test]
        fn what_is_taken_lies_where_it_may(text in "(/lake/block|/srv/import|/|lakes/sales/)[a-z./]{0,12}") {
            if let Ok(address) = places().parse(&sales(), &format!("local://{text}")) {
                let path = places().path_of(&places().locate(&address).unwrap());
                let inside = path.starts_with("/lake/block") || path.starts_with("/srv/import");
                prop_assert!(inside && !path.components().any(|part| part.as_os_str() == ".."));
            }
        }
    }
}

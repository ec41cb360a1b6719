//! The files below a folder, in byte order of their full names.
//!
//! A name's components are not what it is ordered by: `a-b` comes before `a/b`, and `a0` after it.
//! Giving every folder the slash that follows it in a name, before its entries are sorted, puts them
//! right. One folder of each level is held in memory at a time.

use std::collections::BTreeSet;
use std::fs;
use std::fs::DirEntry;
use std::io;
use std::path::Path;

use crate::Error;
use crate::Listed;
use crate::local::directories::is_absent;
use crate::local::journal::Journal;
use crate::local::multipart::is_part;
use crate::local::place::Places;
use crate::local::read;

/// What is wanted of a listing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'a> {
    /// Names begin with this.
    pub(super) prefix: &'a str,
    /// Names are greater than this.
    pub(super) after: &'a str,
    /// At most so many.
    pub(super) limit: usize,
    /// The uploads whose parts are no objects.
    pub(super) uploads: &'a BTreeSet<String>,
}

impl Wanted<'_> {
    /// Whether `name` is one of them.
    pub(super) fn takes(&self, name: &str) -> bool {
        name > self.after && name.starts_with(self.prefix)
    }

    /// Whether a folder may have some, whose name and slash are `folder`.
    fn enters(&self, folder: &str) -> bool {
        let may_begin = folder.starts_with(self.prefix) || self.prefix.starts_with(folder);
        let may_follow = folder > self.after || self.after.starts_with(folder);
        may_begin && may_follow
    }
}

/// Returns what is wanted in `folder` of the store, in its place or not yet.
pub(super) fn page(
    places: &Places,
    journal: &Journal,
    folder: &str,
    wanted: Wanted<'_>,
) -> Result<Vec<Listed>, Error> {
    let mut listed = Vec::new();
    let mut last = wanted.after.to_owned();
    loop {
        let limit = wanted.limit - listed.len();
        let names = next_names(places, journal, folder, Wanted { after: &last, limit, ..wanted })?;
        let is_last = names.len() < limit || limit == 0;
        for name in &names {
            let place = if folder.is_empty() { name } else { &format!("{folder}/{name}") };
            // First the journal: the file of a body that is in it may be only half there.
            let head = match journal.head(place) {
                Some(head) => Some(head),
                None => read::head(&places.path(place))?,
            };
            listed.extend(head.map(|head| Listed { name: name.clone(), head }));
        }
        match names.last() {
            // Some have vanished: others fill the page.
            Some(name) if !is_last && listed.len() < wanted.limit => last.clone_from(name),
            _ => return Ok(listed),
        }
    }
}

fn next_names(
    places: &Places,
    journal: &Journal,
    folder: &str,
    wanted: Wanted<'_>,
) -> Result<Vec<String>, Error> {
    // First the journal, then the files: what leaves the one meanwhile is in the other.
    let mut names = journal.names(folder, wanted);
    visit(&places.path(folder), "", wanted, &mut names, 0)?;
    names.sort_unstable();
    names.dedup();
    names.truncate(wanted.limit);
    Ok(names)
}

/// Adds the names of the files in `folder`, of which `base` is the name, until there are `limit`.
fn visit(
    folder: &Path,
    base: &str,
    wanted: Wanted<'_>,
    names: &mut Vec<String>,
    found: usize,
) -> Result<usize, Error> {
    let entries =
        entries(folder, base, wanted).map_err(|error| Error::from_io(folder.display(), error))?;
    let mut found = found;
    for name in entries {
        if found >= wanted.limit {
            break;
        }
        match name.strip_suffix('/') {
            Some(inner) => {
                let inner = folder.join(&inner[base.len()..]);
                found = visit(&inner, &name, wanted, names, found)?;
            }
            None => {
                names.push(name);
                found += 1;
            }
        }
    }
    Ok(found)
}

/// The full names of the entries of `folder` that are wanted or lead to what is, in order.
fn entries(folder: &Path, base: &str, wanted: Wanted<'_>) -> io::Result<Vec<String>> {
    let mut entries = Vec::new();
    let all = match fs::read_dir(folder) {
        Ok(all) => all,
        // A folder that vanishes meanwhile has nothing that must be listed.
        Err(error) if is_absent(&error) => return Ok(entries),
        Err(error) => return Err(error),
    };
    for entry in all {
        entries.extend(full_name(&entry?, base, wanted)?);
    }
    entries.sort_unstable();
    Ok(entries)
}

fn full_name(entry: &DirEntry, base: &str, wanted: Wanted<'_>) -> io::Result<Option<String>> {
    // No address is spelled with anything but UTF-8.
    let Some(name) = entry.file_name().to_str().map(|name| format!("{base}{name}")) else {
        return Ok(None);
    };
    if entry.file_type()?.is_dir() {
        let name = name + "/";
        return Ok(wanted.enters(&name).then_some(name));
    }
    let is_object = !is_part(&name[base.len()..], wanted.uploads);
    Ok((is_object && wanted.takes(&name)).then_some(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    use proptest::prelude::*;

    fn names(folder: &Path, prefix: &str, after: &str, limit: usize) -> Vec<String> {
        let mut names = Vec::new();
        let uploads = BTreeSet::new();
        let wanted = Wanted { prefix, after, limit, uploads: &uploads };
        visit(folder, "", wanted, &mut names, 0).unwrap();
        names
    }

    fn store(folder: &Path, name: &str) -> bool {
        let path = folder.join(name);
        path.parent().is_some_and(|parent| fs::create_dir_all(parent).is_ok())
            && !path.exists()
            && fs::write(&path, name).is_ok()
    }

    #[test]
    fn a_slash_sorts_where_its_byte_does() {
        let home = tempfile::tempdir().unwrap();
        for name in ["a/b", "a-b", "a0", "a", "b/c/d", "b/c-d"] {
            // A file system cannot have both `a` and `a/b`.
            store(home.path(), name);
        }
        assert_eq!(names(home.path(), "", "", 10), ["a-b", "a/b", "a0", "b/c-d", "b/c/d"]);
    }

    #[test]
    fn a_folder_that_is_not_there_has_no_files() {
        let home = tempfile::tempdir().unwrap();
        assert!(names(&home.path().join("none"), "", "", 10).is_empty());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Any page of any listing is what an ordered set of names says.
        #[test]
        fn a_page_is_what_an_ordered_set_has(
            names in prop::collection::vec("[ab.0/-]{1,6}", 0..20),
            prefix in "[ab.0/-]{0,3}",
            after in "[ab.0/-]{0,4}",
            limit in 0..8_usize,
        ) {
            let home = tempfile::tempdir().unwrap();
            let clean = |name: &&String| {
                name.split('/').all(|part| !matches!(part, "" | "." | ".."))
            };
            let stored: BTreeSet<String> = names
                .iter()
                .filter(clean)
                .filter(|name| store(home.path(), name))
                .cloned()
                .collect();

            let expected: Vec<String> = stored
                .into_iter()
                .filter(|name| name.starts_with(&prefix) && *name > after)
                .take(limit)
                .collect();
            prop_assert_eq!(super::tests::names(home.path(), &prefix, &after, limit), expected);
        }
    }
}

//! What an import finds: files below the root or below a folder that the operator allows.
//!
//! A folder is walked in byte order of the full names below it (see [`listing`](super::listing)), some
//! hundred files at a time; the names of one folder of each level are held in memory. Whoever can write
//! into such a folder decides what its links lead to, so links are not followed blindly:
//!
//! | entry | what becomes of it |
//! | --- | --- |
//! | regular file | it is listed |
//! | folder | it is walked |
//! | link to a regular file below the root or an allowed folder | the file is listed, under the link's name |
//! | link elsewhere, or to nothing, or to a folder | the listing fails, and says where |
//! | pipe, socket, device | left out: it holds no bytes that stay |
//! | name with a dot at its begin | left out, unless `import_hidden` |
//! | name that is not UTF-8 | the listing fails: no address can spell it |
//!
//! Whether a link still leads there when an object is read is not looked at.

use std::collections::BTreeSet;
use std::fs;
use std::fs::FileType;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use futures::StreamExt as _;
use futures::TryStreamExt as _;
use futures::stream;
use futures::stream::BoxStream;

use crate::Address;
use crate::BlockStore as _;
use crate::Error;
use crate::Head;
use crate::SourceObject;
use crate::local::LocalBlockStore;
use crate::local::directories::is_absent;
use crate::local::journal::Journal;
use crate::local::multipart::is_part;
use crate::local::place::Places;
use crate::local::read;

/// Files looked at in one go.
const FILES_AT_A_TIME: usize = 256;

/// A folder that is being walked.
struct Walk {
    places: Arc<Places>,
    journal: Arc<Journal>,
    /// The uploads whose parts are no objects.
    uploads: BTreeSet<String>,
    takes_hidden: bool,
    /// Absolute, without a slash at its end.
    folder: String,
    /// What is still to come at each level, the next at the end: full names below the folder, those of
    /// folders with a slash at their end.
    levels: Vec<Vec<String>>,
}

impl LocalBlockStore {
    pub(super) fn listed_source<'a>(
        &'a self,
        source: &'a str,
    ) -> BoxStream<'a, Result<SourceObject, Error>> {
        let pages = stream::once(self.begin_walk(source))
            .map_ok(|walk| stream::try_unfold(walk, |walk| self.next_files(walk)))
            .try_flatten();
        pages.map_ok(|files| stream::iter(files).map(Ok)).try_flatten().boxed()
    }

    async fn begin_walk(&self, source: &str) -> Result<Walk, Error> {
        let folder = self.places.locate_folder(source)?;
        // What is only in the journal yet would not be met.
        self.journal.drain().await?;
        let (places, journal) = (self.places.clone(), self.journal.clone());
        let (uploads, takes_hidden) = (self.multipart.ids(), self.import_hidden);
        let source = source.to_owned();
        let begin = move || {
            check_folder(&places, &folder, &source)?;
            let folder = folder.to_str().unwrap_or_default().trim_end_matches('/').to_owned();
            let mut walk =
                Walk { places, journal, uploads, takes_hidden, folder, levels: Vec::new() };
            walk.enter("")?;
            Ok(walk)
        };
        self.runtime.blocking(begin).await
    }

    async fn next_files(&self, walk: Walk) -> Result<Option<(Vec<SourceObject>, Walk)>, Error> {
        let mut walk = walk;
        let next = self.runtime.blocking(move || walk.next_files().map(|files| (files, walk)));
        let (files, walk) = next.await?;
        Ok((!files.is_empty()).then_some((files, walk)))
    }

    pub(super) async fn found_source(&self, uri: &str) -> Result<Option<SourceObject>, Error> {
        let address = Address::Full(uri.into());
        let path = self.places.path_of(&self.places.locate(&address)?);
        let (places, link) = (self.places.clone(), uri.to_owned());
        self.runtime.blocking(move || check_file(&places, &path, &link)).await?;
        let head = self.head(&address).await?;
        let found =
            |head| SourceObject { uri: uri.to_owned(), name: String::new(), head, etag: None };
        Ok(head.map(found))
    }
}

impl Walk {
    /// The next files; none after the last.
    fn next_files(&mut self) -> Result<Vec<SourceObject>, Error> {
        let mut files = Vec::new();
        while files.len() < FILES_AT_A_TIME {
            let Some(level) = self.levels.last_mut() else { break };
            match level.pop() {
                Some(name) if name.ends_with('/') => self.enter(&name)?,
                Some(name) => files.extend(self.file(name)?),
                None => drop(self.levels.pop()),
            }
        }
        Ok(files)
    }

    /// Goes into the folder that `name`, empty or with a slash at its end, is below this one.
    fn enter(&mut self, name: &str) -> Result<(), Error> {
        let path = self.path(name.trim_end_matches('/'));
        let mut names = Vec::new();
        let failed = |error| Error::from_io(path.display(), error);
        let entries = match fs::read_dir(&path) {
            // A folder that vanishes meanwhile has nothing that must be listed.
            Err(error) if is_absent(&error) => return Ok(()),
            entries => entries.map_err(failed)?,
        };
        for entry in entries {
            let entry = entry.map_err(failed)?;
            let own = entry.file_name();
            let Some(own) = own.to_str() else {
                return Err(unspeakable(&entry.path()));
            };
            let kind = entry.file_type().map_err(failed)?;
            names.extend(self.wanted(name, own, kind));
        }
        names.sort_unstable_by(|one: &String, other| other.cmp(one));
        self.levels.push(names);
        Ok(())
    }

    /// The full name of an entry, if it is wanted.
    fn wanted(&self, base: &str, own: &str, kind: FileType) -> Option<String> {
        if own.starts_with('.') && !self.takes_hidden {
            return None;
        }
        if kind.is_dir() {
            return Some(format!("{base}{own}/"));
        }
        let is_file = kind.is_file() || kind.is_symlink();
        (is_file && !is_part(own, &self.uploads)).then(|| format!("{base}{own}"))
    }

    /// The file of that name; `None` where it has vanished.
    fn file(&self, name: String) -> Result<Option<SourceObject>, Error> {
        let path = self.path(&name);
        let uri = format!("local://{}/{name}", self.folder);
        let head = self.head(&path, &uri)?;
        Ok(head.map(|head| SourceObject { uri, name, head, etag: None }))
    }

    fn head(&self, path: &Path, uri: &str) -> Result<Option<Head>, Error> {
        // The file of a body that is in the journal may be only half there.
        let inside = path.to_str().and_then(|path| self.places.inside(path));
        if let Some(head) = inside.and_then(|place| self.journal.head(place)) {
            return Ok(Some(head));
        }
        check_file(&self.places, path, uri)?;
        read::head(path)
    }

    fn path(&self, name: &str) -> PathBuf {
        match (self.folder.as_str(), name) {
            ("", "") => PathBuf::from("/"),
            (folder, "") => PathBuf::from(folder),
            (folder, name) => PathBuf::from(format!("{folder}/{name}")),
        }
    }
}

/// Fails where there is no folder at `path`, or it leads out of where imports may go.
fn check_folder(places: &Places, path: &Path, source: &str) -> Result<(), Error> {
    let resolved = path.canonicalize().map_err(|error| missing(source, path, error))?;
    places.check_resolved(&resolved, source)?;
    match resolved.is_dir() {
        true => Ok(()),
        false => Err(Error::InvalidAddress {
            address: source.to_owned(),
            reason: "a prefix must be a folder here",
        }),
    }
}

/// Fails where `path` is a link that leads out of where imports may go, or not to a file. What is not
/// there is no error.
fn check_file(places: &Places, path: &Path, uri: &str) -> Result<(), Error> {
    match fs::symlink_metadata(path) {
        Ok(found) if !found.is_symlink() => return Ok(()),
        Err(error) if is_absent(&error) => return Ok(()),
        found => found.map_err(|error| Error::from_io(path.display(), error))?,
    };
    let resolved = path.canonicalize().map_err(|error| missing(uri, path, error))?;
    places.check_resolved(&resolved, uri)?;
    match resolved.is_file() {
        true => Ok(()),
        false => Err(Error::InvalidAddress {
            address: uri.to_owned(),
            reason: "a link to what is no file cannot be imported",
        }),
    }
}

fn missing(uri: &str, path: &Path, error: io::Error) -> Error {
    match is_absent(&error) {
        true => Error::NotFound(uri.to_owned()),
        false => Error::from_io(path.display(), error),
    }
}

fn unspeakable(path: &Path) -> Error {
    Error::InvalidAddress {
        address: path.display().to_string(),
        reason: "its name is not UTF-8, so no address can spell it",
    }
}

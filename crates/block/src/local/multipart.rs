//! Uploads in parts: what is known of them, and their parts as files.
//!
//! A part is the plain file `<namespace>/<upload id>-<number, five digits>`, where an existing
//! installation has it, too. An upload itself is a small file in the journal's folder that says which
//! place it is for. An upload without one that has parts was begun by an earlier server; it is taken
//! as what it claims to be.
//!
//! A part's entity tag is the MD5 of its bytes. It is remembered together with the file it was
//! computed of, so that completing an upload does not read everything once more; after a restart it
//! is computed anew.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::HashMap;
use std::fs;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::io::Write as _;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;

use lakehold_clock::Runtime;
use lakehold_clock::uuid_v4;
use md5::Digest as _;
use md5::Md5;

use crate::Error;
use crate::Head;
use crate::StoredPart;
use crate::UploadId;
use crate::local::directories::is_absent;
use crate::local::directories::sync_folder;
use crate::local::place::Places;
use crate::local::read;
use crate::local::read::FileIdentity;

/// Length of an upload's id: the hexadecimal digits of a UUID.
const ID_LENGTH: usize = 32;

/// Digits of a part's number in its file's name.
const NUMBER_DIGITS: usize = 5;

/// More remembered entity tags than this are forgotten, all at once.
const MAX_REMEMBERED: usize = 65_536;

/// The uploads in parts of a local store. Everything but [`Multipart::ids`] may block.
#[derive(Debug)]
pub(super) struct Multipart {
    folder: PathBuf,
    /// The place that each upload is for.
    uploads: Mutex<BTreeMap<String, Arc<str>>>,
    /// The entity tags of parts, by place, and of which file.
    etags: Mutex<HashMap<String, (FileIdentity, String)>>,
}

/// What an upload is for and where its parts are.
#[derive(Clone, Debug)]
pub(super) struct Upload {
    pub(super) id: UploadId,
    /// The place of the object.
    pub(super) place: Arc<str>,
    /// The folder of the parts, from the root.
    pub(super) folder: String,
}

/// A part as it lies on the disk.
#[derive(Debug)]
pub(super) struct PartFile {
    pub(super) path: PathBuf,
    pub(super) identity: FileIdentity,
    pub(super) head: Head,
    pub(super) stored: StoredPart,
}

impl PartFile {
    /// The file, unless it is no more the same one.
    pub(super) fn open(self) -> Result<Option<File>, Error> {
        let Some(file) = read::open(&self.path)? else { return Ok(None) };
        let identity = FileIdentity::of(&file);
        let identity = identity.map_err(|error| Error::from_io(self.path.display(), error))?;
        Ok((identity == self.identity).then_some(file))
    }
}

impl Upload {
    /// The place of part `number`.
    pub(super) fn part(&self, number: u32) -> String {
        let name = format!("{}-{number:0NUMBER_DIGITS$}", self.id);
        if self.folder.is_empty() { name } else { format!("{}/{name}", self.folder) }
    }

    fn not_found(&self) -> Error {
        Error::UploadNotFound(self.id.to_string())
    }
}

impl Multipart {
    /// Makes `folder` if it is not there, and reads which uploads there are.
    pub(super) fn open(folder: PathBuf) -> Result<Self, Error> {
        let failed = |error| Error::from_io(folder.display(), error);
        fs::create_dir_all(&folder).map_err(failed)?;
        let uploads = read_uploads(&folder).map_err(failed)?;
        Ok(Self { folder, uploads: Mutex::new(uploads), etags: Mutex::default() })
    }

    /// Begins an upload for `place`, for good.
    pub(super) fn create(&self, runtime: &Runtime, place: Arc<str>) -> Result<UploadId, Error> {
        let id = uuid_v4(runtime).replace('-', "");
        let path = self.folder.join(&id);
        let written = OpenOptions::new().write(true).create_new(true).open(&path);
        let written = written.and_then(|mut file| {
            file.write_all(place.as_bytes())?;
            file.sync_all()
        });
        written.map_err(|error| Error::from_io(path.display(), error))?;
        sync_folder(&self.folder)?;
        let upload = UploadId::from_stored(&id);
        lock(&self.uploads).insert(id, place);
        Ok(upload)
    }

    /// The ids of all uploads that this server knows.
    pub(super) fn ids(&self) -> BTreeSet<String> {
        lock(&self.uploads).keys().cloned().collect()
    }

    /// Fails with [`Error::UploadNotFound`] where there is no such upload.
    pub(super) fn check(&self, upload: &Upload, places: &Places) -> Result<(), Error> {
        if !is_id(upload.id.as_str()) {
            return Err(upload.not_found());
        }
        let place = lock(&self.uploads).get(upload.id.as_str()).cloned();
        let exists = match place {
            Some(place) => place == upload.place,
            None => !numbers(upload, places)?.is_empty(),
        };
        if exists { Ok(()) } else { Err(upload.not_found()) }
    }

    /// Remembers the entity tag of the part at `place`, which is this file.
    pub(super) fn remember(&self, place: String, identity: FileIdentity, etag: String) {
        let mut etags = lock(&self.etags);
        if etags.len() >= MAX_REMEMBERED {
            etags.clear();
        }
        etags.insert(place, (identity, etag));
    }

    /// At most `limit` parts of `upload` with numbers greater than `after`.
    pub(super) fn parts(
        &self,
        upload: &Upload,
        places: &Places,
        after: u32,
        limit: usize,
    ) -> Result<BTreeMap<u32, PartFile>, Error> {
        let mut parts = BTreeMap::new();
        for number in numbers(upload, places)?.into_iter().filter(|number| *number > after) {
            if parts.len() == limit {
                break;
            }
            if let Some(part) = self.part(upload, places, number)? {
                parts.insert(number, part);
            }
        }
        Ok(parts)
    }

    fn part(
        &self,
        upload: &Upload,
        places: &Places,
        number: u32,
    ) -> Result<Option<PartFile>, Error> {
        let place = upload.part(number);
        let path = places.path(&place);
        let failed = |error| Error::from_io(path.display(), error);
        let Some(file) = read::open(&path)? else { return Ok(None) };
        let identity = FileIdentity::of(&file).map_err(failed)?;
        let Some(head) = read::head_of_open(&path, &file)? else { return Ok(None) };
        let remembered = lock(&self.etags).get(&place).cloned();
        let etag = match remembered {
            Some((same, etag)) if same == identity => etag,
            _ => {
                let etag = md5_of(file).map_err(failed)?;
                self.remember(place, identity, etag.clone());
                etag
            }
        };
        let stored = StoredPart { etag, size: head.size };
        Ok(Some(PartFile { path, identity, head, stored }))
    }

    /// Removes `upload` and its parts. What a crash leaves of it can be removed again.
    pub(super) fn remove(&self, upload: &Upload, places: &Places) -> Result<(), Error> {
        for number in numbers(upload, places)? {
            let place = upload.part(number);
            let path = places.path(&place);
            remove_file(&path)?;
            lock(&self.etags).remove(&place);
        }
        let folder = places.path(&upload.folder);
        if folder.exists() {
            sync_folder(&folder)?;
        }
        remove_file(&self.folder.join(upload.id.as_str()))?;
        sync_folder(&self.folder)?;
        lock(&self.uploads).remove(upload.id.as_str());
        Ok(())
    }
}

/// Whether `name`, without its folder, is a part of one of `uploads`.
pub(super) fn is_part(name: &str, uploads: &BTreeSet<String>) -> bool {
    let parts = name.split_at_checked(ID_LENGTH);
    parts.is_some_and(|(id, rest)| number_of(rest).is_some() && uploads.contains(id))
}

/// The number in what follows the id in a part's name.
fn number_of(rest: &str) -> Option<u32> {
    let digits = rest.strip_prefix('-').filter(|digits| digits.len() == NUMBER_DIGITS)?;
    digits.bytes().all(|digit| digit.is_ascii_digit()).then(|| digits.parse().ok())?
}

fn is_id(text: &str) -> bool {
    text.len() == ID_LENGTH && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// The numbers of the parts of `upload`.
fn numbers(upload: &Upload, places: &Places) -> Result<BTreeSet<u32>, Error> {
    let folder = places.path(&upload.folder);
    let numbers = || {
        let mut numbers = BTreeSet::new();
        for entry in fs::read_dir(&folder)? {
            let name = entry?.file_name();
            let rest = name.to_str().and_then(|name| name.strip_prefix(upload.id.as_str()));
            numbers.extend(rest.and_then(number_of));
        }
        Ok(numbers)
    };
    match numbers() {
        Err(error) if is_absent(&error) => Ok(BTreeSet::new()),
        numbers => numbers.map_err(|error| Error::from_io(folder.display(), error)),
    }
}

fn read_uploads(folder: &Path) -> io::Result<BTreeMap<String, Arc<str>>> {
    let mut uploads = BTreeMap::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if let Some(id) = entry.file_name().to_str().filter(|id| is_id(id)) {
            // One that is not whole was never acknowledged, and is for no place that there is.
            let place = String::from_utf8_lossy(&fs::read(entry.path())?).into_owned();
            uploads.insert(id.to_owned(), place.into());
        }
    }
    Ok(uploads)
}

fn remove_file(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(error) if !is_absent(&error) => Err(Error::from_io(path.display(), error)),
        _ => Ok(()),
    }
}

fn md5_of(mut file: File) -> io::Result<String> {
    let mut md5 = Md5::new();
    let mut buffer = vec![0; super::upload::CHUNK_BYTES];
    loop {
        match io::Read::read(&mut file, &mut buffer)? {
            0 => return Ok(hex::encode(md5.finalize())),
            read => md5.update(&buffer[..read]),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no code panics while holding the lock")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_parts_of_known_uploads_are_parts() {
        let id = "0123456789abcdef0123456789abcdef";
        let uploads = BTreeSet::from([id.to_owned()]);
        assert!(is_part(&format!("{id}-00001"), &uploads));
        for other in [
            id.to_owned(),
            format!("{id}-1"),
            format!("{id}-000001"),
            format!("{id}-0000x"),
            format!("{}-00001", "f".repeat(32)),
            "ü".repeat(30),
        ] {
            assert!(!is_part(&other, &uploads), "{other}");
        }
    }
}

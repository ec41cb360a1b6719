//! Uploads in parts, in memory.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::MutexGuard;

use bytes::Bytes;
use bytes::BytesMut;
use lakehold_clock::Runtime;
use lakehold_clock::Timestamp;
use lakehold_clock::uuid_v4;
use md5::Digest as _;
use md5::Md5;

use crate::CompletedPart;
use crate::Error;
use crate::Part;
use crate::StoredPart;
use crate::UploadId;
use crate::multipart;

/// The uploads in progress.
#[derive(Debug, Default)]
pub(super) struct Uploads(Mutex<BTreeMap<UploadId, Upload>>);

#[derive(Debug)]
struct Upload {
    address: String,
    parts: BTreeMap<u32, MemPart>,
}

#[derive(Debug)]
struct MemPart {
    bytes: Bytes,
    stored: StoredPart,
    modified: Timestamp,
}

impl Uploads {
    pub(super) fn create(&self, runtime: &Runtime, address: String) -> UploadId {
        let id = UploadId::from_stored(&uuid_v4(runtime).replace('-', ""));
        self.lock().insert(id.clone(), Upload { address, parts: BTreeMap::new() });
        id
    }

    /// Fails where there is no such upload.
    pub(super) fn check(&self, id: &UploadId, address: &str) -> Result<(), Error> {
        self.with(id, address, |_| Ok(()))
    }

    pub(super) fn put(
        &self,
        id: &UploadId,
        address: &str,
        number: u32,
        bytes: Bytes,
        modified: Timestamp,
    ) -> Result<StoredPart, Error> {
        let etag = hex::encode(Md5::digest(&bytes));
        let stored = StoredPart { etag, size: bytes.len() as u64 };
        let part = MemPart { bytes, stored: stored.clone(), modified };
        self.with(id, address, |upload| {
            upload.parts.insert(number, part);
            Ok(stored)
        })
    }

    pub(super) fn list(
        &self,
        id: &UploadId,
        address: &str,
        after: u32,
        limit: usize,
    ) -> Result<Vec<Part>, Error> {
        let part = |(number, part): (&u32, &MemPart)| Part {
            number: *number,
            stored: part.stored.clone(),
            modified: part.modified,
        };
        self.with(id, address, |upload| {
            let following = upload.parts.range(after.saturating_add(1)..);
            Ok(following.take(limit).map(part).collect())
        })
    }

    /// Ends the upload and returns the whole with its entity tag.
    pub(super) fn complete(
        &self,
        id: &UploadId,
        address: &str,
        chosen: &[CompletedPart],
    ) -> Result<(Bytes, String), Error> {
        let whole = self.with(id, address, |upload| upload.assemble(chosen))?;
        self.lock().remove(id);
        Ok(whole)
    }

    pub(super) fn abort(&self, id: &UploadId, address: &str) -> Result<(), Error> {
        self.check(id, address)?;
        self.lock().remove(id);
        Ok(())
    }

    fn with<T>(
        &self,
        id: &UploadId,
        address: &str,
        work: impl FnOnce(&mut Upload) -> Result<T, Error>,
    ) -> Result<T, Error> {
        match self.lock().get_mut(id) {
            Some(upload) if upload.address == address => work(upload),
            _ => Err(Error::UploadNotFound(id.to_string())),
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<UploadId, Upload>> {
        self.0.lock().expect("no code panics while holding the lock")
    }
}

impl Upload {
    fn assemble(&self, chosen: &[CompletedPart]) -> Result<(Bytes, String), Error> {
        let known = self.parts.iter().map(|(number, part)| (*number, part.stored.clone()));
        let selected = multipart::select_parts(chosen, &known.collect())?;
        let mut whole = BytesMut::new();
        for (number, _) in &selected {
            whole.extend_from_slice(&self.parts[number].bytes);
        }
        let etag = multipart::combined_etag(selected.iter().map(|(_, part)| part.etag.as_str()));
        Ok((whole.freeze(), etag))
    }
}

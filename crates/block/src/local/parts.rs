//! Uploads in parts, as operations: parts are stored, listed, put together, removed.

use std::collections::BTreeMap;
use std::fs::File;
use std::sync::Arc;

use crate::Address;
use crate::Body;
use crate::Completed;
use crate::CompletedPart;
use crate::Error;
use crate::Measured;
use crate::Part;
use crate::PartProblem;
use crate::StoredPart;
use crate::UploadId;
use crate::check_part_number;
use crate::local::LocalBlockStore;
use crate::local::directories;
use crate::local::multipart::PartFile;
use crate::local::multipart::Upload;
use crate::local::place::Place;
use crate::multipart::combined_etag;
use crate::select_parts;

impl LocalBlockStore {
    pub(super) async fn store_part(
        &self,
        address: &Address,
        upload: &UploadId,
        number: u32,
        body: Body,
    ) -> Result<StoredPart, Error> {
        check_part_number(number)?;
        let place = self.upload(address, upload).await?.part(number);
        self.journal.prepare(&place).await?;
        let written = self.uploads.write_hashed(Measured::new(body)).await?;
        let (etag, identity) = (written.etag(), written.identity()?);
        let size = self.uploads.finish(written, place.as_str().into(), ()).await?;
        self.multipart.remember(place, identity, etag.clone());
        Ok(StoredPart { etag, size })
    }

    pub(super) async fn listed_parts(
        &self,
        address: &Address,
        upload: &UploadId,
        after: u32,
        limit: usize,
    ) -> Result<Vec<Part>, Error> {
        let upload = self.upload(address, upload).await?;
        let parts = self.parts(&upload, after, limit).await?;
        let part = |(number, found): (u32, PartFile)| {
            let PartFile { stored, head, .. } = found;
            Part { number, stored, modified: head.modified }
        };
        Ok(parts.into_iter().map(part).collect())
    }

    pub(super) async fn complete(
        &self,
        address: &Address,
        upload: &UploadId,
        parts: &[CompletedPart],
    ) -> Result<Completed, Error> {
        let place = self.writable(address)?;
        let turn = Arc::new(self.turn(&place).await);
        let upload = self.upload(address, upload).await?;
        let files = self.parts(&upload, 0, usize::MAX).await?;
        let known = files.iter().map(|(number, file)| (*number, file.stored.clone()));
        let selected = select_parts(parts, &known.collect())?;
        let etag = combined_etag(selected.iter().map(|(_, part)| part.etag.as_str()));

        self.journal.prepare(&place).await?;
        let whole = self.uploads.concatenate(move || open_parts(selected, files)).await?;
        self.uploads.finish(whole, place.clone(), turn.clone()).await?;
        self.remove_upload(upload).await?;
        let found = self.find(&Place::Inside(place))?;
        let found = found.ok_or_else(|| Error::NotFound(address.to_string()))?;
        Ok(Completed { etag, head: found.head() })
    }

    pub(super) async fn abort(&self, address: &Address, upload: &UploadId) -> Result<(), Error> {
        let _turn = self.turn(&self.writable(address)?).await;
        let upload = self.upload(address, upload).await?;
        self.remove_upload(upload).await
    }

    /// The upload `id`, for `address`, if there is one.
    async fn upload(&self, address: &Address, id: &UploadId) -> Result<Upload, Error> {
        let place = self.writable(address)?;
        let folder = match address {
            Address::Relative { namespace, .. } => self.places.folder(namespace)?,
            Address::Full(_) => directories::folder_of(&place).to_owned(),
        };
        let upload = Upload { id: id.clone(), place, folder };
        let (multipart, places) = (self.multipart.clone(), self.places.clone());
        let check = move || multipart.check(&upload, &places).map(|()| upload);
        self.runtime.blocking(check).await
    }

    async fn parts(
        &self,
        upload: &Upload,
        after: u32,
        limit: usize,
    ) -> Result<BTreeMap<u32, PartFile>, Error> {
        let (multipart, places) = (self.multipart.clone(), self.places.clone());
        let upload = upload.clone();
        self.runtime.blocking(move || multipart.parts(&upload, &places, after, limit)).await
    }

    async fn remove_upload(&self, upload: Upload) -> Result<(), Error> {
        let (multipart, places) = (self.multipart.clone(), self.places.clone());
        self.runtime.blocking(move || multipart.remove(&upload, &places)).await
    }
}

/// Opens the `selected` of `files`, each when it is asked for.
fn open_parts(
    selected: Vec<(u32, StoredPart)>,
    mut files: BTreeMap<u32, PartFile>,
) -> impl Iterator<Item = Result<File, Error>> {
    selected.into_iter().map(move |(number, _)| {
        let file = files.remove(&number).map(|file| file.open()).transpose()?.flatten();
        // It was replaced since the entity tags were compared.
        file.ok_or(Error::InvalidPart { number, problem: PartProblem::Unknown })
    })
}

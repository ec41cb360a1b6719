//! Objects: written, looked at, copied, removed, listed.

use bytes::Bytes;
use lakehold_catalog::Body;
use lakehold_catalog::CopyRequest;
use lakehold_catalog::ErrorKind;
use lakehold_catalog::Listed;
use lakehold_catalog::Metadata;
use lakehold_catalog::Object;
use lakehold_catalog::Staged;
use lakehold_catalog::Upload;

use super::Again;
use super::Operation;
use super::Outcome;
use super::PLAIN;
use super::Refusal;
use super::at;
use super::branch;
use super::done;
use super::everything;
use super::lake_id;
use super::listed;
use super::operations;
use super::refused;
use crate::every_fault::lake::Lake;

pub(super) const OPERATIONS: &[Operation] = operations! {
    "upload", Again::Works => |lake| lake.upload("main", "staged", "2", false).await;
    "upload over what is committed", Again::Works => |lake| {
        lake.upload("main", "old", "2", false).await
    };
    "upload if absent", Again::Refused(ErrorKind::Precondition) => |lake| {
        lake.upload("main", "fresh", "1", true).await
    };
    "upload where something is", Again::Works => |lake| {
        refused(ErrorKind::Precondition, lake.upload("main", "old", "2", true).await)
    };
    "check an upload", Again::Works => |lake| {
        done(lake.catalog.check_upload(&lake_id(), &branch("main"), "fresh", true, false).await)
    };
    "stage", Again::Works => |lake| lake.stage("fresh", false).await;
    "stage if absent", Again::Refused(ErrorKind::Precondition) => |lake| {
        lake.stage("fresh", true).await
    };
    "link", Again::Works => |lake| {
        let (id, main) = (lake_id(), branch("main"));
        let address = lake.catalog.link_address(&id, &main, "linked").await?;
        let staged = staged("linked", address.physical_address, false);
        let linked = lake.catalog.link(&id, &main, staged).await?;
        Ok(shown(&linked))
    };
    "set metadata of an object", Again::Works => |lake| {
        let set = Metadata::from([("k".to_owned(), "v".to_owned())]);
        let main = branch("main");
        done(lake.catalog.set_user_metadata(&lake_id(), &main, "old", set, false).await)
    };
    "set metadata of nothing", Again::Works => |lake| {
        let (id, main, none) = (lake_id(), branch("main"), Metadata::new());
        let set = lake.catalog.set_user_metadata(&id, &main, "nothing", none, false);
        refused(ErrorKind::NotFound, set.await)
    };
    "delete", Again::Works => |lake| lake.delete(&["staged"], false).await;
    "delete what is committed", Again::Works => |lake| lake.delete(&["old"], false).await;
    "delete nothing", Again::Works => |lake| lake.delete(&["nothing"], false).await;
    "delete many", Again::Works => |lake| {
        lake.delete(&["old", "staged", "older", "nothing"], false).await
    };
    "delete without tombstones", Again::Works => |lake| {
        lake.delete(&["old", "staged"], true).await
    };
    "copy", Again::Works => |lake| {
        let request = CopyRequest {
            source_ref: at("dev"),
            source_path: "from-dev".to_owned(),
            destination_path: "copied".to_owned(),
            force: false,
        };
        let copied = lake.catalog.copy(&lake_id(), &branch("main"), request).await?;
        Ok(shown(&copied))
    };
    "get", Again::Works => |lake| lake.get("main", "old").await;
    "get what is staged", Again::Works => |lake| lake.get("main", "staged").await;
    "get from a tag", Again::Works => |lake| lake.get("v1", "old").await;
    "get what is not there", Again::Works => |lake| {
        refused(ErrorKind::NotFound, lake.get("main", "nothing").await)
    };
    "list", Again::Works => |lake| lake.list("main").await;
    "list what is committed", Again::Works => |lake| lake.list("dev@").await;
};

impl Lake {
    pub(super) async fn upload(
        &self,
        on: &str,
        path: &str,
        text: &str,
        if_absent: bool,
    ) -> Outcome {
        let upload = Upload {
            path: path.to_owned(),
            body: Body::from(Bytes::from(text.to_owned())),
            content_type: "text/plain".to_owned(),
            metadata: Metadata::new(),
            if_absent,
            force: false,
        };
        Ok(shown(&self.catalog.upload(&lake_id(), &branch(on), upload).await?))
    }

    async fn stage(&self, path: &str, if_absent: bool) -> Outcome {
        let staged = staged(path, format!("mem://elsewhere/{path}"), if_absent);
        Ok(shown(&self.catalog.stage(&lake_id(), &branch("main"), staged).await?))
    }

    async fn delete(&self, paths: &[&str], no_tombstone: bool) -> Outcome {
        let paths: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
        done(self.catalog.delete(&lake_id(), &branch("main"), &paths, no_tombstone, false).await)
    }

    async fn get(&self, reference: &str, path: &str) -> Outcome {
        let object = self.catalog.object(&lake_id(), &at(reference), path).await?;
        let body = self.catalog.open(&object, None).await?;
        let bytes = body.collect(1 << 20).await;
        let bytes = bytes.map_err(|error| Refusal::new(ErrorKind::Internal, &*error))?;
        Ok(format!("{} {}", shown(&object), String::from_utf8_lossy(&bytes)))
    }

    async fn list(&self, reference: &str) -> Outcome {
        let page = self.catalog.list_objects(&lake_id(), &at(reference), &everything()).await?;
        listed(&page.results, |row| match row {
            Listed::CommonPrefix(prefix) => prefix.clone(),
            Listed::Record(object) => shown(object),
        })
    }
}

pub(super) fn shown(object: &Object) -> String {
    format!("{} {} {}", object.path, object.checksum, object.size)
}

fn staged(path: &str, physical_address: String, if_absent: bool) -> Staged {
    Staged {
        path: path.to_owned(),
        physical_address,
        checksum: "abc".to_owned(),
        size: 3,
        modified: None,
        metadata: Metadata::new(),
        content_type: String::new(),
        if_absent,
        force: false,
    }
}

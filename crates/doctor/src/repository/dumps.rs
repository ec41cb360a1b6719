//! The last dump of references, as a file in the namespace tells of it.

use lakehold_block::Address;
use lakehold_block::Error;
use serde::Deserialize;

use crate::Kind;
use crate::Place;
use crate::id::Id;
use crate::objects::with_causes;
use crate::repository::RepositoryExam;
use crate::trees::Holder;
use crate::trees::Reach;
use crate::trees::Root;

/// Three ids and their names.
const LONGEST_MANIFEST: usize = 1 << 20;

/// The three tables of a dump.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Manifest {
    branches_meta_range_id: String,
    commits_meta_range_id: String,
    tags_meta_range_id: String,
}

impl RepositoryExam<'_> {
    /// The trees of the last dump, if there is one.
    pub(crate) async fn dumped_trees(&self) -> Vec<Root> {
        let name = format!("{}/refs_manifest.json", self.folder());
        let address = Address::relative(&self.repository.namespace, name);
        let body = match self.exam.blocks.get(&address, None).await {
            Ok(body) => body,
            Err(Error::NotFound(_)) => return Vec::new(),
            Err(error) => {
                self.tell_of_manifest(&address, Kind::StoreFailed, &with_causes(&error));
                return Vec::new();
            }
        };
        let manifest = match body.collect(LONGEST_MANIFEST).await {
            Ok(bytes) => serde_json::from_slice::<Manifest>(&bytes),
            Err(error) => {
                self.tell_of_manifest(&address, Kind::StoreFailed, &with_causes(&*error));
                return Vec::new();
            }
        };
        let manifest = manifest.unwrap_or_else(|error| {
            self.tell_of_manifest(&address, Kind::RecordUnreadable, &error.to_string());
            Manifest::default()
        });
        let tables = [
            manifest.branches_meta_range_id,
            manifest.commits_meta_range_id,
            manifest.tags_meta_range_id,
        ];
        let trees = tables.iter().filter_map(|table| Id::parse(table));
        let holder = Holder::File(address.to_string().into());
        trees.map(|tree| Root { tree, holder: holder.clone(), reach: Reach::Note }).collect()
    }

    fn tell_of_manifest(&self, address: &Address, kind: Kind, reason: &str) {
        let place = Place::default().with_address(address);
        self.add(kind, place, format!("The list of the last dump cannot be read: {reason}."));
    }
}

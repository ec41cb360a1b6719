//! Files where only servers write: tables that nothing names, names that nobody knows.
//!
//! A running server writes a table a moment before the record that names it, so what is young is left
//! alone.

use std::time::Duration;

use lakehold_block::Listed;
use lakehold_block::StorageNamespace;

use crate::DoctorError;
use crate::Finding;
use crate::Kind;
use crate::Place;
use crate::Stage;
use crate::exam::Exam;
use crate::id::Id;
use crate::objects::with_causes;
use crate::repository::list::Repository;
use crate::trees::Trees;

/// How many names are asked for at a time.
const PAGE: usize = 1_000;

/// The same in the namespace's own folder, of which mostly the first names are enough.
const SMALL_PAGE: usize = 50;

/// A table that was stored less than this ago may belong to a commit that is being made.
const YOUNG: Duration = Duration::from_secs(60 * 60);

/// An upload in parts that is older will hardly be completed.
const ABANDONED: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Partition of the uploads in parts that are under way.
const UPLOADS: &str = "multiparts";

/// Sorts after all names of servers: skips what is left of a folder.
const LAST: char = char::MAX;

/// Looks through the folders of `repository`'s namespace, whose tables are in `trees`.
pub(crate) async fn examine(
    exam: &Exam<'_>,
    trees: &Trees<'_>,
    repository: &Repository,
) -> Result<(), DoctorError> {
    exam.tell(Stage::Files, Some(&repository.id), 0, None);
    let files = Files { exam, repository, namespace: &repository.namespace };
    files.tables(trees).await;
    files.parts().await
}

struct Files<'a> {
    exam: &'a Exam<'a>,
    repository: &'a Repository,
    namespace: &'a StorageNamespace,
}

impl Files<'_> {
    /// The files directly in the folder of tables.
    async fn tables(&self, trees: &Trees<'_>) {
        let folder = format!("{}/", self.exam.options.table_folder);
        let mut names = Names { files: self, prefix: folder.clone(), after: String::new() };
        while let Some(page) = names.next(PAGE).await {
            self.exam.counters.table_files.add(page.len() as u64);
            for file in page {
                let name = &file.name[folder.len()..];
                let is_known = name == "dummy" || name.ends_with(".json");
                match Id::parse(name) {
                    Some(id) if trees.names(id) || !self.is_older(&file, YOUNG) => {}
                    Some(_) => {
                        self.add(Kind::TableUnreferenced, &file, "Nothing leads to this table.");
                    }
                    None if is_known => {}
                    None => self.add(
                        Kind::UnknownFile,
                        &file,
                        "Other programs take every file in this folder for a table and fail.",
                    ),
                }
            }
        }
    }

    /// Parts of uploads, which the other server keeps directly in the namespace.
    async fn parts(&self) -> Result<(), DoctorError> {
        let mut names = Names { files: self, prefix: String::new(), after: String::new() };
        while let Some(page) = names.next(SMALL_PAGE).await {
            for file in page {
                let Some(upload) = upload_of(&file.name) else { continue };
                let is_known = self.exam.read(UPLOADS, upload.to_owned()).await?.is_some();
                if !is_known && self.is_older(&file, ABANDONED) {
                    self.add(Kind::PartLeftOver, &file, "No upload has this part.");
                }
            }
        }
        Ok(())
    }

    fn is_older(&self, file: &Listed, age: Duration) -> bool {
        file.head.modified.plus(age) < self.exam.runtime.now()
    }

    fn add(&self, kind: Kind, file: &Listed, problem: &str) {
        let address = format!("{}/{}", self.namespace.as_str().trim_end_matches('/'), file.name);
        let place = Place { repository: Some(self.repository.id.clone()), ..Place::default() };
        self.exam.findings.add(Finding::new(kind, place.with_address(address), problem));
    }
}

/// The files directly in a folder; folders in it are skipped.
struct Names<'a> {
    files: &'a Files<'a>,
    /// The folder with its slash.
    prefix: String,
    after: String,
}

impl Names<'_> {
    /// Returns some more, perhaps none; `None` after the last, or where the store fails, which is told.
    async fn next(&mut self, limit: usize) -> Option<Vec<Listed>> {
        let Files { exam, namespace, repository } = self.files;
        let listed = exam.blocks.list(namespace, &self.prefix, &self.after, limit).await;
        let listed = match listed {
            Ok(listed) => listed,
            Err(error) => {
                let repository = Some(repository.id.clone());
                let place = Place { repository, ..Place::default() }.with_address(namespace);
                let problem = format!("Its files cannot be listed: {}.", with_causes(&error));
                exam.findings.add(Finding::new(Kind::StoreFailed, place, problem));
                return None;
            }
        };
        let last = listed.last()?;
        self.after = match last.name[self.prefix.len()..].split_once('/') {
            Some((folder, _)) => format!("{}{folder}/{LAST}", self.prefix),
            None => last.name.clone(),
        };
        let is_direct = |file: &Listed| !file.name[self.prefix.len()..].contains('/');
        Some(listed.into_iter().filter(is_direct).collect())
    }
}

/// The upload that a file is a part of: 32 hexadecimal digits before a hyphen and five digits.
fn upload_of(name: &str) -> Option<&str> {
    let (upload, number) = name.split_once('-')?;
    let is_upload = upload.len() == 32 && upload.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_number = number.len() == 5 && number.bytes().all(|byte| byte.is_ascii_digit());
    (is_upload && is_number).then_some(upload)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_told_from_other_files() {
        let upload = "16e12bca533b4f8aa663896096a5621e";
        assert_eq!(upload_of(&format!("{upload}-00001")), Some(upload));
        for other in ["dummy", upload, "16e12bca-00001", &format!("{upload}-1")] {
            assert_eq!(upload_of(other), None, "{other}");
        }
    }
}

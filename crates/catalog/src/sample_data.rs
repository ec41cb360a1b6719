//! What a repository with sample data begins with.
//!
//! A handful of small files, our own (samples/), uploaded as ordinary objects, committed in one
//! commit; then the default branch is protected, so that whoever tries things out learns to make a
//! branch first. The repository may be read-only: its creator fills it before it is closed.

use bytes::Bytes;

use lakehold_engine::BranchId;
use lakehold_engine::CommitRequest;
use lakehold_engine::Metadata;
use lakehold_engine::Repository;

use crate::Catalog;
use crate::Result;
use crate::Upload;
use crate::protection::rules_of;

const MESSAGE: &str = "Add sample data";

/// The first file, in which names are filled in.
const README: &str = include_str!("../samples/README.md");

/// Path, content type and content of the others.
const FILES: [(&str, &str, &[u8]); 4] = [
    ("data/lakes.csv", "text/csv", include_bytes!("../samples/data/lakes.csv")),
    ("data/levels/2024.csv", "text/csv", include_bytes!("../samples/data/levels/2024.csv")),
    ("data/levels/2025.csv", "text/csv", include_bytes!("../samples/data/levels/2025.csv")),
    ("images/lake.png", "image/png", include_bytes!("../samples/images/lake.png")),
];

impl Catalog {
    /// Uploads and commits the sample data and protects the default branch.
    pub(crate) async fn add_sample_data(
        &self,
        repository: &Repository,
        committer: &str,
    ) -> Result<()> {
        // To its creator the repository is still open.
        let open = Repository { read_only: false, ..repository.clone() };
        let branch = &open.default_branch;
        self.upload_sample(&open, branch, "README.md", "text/markdown", readme(&open).into())
            .await?;
        for (path, content_type, content) in FILES {
            let content = Bytes::from_static(content);
            self.upload_sample(&open, branch, path, content_type, content).await?;
        }
        let request = CommitRequest {
            committer: committer.to_owned(),
            message: MESSAGE.to_owned(),
            ..CommitRequest::default()
        };
        self.engine().commit(&open, branch, request).await?;
        let rules = rules_of([branch.as_str().to_owned()]);
        Ok(self.engine().set_protection_rules(&open, &rules, None).await?)
    }

    async fn upload_sample(
        &self,
        repository: &Repository,
        branch: &BranchId,
        path: &str,
        content_type: &str,
        content: Bytes,
    ) -> Result<()> {
        let upload = Upload {
            path: path.to_owned(),
            body: content.into(),
            content_type: content_type.to_owned(),
            metadata: Metadata::new(),
            if_absent: false,
            force: false,
        };
        self.upload_to(repository, branch, upload).await.map(drop)
    }
}

fn readme(repository: &Repository) -> String {
    README
        .replace("{{repository}}", repository.id.as_str())
        .replace("{{default_branch}}", repository.default_branch.as_str())
}

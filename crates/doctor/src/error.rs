//! Why an examination could not be carried out.

/// Why an examination could not be carried out. What is wrong with the installation is no error but
/// a [`Finding`](crate::Finding).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DoctorError {
    /// The key-value store could not be read, so nothing can be said of what it holds.
    #[error("reading the key-value store")]
    Kv(#[from] lakehold_kv::Error),

    /// A repository that was asked for is not there.
    #[error("repository {0:?} not found")]
    RepositoryNotFound(String),
}

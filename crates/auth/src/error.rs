//! Why authentication or a change of users failed.

use lakehold_kv::BoxError;

pub(crate) type Result<T> = std::result::Result<T, AuthError>;

/// Why authentication or a change of users failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuthError {
    /// Unknown key, wrong secret, bad or expired token: deliberately not told apart.
    #[error("credentials are not valid")]
    NotAuthenticated,

    /// No user of that name.
    #[error("user {0:?} not found")]
    UserNotFound(String),

    /// No key pair of that id.
    #[error("credentials {0:?} not found")]
    CredentialsNotFound(String),

    /// There is a user, and there can only be one.
    #[error("cannot create user {0:?}: there can only be one")]
    UserExists(String),

    /// The user has a key pair, and can only have one.
    #[error("user {0:?} has a key pair")]
    TooManyCredentials(String),

    /// A name that no user can have.
    #[error("{reason}: {name:?}")]
    InvalidName {
        /// The name as given.
        name: String,
        /// Which rule it breaks.
        reason: &'static str,
    },

    /// The installation has its administrator, or is being given one at this moment.
    #[error("already set up")]
    AlreadySetUp,

    /// The installation has no administrator yet.
    #[error("not set up")]
    NotSetUp,

    /// Communication preferences can be given once, and were.
    #[error("communication preferences are already set")]
    CommPrefsAlreadySet,

    /// A value that cannot be. Never carries a secret.
    #[error("invalid {name}: {value:?}")]
    InvalidArgument {
        /// Which argument.
        name: &'static str,
        /// What it was.
        value: String,
    },

    /// The records were written by a version that stores them differently.
    #[error("stored records have schema version {found:?}, this server reads version 4: {advice}")]
    SchemaVersion {
        /// What `kv/schema/version` says.
        found: String,
        /// What to do about it.
        advice: &'static str,
    },

    /// The installation has users, but no administrator, and none of them can become it.
    #[error("no user can become the administrator: {reason}")]
    NoAdministrator {
        /// Why not, and what to do.
        reason: String,
    },

    /// What we read from the store is not what we could have written.
    #[error("corrupt {what} at {location}")]
    Corrupt {
        /// The kind of record, such as `user`.
        what: &'static str,
        /// Where it was read: partition and key.
        location: String,
        /// What was wrong with it.
        #[source]
        source: BoxError,
    },

    /// The answer of a write was lost, and reading did not show what became of it.
    #[error("outcome unknown")]
    OutcomeUnknown(#[source] lakehold_kv::Error),

    /// The key-value store failed.
    #[error("key-value store")]
    Kv(#[from] lakehold_kv::Error),
}

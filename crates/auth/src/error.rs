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

    /// It may have been done, or a part of it: the answer of a write was lost and could not be found
    /// out, or what had to follow a write failed. It may be asked for again.
    #[error("outcome unknown")]
    OutcomeUnknown(#[source] lakehold_kv::Error),

    /// The store asks to be called less often. Nothing was done.
    #[error("key-value store is throttling")]
    Throttled,

    /// The key-value store failed. Nothing was done.
    #[error("key-value store")]
    Kv(#[source] lakehold_kv::Error),
}

impl From<lakehold_kv::Error> for AuthError {
    fn from(error: lakehold_kv::Error) -> Self {
        match error {
            lakehold_kv::Error::Throttled => Self::Throttled,
            unknown @ lakehold_kv::Error::Unknown(_) => Self::OutcomeUnknown(unknown),
            other => Self::Kv(other),
        }
    }
}

impl AuthError {
    /// This error as it is to be told where nobody can see what became of a write: nothing was done.
    pub(crate) fn into_not_done(self) -> Self {
        match self {
            Self::OutcomeUnknown(lost) => Self::Kv(lakehold_kv::Error::Unavailable(lost.into())),
            other => other,
        }
    }

    /// This error as it is to be told by whoever has written something that counts: most errors say
    /// that nothing was done.
    pub(crate) fn after_writing(self) -> Self {
        match self {
            Self::OutcomeUnknown(_) => self,
            Self::Kv(error) => Self::OutcomeUnknown(error),
            other => Self::OutcomeUnknown(lakehold_kv::Error::Unknown(other.into())),
        }
    }
}

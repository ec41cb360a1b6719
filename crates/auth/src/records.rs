//! What lies in the key-value store: partitions, keys and messages (docs/formats/auth-records.md).

use bytes::Bytes;
use chrono::DateTime;
use chrono::SecondsFormat;
use prost::Message;

use lakehold_clock::Timestamp;
use lakehold_kv::Known;
use lakehold_kv::Record;
use lakehold_kv::TimestampMessage;

use crate::AuthError;
use crate::error::Result;

/// Partition of the record that says in which form all others are stored.
pub(crate) const INTERNAL_PARTITION: &str = "kv-internal-metadata";
pub(crate) const SCHEMA_VERSION_KEY: &str = "kv/schema/version";
/// The form that this server reads and writes.
pub(crate) const SCHEMA_VERSION: &str = "4";

/// Partition of facts about the installation.
pub(crate) const INSTALLATION_PARTITION: &str = "auth";
pub(crate) const INSTALLATION_ID_KEY: &str = "installation_id";
/// Its presence means: set up.
pub(crate) const SETUP_TIMESTAMP_KEY: &str = "installation_metadata/setup_timestamp";
/// The mode the installation was set up in; holds the same time.
pub(crate) const SETUP_MODE_KEY: &str = "installation_metadata/setup_auth_none";
pub(crate) const COMM_PREFS_SET_KEY: &str = "installation_metadata/comm_prefs_set";

/// Partition of the administrator.
pub(crate) const USERS_PARTITION: &str = "basicAuth";
/// The one user, whatever the name.
pub(crate) const ADMINISTRATOR_KEY: &str = "users/superAdmin";
/// Followed by the access key id.
pub(crate) const CREDENTIALS_PREFIX: &str = "uCredentials/superAdmin/credentials/";

/// In bytes. No key pair has a longer id; stores limit the length of their keys.
pub(crate) const LONGEST_ACCESS_KEY_ID: usize = 256;

pub(crate) fn credential_key(access_key_id: &str) -> Bytes {
    [CREDENTIALS_PREFIX, access_key_id].concat().into()
}

/// A user.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct UserData {
    #[prost(message, optional, tag = "1")]
    pub(crate) created_at: Option<TimestampMessage>,
    #[prost(string, tag = "2")]
    pub(crate) username: String,
    #[prost(string, tag = "3")]
    pub(crate) friendly_name: String,
    #[prost(string, tag = "4")]
    pub(crate) email: String,
    #[prost(bytes = "bytes", tag = "5")]
    pub(crate) encrypted_password: Bytes,
    /// `internal` for users made here.
    #[prost(string, tag = "6")]
    pub(crate) source: String,
    #[prost(string, tag = "7")]
    pub(crate) external_id: String,
}

impl Known for UserData {
    const FIELDS: &'static [u32] = &[1, 2, 3, 4, 5, 6, 7];
}

/// A key pair.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct CredentialData {
    #[prost(string, tag = "1")]
    pub(crate) access_key_id: String,
    /// The secret access key as [`Sealer`](crate::sealer::Sealer) seals it.
    #[prost(bytes = "bytes", tag = "2")]
    pub(crate) sealed_secret: Bytes,
    #[prost(message, optional, tag = "3")]
    pub(crate) issued_date: Option<TimestampMessage>,
    /// Name of the user.
    #[prost(bytes = "bytes", tag = "4")]
    pub(crate) user_id: Bytes,
}

impl Known for CredentialData {
    const FIELDS: &'static [u32] = &[1, 2, 3, 4];
}

/// Takes the message out of a stored record.
pub(crate) fn decode<M: Message + Default + Known>(
    what: &'static str,
    key: &[u8],
    stored: &[u8],
) -> Result<M> {
    let decoded = Record::<M>::decode(stored);
    decoded.map(|record| record.message).map_err(|source| AuthError::Corrupt {
        what,
        location: format!("{USERS_PARTITION}/{}", String::from_utf8_lossy(key)),
        source: source.into(),
    })
}

/// A moment as installation metadata stores it: RFC 3339, UTC, whole seconds.
pub(crate) fn rfc_3339(moment: Timestamp) -> String {
    let date = DateTime::from_timestamp(moment.seconds, 0).unwrap_or_default();
    date.to_rfc3339_opts(SecondsFormat::Secs, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_whole_seconds_of_utc() {
        let moment = Timestamp { seconds: 1_795_261_984, nanos: 999_999_999 };
        assert_eq!(rfc_3339(moment), "2026-11-21T11:53:04Z");
    }
}

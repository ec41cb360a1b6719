//! The one user and their one key pair, as operations on users see them.
//!
//! In the basic mode there is nothing to list but one, and no second may be made: of a user, nor of a
//! key pair. What can be done is to look, and to remove the user together with the keys. After that
//! nobody can log in: the last one out locks the door.

use std::sync::Arc;

use bytes::Bytes;
use tracing::warn;

use lakehold_clock::Timestamp;
use lakehold_kv::Outcome;
use lakehold_kv::Ownership;
use lakehold_kv::Precondition;
use lakehold_kv::Record;
use lakehold_kv::Scan;
use lakehold_kv::Write;

use crate::Auth;
use crate::AuthError;
use crate::Credentials;
use crate::User;
use crate::credentials::fresh_access_key_id;
use crate::credentials::fresh_secret;
use crate::error::Result;
use crate::records::ADMINISTRATOR_KEY;
use crate::records::CREDENTIALS_PREFIX;
use crate::records::CredentialData;
use crate::records::LONGEST_ACCESS_KEY_ID;
use crate::records::USERS_PARTITION;
use crate::records::UserData;
use crate::records::credential_key;
use crate::records::decode;

/// What is shown of a key pair after it was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessKey {
    /// The public half.
    pub access_key_id: String,
    /// When the pair was made.
    pub creation_date: Timestamp,
}

impl Auth {
    /// All users: one, or none before the installation is set up.
    pub async fn users(&self) -> Result<Vec<Arc<User>>> {
        Ok(self.parts.directory.administrator().await?.into_iter().collect())
    }

    /// Returns the user of that name. Fails with [`AuthError::UserNotFound`].
    pub async fn get_user(&self, name: &str) -> Result<Arc<User>> {
        let user = self.parts.directory.user(name).await?;
        user.ok_or_else(|| AuthError::UserNotFound(name.to_owned()))
    }

    /// Refuses to make a user: the first one is made by [`Auth::setup`], and there is no second.
    ///
    /// Fails with [`AuthError::InvalidName`] where the name could not be one, else with
    /// [`AuthError::UserExists`], or [`AuthError::NotSetUp`] where there is none yet.
    pub async fn create_user(&self, name: &str) -> Result<Arc<User>> {
        check_name(name)?;
        match self.parts.directory.administrator().await? {
            Some(_) => Err(AuthError::UserExists(name.to_owned())),
            None => Err(AuthError::NotSetUp),
        }
    }

    /// Removes a user and their key pairs. Fails with [`AuthError::UserNotFound`]; after
    /// [`AuthError::OutcomeUnknown`] there may be a user without key pairs, to be removed again.
    pub async fn delete_user(&self, name: &str) -> Result<()> {
        self.parts.directory.change(self.delete_user_now(name)).await
    }

    /// Returns what is to be shown of a key pair of that user.
    ///
    /// Fails with [`AuthError::CredentialsNotFound`], also where there is no such user.
    pub async fn access_key(&self, name: &str, access_key_id: &str) -> Result<AccessKey> {
        let not_found = || AuthError::CredentialsNotFound(access_key_id.to_owned());
        self.parts.directory.user(name).await?.ok_or_else(not_found)?;
        if access_key_id.len() > LONGEST_ACCESS_KEY_ID {
            return Err(not_found());
        }
        let key = credential_key(access_key_id);
        let found = self.parts.kv.get(USERS_PARTITION.into(), key.clone()).await?;
        let stored = found.ok_or_else(not_found)?;
        let data: CredentialData = decode("credential", &key, &stored.value)?;
        let creation_date = data.issued_date.unwrap_or_default().into();
        Ok(AccessKey { access_key_id: data.access_key_id, creation_date })
    }

    /// Makes a fresh key pair for a user who has none.
    ///
    /// Fails with [`AuthError::UserNotFound`], and with [`AuthError::TooManyCredentials`] where there
    /// is a pair.
    pub async fn create_credentials(&self, name: &str) -> Result<Credentials> {
        self.get_user(name).await?;
        self.parts.directory.change(self.create_credentials_now(name)).await
    }

    async fn create_credentials_now(&self, name: &str) -> Result<Credentials> {
        if !self.credential_keys().await?.is_empty() {
            return Err(AuthError::TooManyCredentials(name.to_owned()));
        }
        let runtime = &self.parts.runtime;
        let made = Credentials {
            access_key_id: fresh_access_key_id(runtime),
            secret_access_key: fresh_secret(runtime),
            creation_date: runtime.now(),
        };
        let data = CredentialData {
            access_key_id: made.access_key_id.clone(),
            sealed_secret: self.seal(made.secret_access_key.clone().into()).await,
            issued_date: Some(made.creation_date.into()),
            user_id: name.to_owned().into(),
        };
        let record = Record::new(data).encode();
        let key = credential_key(&made.access_key_id);
        self.write_repeatably(vec![credential_write(key, Some(record))]).await?;
        Ok(made)
    }

    async fn delete_user_now(&self, name: &str) -> Result<()> {
        let not_found = || AuthError::UserNotFound(name.to_owned());
        let found = self.parts.kv.get(USERS_PARTITION.into(), ADMINISTRATOR_KEY.into()).await?;
        let stored = found.ok_or_else(not_found)?;
        let data: UserData = decode("user", ADMINISTRATOR_KEY.as_bytes(), &stored.value)?;
        if data.username != name {
            return Err(not_found());
        }
        // Keys first: a user without keys can be deleted again, keys without a user open nothing.
        let keys = self.credential_keys().await?;
        let removals: Vec<_> = keys.into_iter().map(|key| credential_write(key, None)).collect();
        // Of a shared store that is two calls.
        let may_be_halved = !removals.is_empty() && self.parts.kv.ownership() == Ownership::Shared;
        let last = Write {
            partition: USERS_PARTITION.into(),
            key: ADMINISTRATOR_KEY.into(),
            value: None,
            precondition: Precondition::Unchanged(stored.version),
        };
        match self.write_after(removals, last).await {
            Ok(Outcome::Applied) => {
                warn!(user.id = name, "user {name} was deleted: nobody can log in any more");
                Ok(())
            }
            // Somebody else was faster.
            Ok(Outcome::PreconditionFailed) => Err(not_found()),
            Err(error) if may_be_halved => Err(error.after_writing()),
            Err(error) => Err(error),
        }
    }

    /// The keys of the records of all key pairs.
    pub(crate) async fn credential_keys(&self) -> Result<Vec<Bytes>> {
        let partition = USERS_PARTITION.into();
        let mut scan = Scan::new(&*self.parts.kv, partition, CREDENTIALS_PREFIX.into());
        let mut keys = Vec::new();
        while let Some(found) = scan.next().await? {
            if !found.key.starts_with(CREDENTIALS_PREFIX.as_bytes()) {
                break;
            }
            keys.push(found.key);
        }
        Ok(keys)
    }
}

/// The write of a key pair, or with `None` its removal.
pub(crate) fn credential_write(key: Bytes, value: Option<Bytes>) -> Write {
    Write { partition: USERS_PARTITION.into(), key, value, precondition: Precondition::Always }
}

/// Fails with [`AuthError::InvalidName`] where `name` cannot be one of a user.
fn check_name(name: &str) -> Result<()> {
    let reason = match name {
        "" => "empty name",
        _ if name.contains('/') => "name contains delimiter /",
        _ => return Ok(()),
    };
    Err(AuthError::InvalidName { name: name.to_owned(), reason })
}

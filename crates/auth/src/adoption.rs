//! Taking over the user of an installation that has users of another kind.
//!
//! Before there was one administrator, and beside a server of access lists, an installation keeps
//! users, groups and credentials in partition `auth`. If there is exactly one user with exactly one key
//! pair, that one becomes the administrator: a copy, so that what was there stays as it was. Of several
//! nobody can say which is meant.

use bytes::Bytes;
use lakehold_kv::Precondition;
use lakehold_kv::Record;
use lakehold_kv::Scan;
use lakehold_kv::Write;
use secrecy::SecretString;

use crate::Auth;
use crate::AuthError;
use crate::error::Result;
use crate::records::ADMINISTRATOR_KEY;
use crate::records::CredentialData;
use crate::records::INSTALLATION_PARTITION;
use crate::records::USERS_PARTITION;
use crate::records::UserData;
use crate::records::credential_key;
use crate::records::decode;

/// Followed by the name of the user.
const FORMER_USERS: &str = "users/";
/// Followed by the name of the user, `/credentials/`, and the access key id.
const FORMER_CREDENTIALS: &str = "uCredentials/";
/// More are not counted.
const MANY: usize = 2;

impl Auth {
    /// Makes the only user of a set-up installation without administrator its administrator. Returns
    /// the name, or `None` where there is nothing to do.
    ///
    /// Fails with [`AuthError::NoAdministrator`] where there is no user, or more than one, or one with
    /// no key pair, or with more than one, or with one that the secret key does not open.
    pub async fn adopt_user(&self) -> Result<Option<String>> {
        if !self.is_set_up().await? || self.has_administrator().await? {
            return Ok(None);
        }
        self.parts.directory.change(self.adopt()).await.map(Some)
    }

    async fn has_administrator(&self) -> Result<bool> {
        let found = self.parts.kv.get(USERS_PARTITION.into(), ADMINISTRATOR_KEY.into()).await?;
        Ok(found.is_some())
    }

    async fn adopt(&self) -> Result<String> {
        let (key, user) = only("user", self.former(FORMER_USERS).await?)?;
        let (_, stored) = only("key pair", self.former(FORMER_CREDENTIALS).await?)?;
        let user_data: UserData = decode("user", &key, &user)?;
        let credential: CredentialData =
            decode("credential", FORMER_CREDENTIALS.as_bytes(), &stored)?;
        let secret = self.opened(&credential).await?;
        let sealed_secret = self.seal(secret).await;
        let access_key_id = credential.access_key_id.clone();
        let copy = CredentialData { sealed_secret, ..credential };
        let copy = Record::new(copy).encode();
        let pair = write(credential_key(&access_key_id), copy, Precondition::Always);
        // Whoever else adopts has adopted the same one.
        let administrator = write(ADMINISTRATOR_KEY.into(), user, Precondition::Absent);
        match self.write_last_if(vec![pair], administrator).await {
            Ok(()) | Err(AuthError::AlreadySetUp) => Ok(user_data.username),
            Err(error) => Err(error),
        }
    }

    async fn opened(&self, credential: &CredentialData) -> Result<SecretString> {
        let (sealer, sealed) = (self.parts.sealer.clone(), credential.sealed_secret.clone());
        let opened = self.parts.runtime.blocking(move || sealer.open(&sealed)).await;
        opened.ok_or_else(|| AuthError::NoAdministrator {
            reason: format!(
                "the secret of {} was stored with another auth.encrypt.secret_key than this one",
                credential.access_key_id
            ),
        })
    }

    /// The first records below `prefix`.
    async fn former(&self, prefix: &str) -> Result<Vec<(Bytes, Bytes)>> {
        let beginning = Bytes::copy_from_slice(prefix.as_bytes());
        let mut scan = Scan::new(&*self.parts.kv, INSTALLATION_PARTITION.into(), beginning);
        let mut found = Vec::new();
        while found.len() < MANY
            && let Some(entry) = scan.next().await?
            && entry.key.starts_with(prefix.as_bytes())
        {
            found.push((entry.key, entry.value));
        }
        Ok(found)
    }
}

fn only<T>(what: &str, mut found: Vec<T>) -> Result<T> {
    let problem = match (found.len(), found.pop()) {
        (1, Some(only)) => return Ok(only),
        (0, _) => format!("there is no {what}"),
        _ => format!("there is more than one {what}"),
    };
    let advice = "this server has one administrator with one key pair; leave that one alone in it, with \
                  the server that made it, and start again";
    Err(AuthError::NoAdministrator { reason: format!("{problem}; {advice}") })
}

fn write(key: Bytes, value: Bytes, precondition: Precondition) -> Write {
    Write { partition: USERS_PARTITION.into(), key, value: Some(value), precondition }
}

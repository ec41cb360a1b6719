//! Setting up: an installation gets its administrator, once.
//!
//! ```text
//! 1  claim    schema version (if absent), user (if unchanged since we looked)
//! 2  records  key pairs of attempts that were cut off: removed; key pair, other facts: written
//! 3  done     setup_timestamp (if absent)
//! ```
//!
//! Each step begins when the one before is durable. Only the last makes the installation set up: cut
//! off before it, setup can be repeated with another name and other keys, and what was left of the
//! first attempt is replaced. An attempt that fails before it removes its claim again, so that on a
//! shared store nobody has to wait for it.
//!
//! Of several servers that set up one shared store at the same time, one succeeds: a claim is not
//! taken over until [`CLAIM_HOLDS`] has passed, and whoever has not come to step 3 within half of that
//! gives up before it. On an exclusive store nobody else can be at it, and nothing is waited for.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use secrecy::SecretString;
use tracing::warn;

use lakehold_clock::Timestamp;
use lakehold_kv::Error;
use lakehold_kv::Outcome;
use lakehold_kv::Ownership;
use lakehold_kv::Precondition;
use lakehold_kv::Record;
use lakehold_kv::Write;

use crate::Auth;
use crate::AuthError;
use crate::CommPrefs;
use crate::Credentials;
use crate::auth::fact;
use crate::credentials::fresh_access_key_id;
use crate::credentials::fresh_secret;
use crate::error::Result;
use crate::records::ADMINISTRATOR_KEY;
use crate::records::COMM_PREFS_SET_KEY;
use crate::records::CredentialData;
use crate::records::INTERNAL_PARTITION;
use crate::records::LONGEST_ACCESS_KEY_ID;
use crate::records::SCHEMA_VERSION;
use crate::records::SCHEMA_VERSION_KEY;
use crate::records::SETUP_MODE_KEY;
use crate::records::SETUP_TIMESTAMP_KEY;
use crate::records::USERS_PARTITION;
use crate::records::UserData;
use crate::records::credential_key;
use crate::records::decode;
use crate::records::rfc_3339;
use crate::sealer::Chance;
use crate::users::credential_write;

/// What a user record says of users made here.
const SOURCE: &str = "internal";
/// How long a user record without a setup time is taken for a setup in progress: far longer than one
/// takes, even if the clocks of two servers differ by seconds.
const CLAIM_HOLDS: Duration = Duration::from_secs(60);

/// What the first administrator is to be.
#[derive(Clone)]
pub struct Setup {
    /// Name of the administrator. Must not be empty.
    pub username: String,
    /// Keys to store instead of fresh ones: access key id and secret access key.
    pub key: Option<(String, String)>,
    /// E-mail address for communication preferences; without one they count as not given.
    pub email: Option<String>,
}

impl fmt::Debug for Setup {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let access_key_id = self.key.as_ref().map(|(id, _)| id);
        out.debug_struct("Setup")
            .field("username", &self.username)
            .field("access_key_id", &access_key_id)
            .finish_non_exhaustive()
    }
}

impl Auth {
    /// Creates the first administrator.
    ///
    /// Fails with [`AuthError::AlreadySetUp`] where there is one, and with
    /// [`AuthError::InvalidArgument`] where the name or a given key is empty or too long. After any other failure
    /// it may be called again: either it was not done, or the answer is then `AlreadySetUp`.
    pub async fn setup(&self, setup: Setup) -> Result<Credentials> {
        check(&setup)?;
        self.parts.directory.change(self.set_up(setup)).await
    }

    async fn set_up(&self, setup: Setup) -> Result<Credentials> {
        if self.is_set_up().await? {
            return Err(AuthError::AlreadySetUp);
        }
        self.check_schema_version().await?;
        let begun = self.parts.runtime.monotonic();
        let administrator = self.make_administrator(setup).await;
        let done = self.claim_and_complete(&administrator, begun).await;
        match &done {
            Ok(()) | Err(AuthError::AlreadySetUp | AuthError::OutcomeUnknown(_)) => {}
            Err(_) => self.give_up_claim(&administrator).await,
        }
        done.map(|()| administrator.credentials)
    }

    /// The three steps, begun at that time. Until the last one nothing can be seen.
    async fn claim_and_complete(
        &self,
        administrator: &Administrator,
        begun: Duration,
    ) -> Result<()> {
        self.claim(administrator).await.map_err(AuthError::into_not_done)?;
        self.write_records(administrator).await.map_err(AuthError::into_not_done)?;
        if self.parts.runtime.monotonic() - begun > CLAIM_HOLDS / 2 {
            let slow = format!("setup took more than {:?}", CLAIM_HOLDS / 2);
            return Err(Error::Unavailable(slow.into()).into());
        }
        self.mark_done(administrator).await
    }

    async fn make_administrator(&self, setup: Setup) -> Administrator {
        let runtime = &self.parts.runtime;
        let created = runtime.now();
        let fresh = || (fresh_access_key_id(runtime), fresh_secret(runtime));
        let (access_key_id, secret) = setup.key.unwrap_or_else(fresh);
        let sealed_secret = self.seal(secret.clone().into()).await;
        let credential = CredentialData {
            access_key_id: access_key_id.clone(),
            sealed_secret,
            issued_date: Some(created.into()),
            user_id: setup.username.clone().into(),
        };
        let user = UserData {
            created_at: Some(created.into()),
            username: setup.username,
            source: SOURCE.into(),
            ..UserData::default()
        };
        Administrator {
            user: Record::new(user).encode(),
            credential: Record::new(credential).encode(),
            email: setup.email.unwrap_or_default(),
            credentials: Credentials {
                access_key_id,
                secret_access_key: secret,
                creation_date: created,
            },
        }
    }

    pub(crate) async fn seal(&self, secret: SecretString) -> Bytes {
        let runtime = &self.parts.runtime;
        let chance = Chance { salt: runtime.random_bytes(), nonce: runtime.random_bytes() };
        let sealer = self.parts.sealer.clone();
        runtime.blocking(move || sealer.seal(&secret, &chance)).await.into()
    }

    async fn claim(&self, administrator: &Administrator) -> Result<()> {
        let before = self.parts.kv.get(USERS_PARTITION.into(), ADMINISTRATOR_KEY.into()).await?;
        let unchanged = match before {
            None => Precondition::Absent,
            Some(found) if self.holds(&found.value)? => return Err(AuthError::AlreadySetUp),
            Some(found) => Precondition::Unchanged(found.version),
        };
        let version = Write {
            partition: INTERNAL_PARTITION.into(),
            key: SCHEMA_VERSION_KEY.into(),
            value: Some(SCHEMA_VERSION.into()),
            precondition: Precondition::Absent,
        };
        let user = Write {
            partition: USERS_PARTITION.into(),
            key: ADMINISTRATOR_KEY.into(),
            value: Some(administrator.user.clone()),
            precondition: unchanged,
        };
        self.write_last_if(vec![version], user).await
    }

    /// Whether another server may be setting up at this moment, having written this user.
    fn holds(&self, claim: &[u8]) -> Result<bool> {
        if self.parts.kv.ownership() == Ownership::Exclusive {
            return Ok(false);
        }
        let user: UserData = decode("user", ADMINISTRATOR_KEY.as_bytes(), claim)?;
        let made = Timestamp::from(user.created_at.unwrap_or_default());
        Ok(self.parts.runtime.now() < made.plus(CLAIM_HOLDS))
    }

    async fn write_records(&self, administrator: &Administrator) -> Result<()> {
        let mut writes = self.removal_of_leftovers().await?;
        let key = credential_key(&administrator.credentials.access_key_id);
        writes.push(credential_write(key, Some(administrator.credential.clone())));
        if administrator.email.is_empty() {
            writes.push(fact(COMM_PREFS_SET_KEY, "false", Precondition::Always));
        } else {
            let prefs = CommPrefs { email: administrator.email.clone(), ..CommPrefs::default() };
            writes.extend(prefs.facts());
        }
        writes.push(fact(SETUP_MODE_KEY, administrator.setup_time(), Precondition::Always));
        self.write_repeatably(writes).await
    }

    async fn mark_done(&self, administrator: &Administrator) -> Result<()> {
        let done = fact(SETUP_TIMESTAMP_KEY, administrator.setup_time(), Precondition::Absent);
        self.write_last_if(Vec::new(), done).await
    }

    /// Writes that remove the key pairs of earlier attempts.
    async fn removal_of_leftovers(&self) -> Result<Vec<Write>> {
        let keys = self.credential_keys().await?;
        Ok(keys.into_iter().map(|key| credential_write(key, None)).collect())
    }

    /// Removes a claim that came to nothing. If that fails, the next setup replaces it; on a shared
    /// store once it does not hold any more.
    async fn give_up_claim(&self, administrator: &Administrator) {
        let given_up = async {
            let found = self.parts.kv.get(USERS_PARTITION.into(), ADMINISTRATOR_KEY.into()).await?;
            let Some(own) = found.filter(|found| found.value == administrator.user) else {
                return Ok(());
            };
            let removal = Write {
                partition: USERS_PARTITION.into(),
                key: ADMINISTRATOR_KEY.into(),
                value: None,
                precondition: Precondition::Unchanged(own.version),
            };
            // Where it was replaced meanwhile, another server sets up.
            self.write_after(Vec::new(), removal).await.map(drop)
        };
        if let Err(error) = given_up.await {
            let error: AuthError = error;
            warn!(%error, "a setup that failed keeps others waiting for a minute: {error}");
        }
    }

    /// Carries out `before`, then `last`, which decides: [`AuthError::AlreadySetUp`] where its
    /// precondition does not hold. A lost answer is found out by reading.
    pub(crate) async fn write_last_if(&self, before: Vec<Write>, last: Write) -> Result<()> {
        match self.write_after(before, last).await? {
            Outcome::Applied => Ok(()),
            Outcome::PreconditionFailed => Err(AuthError::AlreadySetUp),
        }
    }
}

/// What is about to be stored.
struct Administrator {
    user: Bytes,
    credential: Bytes,
    email: String,
    credentials: Credentials,
}

impl Administrator {
    fn setup_time(&self) -> String {
        rfc_3339(self.credentials.creation_date)
    }
}

fn check(setup: &Setup) -> Result<()> {
    let wrong = |name, value: &str| Err(AuthError::InvalidArgument { name, value: value.into() });
    match &setup.key {
        _ if setup.username.is_empty() => wrong("username", ""),
        Some((id, _)) if id.is_empty() || id.len() > LONGEST_ACCESS_KEY_ID => {
            wrong("access_key_id", id)
        }
        Some((_, secret)) if secret.is_empty() => wrong("secret_access_key", ""),
        _ => Ok(()),
    }
}

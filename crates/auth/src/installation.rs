//! The installation as a whole: its id, whether it is set up, and in which form it is stored.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use lakehold_clock::uuid_v4;
use lakehold_kv::Error;
use lakehold_kv::Outcome;
use lakehold_kv::Precondition;
use lakehold_kv::Write;

use crate::Auth;
use crate::AuthError;
use crate::auth::fact;
use crate::error::Result;
use crate::records::COMM_PREFS_SET_KEY;
use crate::records::INSTALLATION_ID_KEY;
use crate::records::INTERNAL_PARTITION;
use crate::records::SCHEMA_VERSION;
use crate::records::SCHEMA_VERSION_KEY;
use crate::records::SETUP_TIMESTAMP_KEY;

/// Whom to write to about the installation, as the setup page asks. Kept, never sent anywhere.
#[derive(Clone, Default)]
pub struct CommPrefs {
    /// E-mail address.
    pub email: String,
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// Name of the company.
    pub company_name: String,
    /// Whether news of features are wanted.
    pub feature_updates: bool,
}

/// Shows no address and no name: they are nobody's business in a log.
impl fmt::Debug for CommPrefs {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("CommPrefs").finish_non_exhaustive()
    }
}

impl CommPrefs {
    /// The facts to be stored; what says that they are there comes last.
    pub(crate) fn facts(&self) -> Vec<Write> {
        let encoded = |key, value: &str| fact(key, STANDARD.encode(value), Precondition::Always);
        let feature_updates = self.feature_updates.to_string();
        vec![
            encoded("installation_metadata/encoded_user_email", &self.email),
            encoded("installation_metadata/encoded_user_first_name", &self.first_name),
            encoded("installation_metadata/encoded_user_last_name", &self.last_name),
            encoded("installation_metadata/encoded_user_company_name", &self.company_name),
            fact("installation_metadata/feature_updates", feature_updates, Precondition::Always),
            fact(COMM_PREFS_SET_KEY, "true", Precondition::Always),
        ]
    }
}

impl Auth {
    /// Id of the installation; written on first use.
    pub async fn installation_id(&self) -> Result<String> {
        let id = self.parts.installation_id.get_or_try_init(|| self.find_or_make_id()).await?;
        Ok(id.clone())
    }

    /// Gives an installation that has no id yet this one, and returns the one it has.
    pub async fn keep_installation_id(&self, id: &str) -> Result<String> {
        let kept = self.parts.installation_id.get_or_try_init(|| self.find_or_keep_id(id)).await?;
        Ok(kept.clone())
    }

    /// Whether the installation has its administrator.
    pub async fn is_set_up(&self) -> Result<bool> {
        Ok(self.fact(SETUP_TIMESTAMP_KEY).await?.is_some())
    }

    /// Whether the setup page should ask for communication preferences: they were put off, or nobody
    /// was asked yet because the installation is not set up.
    pub async fn comm_prefs_missing(&self) -> Result<bool> {
        match self.fact(COMM_PREFS_SET_KEY).await? {
            Some(set) => Ok(set != "true"),
            None => Ok(!self.is_set_up().await?),
        }
    }

    /// Stores communication preferences that were put off when the installation was set up.
    ///
    /// Fails with [`AuthError::NotSetUp`] before that, and with [`AuthError::CommPrefsAlreadySet`]
    /// where they are not missing.
    pub async fn set_comm_prefs(&self, prefs: &CommPrefs) -> Result<()> {
        if !self.is_set_up().await? {
            return Err(AuthError::NotSetUp);
        }
        if !self.comm_prefs_missing().await? {
            return Err(AuthError::CommPrefsAlreadySet);
        }
        self.write_repeatably(prefs.facts()).await
    }

    /// Fails with [`AuthError::SchemaVersion`] where the store holds records in a form that this
    /// server does not read. To be called before anything else is read or written.
    pub async fn check_schema_version(&self) -> Result<()> {
        let found = self.parts.kv.get(INTERNAL_PARTITION.into(), SCHEMA_VERSION_KEY.into()).await?;
        let Some(found) = found else { return Ok(()) };
        let found = String::from_utf8_lossy(&found.value).trim().to_owned();
        if found == SCHEMA_VERSION {
            return Ok(());
        }
        let advice = advice_on(&found);
        Err(AuthError::SchemaVersion { found, advice })
    }

    async fn find_or_make_id(&self) -> Result<String> {
        self.find_or_keep_id(&uuid_v4(&self.parts.runtime)).await
    }

    async fn find_or_keep_id(&self, id: &str) -> Result<String> {
        if let Some(id) = self.fact(INSTALLATION_ID_KEY).await? {
            return Ok(id);
        }
        let write = fact(INSTALLATION_ID_KEY, id.to_owned(), Precondition::Absent);
        match self.write_after(Vec::new(), write).await? {
            Outcome::Applied => Ok(id.to_owned()),
            // Another server was faster.
            Outcome::PreconditionFailed => {
                let lost =
                    || AuthError::OutcomeUnknown(Error::Unknown("no installation id".into()));
                self.fact(INSTALLATION_ID_KEY).await?.ok_or_else(lost)
            }
        }
    }
}

fn advice_on(found: &str) -> &'static str {
    match found.parse::<i64>() {
        Ok(1..=3) => "let lakeFS 1.84 migrate them (`lakefs migrate up`), then start again",
        Ok(5..) => "a newer version wrote them; start that one, or a newer Lakehold",
        Ok(_) => "they are too old to be migrated",
        Err(_) => "that is no version; the store is damaged or belongs to another program",
    }
}

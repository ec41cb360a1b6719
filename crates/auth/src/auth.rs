//! The service itself: what it holds, and how it reads and writes installation records.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::OnceCell;

use lakehold_clock::Runtime;
use lakehold_kv::Outcome;
use lakehold_kv::Precondition;
use lakehold_kv::Store;
use lakehold_kv::Write;
use lakehold_kv::settle;

use crate::directory::Directory;
use crate::error::Result;
use crate::records::INSTALLATION_PARTITION;
use crate::sealer::Sealer;
use crate::tokens::Tokens;

/// How long a login is good for, unless the settings say otherwise.
pub const DEFAULT_LOGIN_DURATION: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// What an operator decides.
#[derive(Clone)]
pub struct AuthSettings {
    /// `auth.encrypt.secret_key`: encrypts stored secrets and signs tokens. Must not be empty.
    pub secret_key: Vec<u8>,
    /// How long a login is good for: [`DEFAULT_LOGIN_DURATION`].
    pub login_duration: Duration,
}

impl fmt::Debug for AuthSettings {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("AuthSettings")
            .field("login_duration", &self.login_duration)
            .finish_non_exhaustive()
    }
}

/// Authentication and users. Cheap to clone.
#[derive(Clone)]
pub struct Auth {
    pub(crate) parts: Arc<Parts>,
}

pub(crate) struct Parts {
    pub(crate) kv: Arc<dyn Store>,
    pub(crate) runtime: Runtime,
    pub(crate) login_duration: Duration,
    pub(crate) sealer: Arc<Sealer>,
    pub(crate) tokens: Tokens,
    pub(crate) directory: Directory,
    /// Never changes once it is stored.
    pub(crate) installation_id: OnceCell<String>,
}

impl fmt::Debug for Auth {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Auth").field("kv", &self.parts.kv).finish_non_exhaustive()
    }
}

impl Auth {
    /// Users and credentials as they are stored in `kv`. Reads nothing yet.
    pub fn new(kv: Arc<dyn Store>, runtime: Runtime, settings: AuthSettings) -> Self {
        let tokens = Tokens::new(&settings.secret_key);
        let sealer = Arc::new(Sealer::new(settings.secret_key));
        let directory = Directory::new(kv.clone(), runtime.clone(), sealer.clone());
        let login_duration = settings.login_duration;
        let installation_id = OnceCell::new();
        let parts =
            Parts { kv, runtime, login_duration, sealer, tokens, directory, installation_id };
        Self { parts: Arc::new(parts) }
    }

    /// A text among the facts about the installation.
    pub(crate) async fn fact(&self, key: &'static str) -> Result<Option<String>> {
        let found = self.parts.kv.get(INSTALLATION_PARTITION.into(), key.into()).await?;
        Ok(found.map(|found| String::from_utf8_lossy(&found.value).into_owned()))
    }

    /// Carries out writes that may be repeated, until they are answered: all of them
    /// [`Precondition::Always`].
    pub(crate) async fn write_repeatably(&self, writes: Vec<Write>) -> Result<()> {
        debug_assert!(writes.iter().all(|write| write.precondition == Precondition::Always));
        Ok(settle::write_always(&*self.parts.kv, writes).await?)
    }

    /// Carries out `before`, which may be repeated without harm, and then `last`, finding out what
    /// became of it where the answer is lost ([`settle::write_after`]).
    pub(crate) async fn write_after(&self, before: Vec<Write>, last: Write) -> Result<Outcome> {
        Ok(settle::write_after(&*self.parts.kv, before, last).await?)
    }
}

/// The write of a fact about the installation.
pub(crate) fn fact(
    key: &'static str,
    value: impl Into<Bytes>,
    precondition: Precondition,
) -> Write {
    Write {
        partition: INSTALLATION_PARTITION.into(),
        key: key.into(),
        value: Some(value.into()),
        precondition,
    }
}

//! Users and key pairs: their records, and what of them is kept in memory.
//!
//! A request is authenticated by comparing with what is kept, which takes well under a microsecond.
//! What is kept is a *copy*, stamped with when it was read:
//!
//! - on an exclusive store every change passes through [`Directory::change`], which outdates all
//!   copies before it returns: a copy that is fresh is right;
//! - on a shared store another server may have changed the record, so a copy older than
//!   [`STALENESS_LIMIT`] is read again. Its secret is decrypted again only if the record differs.
//!
//! Copies are made one at a time and never during a change, so that none can hold what was read
//! before a change and be stamped as made after it. Only key pairs that exist are kept, and at most
//! [`KEPT_KEY_PAIRS`] of them: made-up keys cost a read each, but no memory.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use moka::sync::Cache;
use secrecy::ExposeSecret as _;
use secrecy::SecretString;
use subtle::ConstantTimeEq as _;
use tracing::warn;

use foldhash::fast::RandomState;
use lakehold_clock::Runtime;
use lakehold_kv::Ownership;
use lakehold_kv::Store;

use crate::AuthError;
use crate::User;
use crate::error::Result;
use crate::records::ADMINISTRATOR_KEY;
use crate::records::CredentialData;
use crate::records::LONGEST_ACCESS_KEY_ID;
use crate::records::USERS_PARTITION;
use crate::records::UserData;
use crate::records::credential_key;
use crate::records::decode;
use crate::sealer::Sealer;

/// How old a copy may be where other servers write to the same store.
const STALENESS_LIMIT: Duration = Duration::from_secs(20);
const KEPT_KEY_PAIRS: u64 = 10_000;

/// Finds users and key pairs.
pub(crate) struct Directory {
    kv: Arc<dyn Store>,
    runtime: Runtime,
    sealer: Arc<Sealer>,
    key_pairs: Cache<String, Arc<KeyPair>, RandomState>,
    administrator: Mutex<Option<(Stamp, Arc<User>)>>,
    /// Held while copies are made and while records change.
    copying: tokio::sync::Mutex<()>,
    /// Counts changes.
    generation: AtomicU64,
}

/// When a copy was made.
#[derive(Clone, Copy)]
struct Stamp {
    generation: u64,
    at: Duration,
}

/// The copy of a key pair.
struct KeyPair {
    stamp: Stamp,
    record: Bytes,
    user: Arc<User>,
    /// `None` where the record cannot be decrypted with our secret key.
    secret: Option<SecretString>,
}

impl KeyPair {
    fn has_secret(&self, presented: &SecretString) -> bool {
        let presented = presented.expose_secret().as_bytes();
        let same = |own: &SecretString| own.expose_secret().as_bytes().ct_eq(presented).into();
        self.secret.as_ref().is_some_and(same)
    }
}

impl Directory {
    pub(crate) fn new(kv: Arc<dyn Store>, runtime: Runtime, sealer: Arc<Sealer>) -> Self {
        Self {
            kv,
            runtime,
            sealer,
            key_pairs: Cache::builder()
                .max_capacity(KEPT_KEY_PAIRS)
                .build_with_hasher(RandomState::default()),
            administrator: Mutex::new(None),
            copying: tokio::sync::Mutex::new(()),
            generation: AtomicU64::new(0),
        }
    }

    /// The owner of a key pair, if `secret` is the secret of `access_key_id`.
    pub(crate) async fn verify(
        &self,
        access_key_id: &str,
        secret: &SecretString,
    ) -> Result<Arc<User>> {
        let pair = match self.fresh_key_pair(access_key_id) {
            Some(pair) => Some(pair),
            None => self.copy_key_pair(access_key_id).await?,
        };
        let verified = pair.filter(|pair| pair.has_secret(secret));
        verified.map(|pair| pair.user.clone()).ok_or(AuthError::NotAuthenticated)
    }

    /// The user of that name.
    pub(crate) async fn user(&self, name: &str) -> Result<Option<Arc<User>>> {
        Ok(self.administrator().await?.filter(|user| user.id == name))
    }

    /// The one user.
    pub(crate) async fn administrator(&self) -> Result<Option<Arc<User>>> {
        if let Some(user) = self.fresh_administrator() {
            return Ok(Some(user));
        }
        let _alone = self.copying.lock().await;
        self.copy_administrator().await
    }

    /// Runs `work`, which changes records: one change at a time, after which no copy is fresh.
    pub(crate) async fn change<T>(&self, work: impl Future<Output = T>) -> T {
        let _alone = self.copying.lock().await;
        // Also when `work` is dropped halfway.
        let _outdated = Outdates(&self.generation);
        work.await
    }

    async fn copy_key_pair(&self, access_key_id: &str) -> Result<Option<Arc<KeyPair>>> {
        if access_key_id.len() > LONGEST_ACCESS_KEY_ID
            || self.record(access_key_id).await?.is_none()
        {
            return Ok(None);
        }
        let _alone = self.copying.lock().await;
        if let Some(pair) = self.fresh_key_pair(access_key_id) {
            return Ok(Some(pair));
        }
        let stamp = self.stamp();
        let Some(record) = self.record(access_key_id).await? else { return Ok(None) };
        let Some(user) = self.copy_administrator().await? else { return Ok(None) };
        let secret = self.secret_in(access_key_id, &record).await?;
        let pair = Arc::new(KeyPair { stamp, record, user, secret });
        self.key_pairs.insert(access_key_id.to_owned(), pair.clone());
        Ok(Some(pair))
    }

    /// The caller holds `copying`.
    async fn copy_administrator(&self) -> Result<Option<Arc<User>>> {
        if let Some(user) = self.fresh_administrator() {
            return Ok(Some(user));
        }
        let stamp = self.stamp();
        let found = self.kv.get(USERS_PARTITION.into(), ADMINISTRATOR_KEY.into()).await?;
        let Some(found) = found else { return Ok(None) };
        let stored: UserData = decode("user", ADMINISTRATOR_KEY.as_bytes(), &found.value)?;
        let user = Arc::new(User::from(stored));
        *self.administrator.lock().expect("no code panics while holding the lock") =
            Some((stamp, user.clone()));
        Ok(Some(user))
    }

    async fn record(&self, access_key_id: &str) -> Result<Option<Bytes>> {
        let found = self.kv.get(USERS_PARTITION.into(), credential_key(access_key_id)).await?;
        Ok(found.map(|found| found.value))
    }

    async fn secret_in(&self, access_key_id: &str, record: &Bytes) -> Result<Option<SecretString>> {
        if let Some(before) = self.key_pairs.get(access_key_id)
            && before.record == record
        {
            return Ok(before.secret.clone());
        }
        let stored: CredentialData = decode("credential", &credential_key(access_key_id), record)?;
        let sealer = self.sealer.clone();
        let secret = self.runtime.blocking(move || sealer.open(&stored.sealed_secret)).await;
        if secret.is_none() {
            warn!(
                access_key.id = access_key_id,
                "the secret of {access_key_id} cannot be decrypted: was it stored with another secret key?"
            );
        }
        Ok(secret)
    }

    fn fresh_key_pair(&self, access_key_id: &str) -> Option<Arc<KeyPair>> {
        self.key_pairs.get(access_key_id).filter(|pair| self.is_fresh(pair.stamp))
    }

    fn fresh_administrator(&self) -> Option<Arc<User>> {
        let kept = self.administrator.lock().expect("no code panics while holding the lock");
        kept.as_ref().filter(|(stamp, _)| self.is_fresh(*stamp)).map(|(_, user)| user.clone())
    }

    /// To be taken before the record is read: a copy is as old as the beginning of its making.
    fn stamp(&self) -> Stamp {
        Stamp { generation: self.generation.load(Ordering::Acquire), at: self.runtime.monotonic() }
    }

    fn is_fresh(&self, stamp: Stamp) -> bool {
        let unchanged = stamp.generation == self.generation.load(Ordering::Acquire);
        unchanged
            && match self.kv.ownership() {
                Ownership::Exclusive => true,
                Ownership::Shared => self.runtime.monotonic() < stamp.at + STALENESS_LIMIT,
            }
    }
}

/// Outdates every copy when dropped.
struct Outdates<'a>(&'a AtomicU64);

impl Drop for Outdates<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::AcqRel);
    }
}

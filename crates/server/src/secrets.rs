//! The secret keys of an installation: made once, kept in the data directory, or given from outside.
//!
//! `secrets.json`, readable by its owner only. Without the first key no stored credential can be
//! opened again, so a missing file beside existing records is an error and not a reason to make
//! another.

use std::fmt;
use std::fs;
use std::fs::OpenOptions;
use std::io;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::Context as _;
use anyhow::bail;
use serde::Deserialize;
use serde::Serialize;

use lakehold_clock::Runtime;

use crate::data_dir::DataDir;
use crate::data_dir::sync_directory;
use crate::settings::SecretSettings;

const SECRET_BYTES: usize = 32;
const OWNER_ONLY: u32 = 0o600;

/// The secret keys in use.
#[derive(Clone, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct Secrets {
    /// Encrypts stored secrets and signs tokens.
    pub(crate) auth_encrypt_secret_key: String,
    /// Signs addresses that clients link.
    pub(crate) signing_secret_key: String,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Secrets").finish_non_exhaustive()
    }
}

impl Secrets {
    /// What the operator gave, else what is kept, else fresh ones, which are kept from then on. What
    /// was given is not kept. Blocks on the disk.
    ///
    /// Without a data directory, everything has to be given.
    pub(crate) fn load(
        data_dir: Option<&DataDir>,
        given: &SecretSettings,
        runtime: &Runtime,
    ) -> anyhow::Result<Self> {
        if let (Some(auth), Some(signing)) = (&given.auth_secret_key, &given.signing_secret_key) {
            return Ok(Self {
                auth_encrypt_secret_key: auth.clone(),
                signing_secret_key: signing.clone(),
            });
        }
        let data_dir =
            data_dir.context("secret keys are missing, and there is no place for them")?;
        let path = data_dir.secrets();
        let kept = match read(&path)? {
            Some(kept) => kept,
            None if given.auth_secret_key.is_none() && data_dir.kv().exists() => bail!(
                "{} is missing, and without it no stored credential can be read: restore it, or \
                 set LAKEHOLD_AUTH_ENCRYPT_SECRET_KEY and LAKEHOLD_SIGNING_SECRET_KEY to what was \
                 in it",
                path.display()
            ),
            None => keep_fresh(&path, runtime)?,
        };
        Ok(Self {
            auth_encrypt_secret_key: given
                .auth_secret_key
                .clone()
                .unwrap_or(kept.auth_encrypt_secret_key),
            signing_secret_key: given.signing_secret_key.clone().unwrap_or(kept.signing_secret_key),
        })
    }
}

fn read(path: &Path) -> anyhow::Result<Option<Secrets>> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("reading {}", path.display())),
    };
    let secrets: Secrets = serde_json::from_slice(&text).with_context(|| damaged(path))?;
    if secrets.auth_encrypt_secret_key.is_empty() || secrets.signing_secret_key.is_empty() {
        bail!(damaged(path));
    }
    Ok(Some(secrets))
}

fn damaged(path: &Path) -> String {
    format!("{} is damaged: restore it from a backup", path.display())
}

fn keep_fresh(path: &Path, runtime: &Runtime) -> anyhow::Result<Secrets> {
    let fresh = || hex::encode(runtime.random_bytes::<SECRET_BYTES>());
    let secrets = Secrets { auth_encrypt_secret_key: fresh(), signing_secret_key: fresh() };
    keep(path, &secrets).with_context(|| format!("writing {}", path.display()))?;
    Ok(secrets)
}

/// Whole and durable, or not at all.
fn keep(path: &Path, secrets: &Secrets) -> io::Result<()> {
    let unfinished = path.with_extension("json.new");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(OWNER_ONLY)
        .open(&unfinished)?;
    file.write_all(&serde_json::to_vec_pretty(secrets)?)?;
    file.write_all(b"\n")?;
    file.sync_all()?;
    fs::rename(&unfinished, path)?;
    path.parent().map_or(Ok(()), sync_directory)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn load(data_dir: &DataDir, seed: u64, given: &SecretSettings) -> anyhow::Result<Secrets> {
        Secrets::load(Some(data_dir), given, &Runtime::seeded(seed).0)
    }

    fn given(auth: Option<&str>, signing: Option<&str>) -> SecretSettings {
        SecretSettings {
            auth_secret_key: auth.map(str::to_owned),
            signing_secret_key: signing.map(str::to_owned),
            may_be_made: true,
        }
    }

    #[test]
    fn fresh_secrets_are_kept_for_their_owner_only() {
        let temp = tempfile::tempdir().expect("temporary directory");
        let data_dir = DataDir::open(temp.path(), "--data-dir").expect("opened");
        let first = load(&data_dir, 1, &given(None, None)).expect("made");
        assert_eq!(first.auth_encrypt_secret_key.len(), 64);
        assert_ne!(first.auth_encrypt_secret_key, first.signing_secret_key);
        let mode = fs::metadata(data_dir.secrets()).expect("kept").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(load(&data_dir, 2, &given(None, None)).expect("read"), first);
    }

    #[test]
    fn what_is_given_is_used_and_not_kept() {
        let temp = tempfile::tempdir().expect("temporary directory");
        let data_dir = DataDir::open(temp.path(), "--data-dir").expect("opened");
        let both = load(&data_dir, 1, &given(Some("a"), Some("s"))).expect("given");
        assert_eq!((&*both.auth_encrypt_secret_key, &*both.signing_secret_key), ("a", "s"));
        assert!(!data_dir.secrets().exists());

        let one = load(&data_dir, 1, &given(Some("a"), None)).expect("given and made");
        assert_eq!(one.auth_encrypt_secret_key, "a");
        let kept = load(&data_dir, 2, &given(None, None)).expect("read");
        assert_ne!(kept.auth_encrypt_secret_key, "a");
        assert_eq!(kept.signing_secret_key, one.signing_secret_key);
    }

    #[test]
    fn missing_or_damaged_secrets_are_an_error_that_names_the_file() {
        let temp = tempfile::tempdir().expect("temporary directory");
        let data_dir = DataDir::open(temp.path(), "--data-dir").expect("opened");
        fs::create_dir(data_dir.kv()).expect("made");
        let missing = load(&data_dir, 1, &given(None, None)).expect_err("missing").to_string();
        assert!(missing.contains("secrets.json is missing"), "{missing}");
        for damaged in ["", "{", "{}", r#"{"auth_encrypt_secret_key":"","signing_secret_key":"s"}"#]
        {
            fs::write(data_dir.secrets(), damaged).expect("written");
            let refused = load(&data_dir, 1, &given(None, None)).expect_err("damaged").to_string();
            assert!(refused.contains("secrets.json is damaged"), "{refused}");
        }
    }

    #[test]
    fn debug_shows_no_secret() {
        let secrets =
            Secrets { auth_encrypt_secret_key: "one".into(), signing_secret_key: "two".into() };
        let shown = format!("{secrets:?}");
        assert!(!shown.contains("one") && !shown.contains("two"), "{shown}");
    }
}

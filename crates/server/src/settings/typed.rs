//! From names and values to the settings of each part.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use anyhow::anyhow;
use anyhow::bail;

use lakehold_block_s3::S3Credentials;
use lakehold_block_s3::S3Settings;
use lakehold_kv_postgres::PostgresSettings;
use lakehold_tree::TreeSettings;

use super::AdministratorSettings;
use super::BlocksSettings;
use super::Configuration;
use super::DatabaseSettings;
use super::LocalBlocksSettings;
use super::LogFormat;
use super::LogSettings;
use super::S3BlocksSettings;
use super::SecretSettings;
use super::Settings;
use super::SetupMode;
use super::configuration::Effective;
use super::configuration::Origin;
use super::known;
use super::known::OUR_PREFIX;
use super::value::Value;

/// What every installation of lakeFS signs with that was not told otherwise, and how to have none.
const ADVICE_ON_SECRET: &str = "an installation of lakeFS that was started with --quickstart or \
                                --local-settings has THIS_MUST_BE_CHANGED_IN_PRODUCTION; a file of \
                                ours, whose name begins with lakehold, needs none";

impl Configuration {
    /// The settings of each part.
    ///
    /// Fails where something is missing, or cannot be together; the error names it and where it comes
    /// from.
    pub fn settings(&self) -> anyhow::Result<Settings> {
        let database = self.database()?;
        let administrator = self.administrator()?;
        let secrets = self.secrets(&database)?;
        let mut notes = self.notes().to_vec();
        if self.is_existing() && self.is_default("blockstore.signing.secret_key") {
            notes.push(
                "blockstore.signing.secret_key is not set: link addresses are signed with a key that \
                 everybody knows"
                    .to_owned(),
            );
        }
        Ok(Settings {
            data_dir: self.path("data_dir")?.unwrap_or_else(|| "./lakehold-data".into()),
            listen: self.text("listen_address").unwrap_or_default(),
            setup: self.setup(administrator.keys.is_some()),
            log: self.log(),
            administrator,
            secrets,
            database,
            blocks: self.blocks()?,
            trees: self.trees()?,
            ensure_readable_root: self.flag("graveler.ensure_readable_root_namespace"),
            login_duration: self.duration("auth.login_duration"),
            notes,
        })
    }

    /// Where lakeFS is told who the administrator is, it makes that one; otherwise it waits.
    fn setup(&self, has_keys: bool) -> SetupMode {
        let waits = self.text("setup").as_deref() == Some("manual");
        let by_default = self.is_default("setup") && has_keys;
        if waits && !by_default { SetupMode::Manual } else { SetupMode::Auto }
    }

    fn log(&self) -> LogSettings {
        let level = self.text("logging.level").unwrap_or_default();
        let is_json = self.text("logging.format").as_deref() == Some("json");
        LogSettings {
            level: level_of_ours(&level),
            format: if is_json { LogFormat::Json } else { LogFormat::Text },
        }
    }

    fn administrator(&self) -> anyhow::Result<AdministratorSettings> {
        let (id, secret) = ("installation.access_key_id", "installation.secret_access_key");
        let keys = match (self.text(id), self.text(secret)) {
            (Some(id), Some(secret)) => Some((id, secret)),
            (None, None) => None,
            (Some(_), None) => bail!(self.half_of_a_pair(id, secret)),
            (None, Some(_)) => bail!(self.half_of_a_pair(secret, id)),
        };
        let name = self.text("installation.user_name").unwrap_or_else(|| "admin".to_owned());
        Ok(AdministratorSettings {
            name,
            keys,
            installation_id: self.text("installation.fixed_id"),
        })
    }

    fn half_of_a_pair(&self, given: &str, missing: &str) -> String {
        let origin = self.find(given).origin;
        format!("{given} is set ({origin}), so {missing} or {} must be too", variable(missing))
    }

    fn secrets(&self, database: &DatabaseSettings) -> anyhow::Result<SecretSettings> {
        let (auth, signing) = ("auth.encrypt.secret_key", "blockstore.signing.secret_key");
        let secrets = SecretSettings {
            auth_secret_key: self.text(auth),
            signing_secret_key: self.text(signing),
            may_be_made: !self.is_existing() && !matches!(database, DatabaseSettings::Postgres(_)),
        };
        if !secrets.may_be_made && secrets.auth_secret_key.is_none() {
            let advice =
                if self.is_existing() { ADVICE_ON_SECRET } else { "all servers need the same" };
            return Err(anyhow!("{}; {advice}", self.missing(auth)));
        }
        if !secrets.may_be_made && secrets.signing_secret_key.is_none() {
            return Err(anyhow!("{}; all servers need the same", self.missing(signing)));
        }
        Ok(secrets)
    }

    fn database(&self) -> anyhow::Result<DatabaseSettings> {
        match self.text("database.type").as_deref() {
            Some("postgres") => Ok(DatabaseSettings::Postgres(self.postgres()?)),
            Some("mem") => Ok(DatabaseSettings::Memory),
            _ => Ok(DatabaseSettings::Local { path: self.path("database.local.path")? }),
        }
    }

    fn postgres(&self) -> anyhow::Result<PostgresSettings> {
        let name = "database.postgres.connection_string";
        let place = self.text(name).with_context(|| self.missing(name))?;
        Ok(PostgresSettings {
            max_open_connections: self.integer("database.postgres.max_open_connections")?,
            max_idle_connections: self.integer("database.postgres.max_idle_connections")?,
            connection_max_lifetime: self.duration("database.postgres.connection_max_lifetime"),
            connect_timeout: self.duration("database.postgres.connect_timeout"),
            connection_wait: self.duration("database.postgres.connection_wait"),
            statement_timeout: self.duration("database.postgres.statement_timeout"),
            scan_page_size: self.integer("database.postgres.scan_page_size")?,
            prepared_statements: self.flag("database.postgres.prepared_statements"),
            ..PostgresSettings::new(place)
        })
    }

    fn blocks(&self) -> anyhow::Result<BlocksSettings> {
        match self.text("blockstore.type").as_deref() {
            Some("s3") => Ok(BlocksSettings::S3(self.s3_blocks()?)),
            Some("mem") => Ok(BlocksSettings::Memory),
            _ => Ok(BlocksSettings::Local(self.local_blocks()?)),
        }
    }

    fn local_blocks(&self) -> anyhow::Result<LocalBlocksSettings> {
        let external = self.list("blockstore.local.allowed_external_prefixes");
        let external = external.iter().map(|path| self.expand(path));
        Ok(LocalBlocksSettings {
            path: self.path("blockstore.local.path")?,
            journal_path: self.path("blockstore.local.journal_path")?,
            import_enabled: self.flag("blockstore.local.import_enabled"),
            import_hidden: self.flag("blockstore.local.import_hidden"),
            allowed_external_prefixes: external.collect::<Result<_, _>>()?,
        })
    }

    fn s3_blocks(&self) -> anyhow::Result<S3BlocksSettings> {
        let cache_bytes = self.integer("committed.local_cache.size_bytes")?;
        let cache_dir = self.path("committed.local_cache.dir")?;
        Ok(S3BlocksSettings { s3: Box::new(self.s3()?), cache_bytes, cache_dir })
    }

    fn s3(&self) -> anyhow::Result<S3Settings> {
        let text = |name: &str| self.text(&format!("blockstore.s3.{name}"));
        let flag = |name: &str| self.flag(&format!("blockstore.s3.{name}"));
        let duration = |name: &str| self.duration(&format!("blockstore.s3.{name}"));
        Ok(S3Settings {
            region: text("region").unwrap_or_default(),
            endpoint: text("endpoint"),
            force_path_style: flag("force_path_style"),
            discover_bucket_region: flag("discover_bucket_region"),
            credentials: self.s3_credentials()?,
            profile: text("profile"),
            credentials_file: self.path("blockstore.s3.credentials_file")?,
            web_identity_session: Some(duration("web_identity.session_duration"))
                .filter(|time| !time.is_zero()),
            expiry_window: duration("web_identity.session_expiry_window"),
            server_side_encryption: text("server_side_encryption"),
            server_side_encryption_kms_key_id: text("server_side_encryption_kms_key_id"),
            max_retries: self.integer("blockstore.s3.max_retries")?,
            skip_verify_certificate: flag("skip_verify_certificate_test_only"),
            pre_signed_endpoint: text("pre_signed_endpoint"),
            pre_signed_expiry: duration("pre_signed_expiry"),
            disable_pre_signed: flag("disable_pre_signed"),
            disable_pre_signed_ui: flag("disable_pre_signed_ui"),
            disable_pre_signed_multipart: flag("disable_pre_signed_multipart"),
            ..S3Settings::default()
        })
    }

    fn s3_credentials(&self) -> anyhow::Result<Option<S3Credentials>> {
        let id = "blockstore.s3.credentials.access_key_id";
        let secret = "blockstore.s3.credentials.secret_access_key";
        let token = self.text("blockstore.s3.credentials.session_token");
        match (self.text(id), self.text(secret)) {
            (Some(access_key_id), Some(secret)) => Ok(Some(S3Credentials {
                access_key_id,
                secret_access_key: secret.into(),
                session_token: token.map(Into::into),
            })),
            (None, None) => Ok(None),
            (Some(_), None) => bail!(self.half_of_a_pair(id, secret)),
            (None, Some(_)) => bail!(self.half_of_a_pair(secret, id)),
        }
    }

    fn trees(&self) -> anyhow::Result<TreeSettings> {
        Ok(TreeSettings {
            prefix: self.text("committed.block_storage_prefix").unwrap_or_default(),
            min_range_bytes: self.integer("committed.permanent.min_range_size_bytes")?,
            max_range_bytes: self.integer("committed.permanent.max_range_size_bytes")?,
            raggedness: self.integer("committed.permanent.range_raggedness_entries")?,
            cache_bytes: self.integer("committed.sstable.memory.cache_size_bytes")?,
        })
    }
}

/// Values by name. The names stand in the table: a test asks for them all.
impl Configuration {
    fn find(&self, path: &str) -> Effective {
        let known = known::find(path).expect("the name stands in the table");
        self.effective(known)
    }

    fn is_default(&self, path: &str) -> bool {
        matches!(self.find(path).origin, Origin::Default | Origin::LakefsDefault)
    }

    /// A text, unless it is empty.
    fn text(&self, path: &str) -> Option<String> {
        match self.find(path).value {
            Some(Value::Text(text)) if !text.is_empty() => Some(text),
            _ => None,
        }
    }

    fn flag(&self, path: &str) -> bool {
        self.find(path).value == Some(Value::Flag(true))
    }

    fn duration(&self, path: &str) -> Duration {
        match self.find(path).value {
            Some(Value::Duration(time)) => time,
            _ => Duration::ZERO,
        }
    }

    fn list(&self, path: &str) -> Vec<String> {
        match self.find(path).value {
            Some(Value::List(texts)) => texts,
            _ => Vec::new(),
        }
    }

    fn integer<T: TryFrom<i64>>(&self, path: &str) -> anyhow::Result<T> {
        let Effective { value, origin } = self.find(path);
        let number = match value {
            Some(Value::Integer(number)) => number,
            _ => 0,
        };
        let wrong = || anyhow!("{path} cannot be {number} ({origin})");
        T::try_from(number).map_err(|_| wrong())
    }

    fn path(&self, path: &str) -> anyhow::Result<Option<PathBuf>> {
        self.text(path).map(|text| self.expand(&text).with_context(|| path.to_owned())).transpose()
    }

    /// `~` is the home directory.
    fn expand(&self, text: &str) -> anyhow::Result<PathBuf> {
        let Some(rest) =
            text.strip_prefix('~').filter(|rest| rest.is_empty() || rest.starts_with('/'))
        else {
            return Ok(text.into());
        };
        let home = self.home().with_context(|| {
            format!("{text} is below the home directory, and HOME is not set: give the whole path")
        })?;
        Ok(home.join(rest.trim_start_matches('/')))
    }

    fn missing(&self, path: &str) -> String {
        let file = match self.file() {
            Some(file) => file.display().to_string(),
            None => "lakehold.yaml".to_owned(),
        };
        format!("{path} is missing: set it in {file}, or set {}", variable(path))
    }
}

/// What a setting is called in the environment: the shorter name where it has two.
fn variable(path: &str) -> String {
    let known = known::find(path);
    known.map_or_else(String::new, |known| {
        known.short.map_or_else(|| known.variable(OUR_PREFIX), str::to_owned)
    })
}

/// lakeFS knows other names for some levels, in any case.
fn level_of_ours(level: &str) -> String {
    match level.to_ascii_lowercase().as_str() {
        "warning" => "warn".to_owned(),
        "fatal" | "panic" => "error".to_owned(),
        "none" => "off".to_owned(),
        lower if ["error", "warn", "info", "debug", "trace", "off"].contains(&lower) => {
            lower.to_owned()
        }
        _ => level.to_owned(),
    }
}

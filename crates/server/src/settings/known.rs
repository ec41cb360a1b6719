//! The table of all settings: every name we know, and what becomes of it.
//!
//! Everything follows from it: what a file may contain ([`file`](super::file)), the names in the
//! environment, defaults, `lakehold config show`, and docs/guide/settings.md. Where a setting means
//! what lakeFS means by it, it has lakeFS's name, so that one table serves both.
//!
//! A name is a path of sections, `database.local.path`. Its name in the environment cannot be taken
//! apart again (sections and names contain `_`), so that only this table resolves one.

mod access;
mod blockstore;
mod database;
mod engine;
mod server;

/// What the environment variables of Lakehold begin with.
pub(super) const OUR_PREFIX: &str = "LAKEHOLD_";
/// What those of lakeFS begin with.
pub(super) const LAKEFS_PREFIX: &str = "LAKEFS_";

/// A setting that we know.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    /// Where it stands in a file: sections and name, joined by dots. One that ends with `*` stands for
    /// all that begin so.
    pub(super) path: &'static str,
    /// What values it takes.
    pub(super) kind: Kind,
    /// The value where none is given, written as in the environment. Empty where there is none.
    pub(super) default: &'static str,
    /// The default for the configuration of an existing installation, where it is another one.
    pub(super) lakefs_default: Option<&'static str>,
    /// What it decides, or why it decides nothing.
    pub(super) meaning: &'static str,
    /// What becomes of it.
    pub(super) fate: Fate,
    /// Whether it must not be shown.
    pub(super) secret: bool,
    /// A second, shorter name in the environment.
    pub(super) short: Option<&'static str>,
    /// Whether lakeFS does not know it.
    pub(super) ours: bool,
}

/// What becomes of a value that is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It decides something.
    Used,
    /// It is accepted, decides nothing, and is listed at the start.
    Ignored,
    /// Going on without it would not be what is meant: any other value than this is an error.
    RefusedUnless(&'static str),
}

/// The values that a setting takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Any text.
    Text,
    /// A file or folder; `~` is the home directory.
    Path,
    /// `true` or `false`.
    Flag,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// A time such as `1h30m` or `500ms`.
    Duration,
    /// One of these.
    Choice(&'static [&'static str]),
    /// Several texts: a list, or in one text with commas between them.
    List,
    /// Anything at all, of a setting that is not looked at.
    Any,
}

impl Kind {
    /// What a value has to be, for people.
    pub(super) fn expected(self) -> String {
        match self {
            Self::Text => "a text".to_owned(),
            Self::Path => "a path".to_owned(),
            Self::Flag => "true or false".to_owned(),
            Self::Integer => "a whole number".to_owned(),
            Self::Number => "a number".to_owned(),
            Self::Duration => "a time such as 500ms, 30s or 1h30m".to_owned(),
            Self::Choice(choices) => format!("one of {}", choices.join(", ")),
            Self::List => "a list of texts".to_owned(),
            Self::Any => "anything".to_owned(),
        }
    }
}

impl Known {
    const fn used(
        path: &'static str,
        kind: Kind,
        default: &'static str,
        meaning: &'static str,
    ) -> Self {
        let (lakefs_default, short, fate) = (None, None, Fate::Used);
        Self {
            path,
            kind,
            default,
            lakefs_default,
            meaning,
            fate,
            secret: false,
            short,
            ours: false,
        }
    }

    const fn ignored(path: &'static str, kind: Kind, why: &'static str) -> Self {
        Self { fate: Fate::Ignored, ..Self::used(path, kind, "", why) }
    }

    const fn refused_unless(
        path: &'static str,
        kind: Kind,
        default: &'static str,
        why: &'static str,
    ) -> Self {
        Self { fate: Fate::RefusedUnless(default), ..Self::used(path, kind, default, why) }
    }

    const fn ours(self) -> Self {
        Self { ours: true, ..self }
    }

    const fn secret(self) -> Self {
        Self { secret: true, ..self }
    }

    const fn short(self, name: &'static str) -> Self {
        Self { short: Some(name), ..self }
    }

    const fn in_lakefs(self, default: &'static str) -> Self {
        Self { lakefs_default: Some(default), ..self }
    }

    /// What is said of a text that is no value of it.
    pub(super) fn refusal(&self, text: &str) -> String {
        let got = if self.secret { "something else".to_owned() } else { format!("{text:?}") };
        format!("expected {}, got {got}", self.kind.expected())
    }

    /// Its name in the environment, below `prefix`.
    pub(super) fn variable(&self, prefix: &str) -> String {
        prefix.to_owned() + &self.path.to_ascii_uppercase().replace('.', "_")
    }

    /// Whether it stands for more than one name.
    pub(super) fn is_pattern(&self) -> bool {
        self.path.ends_with('*')
    }

    fn is_for(&self, path: &str) -> bool {
        match self.path.strip_suffix('*') {
            Some(beginning) => path.len() > beginning.len() && path.starts_with(beginning),
            None => path == self.path,
        }
    }
}

/// All settings, by subject.
pub(super) fn all() -> impl Iterator<Item = &'static Known> {
    subjects().into_iter().flat_map(|(_, settings)| settings)
}

/// The subjects, in the order of the guide.
pub(super) fn subjects() -> [(&'static str, &'static [Known]); 5] {
    [
        ("Server", server::SETTINGS),
        ("Key-value store", database::SETTINGS),
        ("Block store", blockstore::SETTINGS),
        ("Versioning", engine::SETTINGS),
        ("Users and access", access::SETTINGS),
    ]
}

/// The setting called `path`.
pub(super) fn find(path: &str) -> Option<&'static Known> {
    all().find(|known| known.is_for(path))
}

/// Whether there are settings below `path`.
pub(super) fn is_section(path: &str) -> bool {
    let is_below =
        |known: &Known| known.path.strip_prefix(path).is_some_and(|rest| rest.starts_with('.'));
    path.is_empty() || all().any(is_below)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::value::Value;
    use super::*;

    /// Names of the settings of lakeFS 1.84, with braces for several of one section.
    const LAKEFS: &str = "
listen_address
tls.{enabled cert_file key_file}
logging.{format level output file_max_size_mb files_keep audit_log_level trace_request_headers}
actions.enabled
actions.lua.net_http_enabled
actions.env.{enabled prefix}
database.{type drop_tables}
database.local.{path sync_writes prefetch_size enable_logging}
database.postgres.{connection_string max_open_connections max_idle_connections connection_max_lifetime scan_page_size metrics}
database.dynamodb.{table_name scan_limit max_attempts max_connections endpoint aws_region aws_profile aws_access_key_id aws_secret_access_key health_check_interval credentials_cache_expiry_window credentials_cache_expiry_window_jitter_fraction}
database.cosmosdb.{key endpoint database container throughput autoscale}
database.redis.{endpoint username password database pool_size min_idle_conns dial_timeout read_timeout write_timeout namespace enable_tls tls_skip_verify aws_region use_iam_auth cluster_mode batch_size}
blockstore.{type default_namespace_prefix}
blockstore.signing.secret_key
blockstore.local.{path import_enabled import_hidden allowed_external_prefixes}
blockstore.s3.{region max_retries discover_bucket_region endpoint force_path_style profile credentials_file}
blockstore.s3.credentials.{access_key_id secret_access_key session_token}
blockstore.s3.{pre_signed_expiry pre_signed_endpoint disable_pre_signed disable_pre_signed_ui disable_pre_signed_multipart}
blockstore.s3.{server_side_encryption server_side_encryption_kms_key_id skip_verify_certificate_test_only client_log_retries client_log_request}
blockstore.s3.web_identity.{session_duration session_expiry_window}
blockstore.gs.{s3_endpoint credentials_file credentials_json pre_signed_expiry disable_pre_signed disable_pre_signed_ui}
blockstore.gs.{server_side_encryption_customer_supplied server_side_encryption_kms_key_id data_credentials_file data_credentials_json}
blockstore.azure.{storage_account storage_access_key domain test_endpoint_url try_timeout pre_signed_expiry disable_pre_signed disable_pre_signed_ui auth_method china_cloud}
committed.local_cache.{size_bytes dir max_uploaders_per_writer range_proportion metarange_proportion}
committed.block_storage_prefix
committed.permanent.{min_range_size_bytes max_range_size_bytes range_raggedness_entries}
committed.sstable.memory.cache_size_bytes
ugc.{prepare_max_file_size prepare_interval}
graveler.{ensure_readable_root_namespace batch_dbio_transaction_markers compaction_sensor_threshold max_batch_delay}
graveler.repository_cache.{size expiry jitter}
graveler.commit_cache.{size expiry jitter}
graveler.background.rate_limit
graveler.branch_ownership.{enabled refresh acquire}
gateways.s3.{domain_name region fallback_url verify_unsupported}
stats.{enabled address flush_interval flush_size extended}
email_subscription.enabled
installation.{fixed_id user_name access_key_id secret_access_key allow_inter_region_storage}
security.{check_latest_version check_latest_version_cache audit_check_interval audit_check_url}
usage_report.{enabled flush_interval}
ui.{enabled snippets}
auth.cache.{enabled size ttl jitter}
auth.encrypt.secret_key
auth.api.{endpoint token supports_invites health_check_timeout skip_health_check}
auth.authentication_api.{endpoint external_principals_enabled}
auth.remote_authenticator.{enabled endpoint default_user_group request_timeout}
auth.oidc.{validate_id_token_claims default_initial_groups initial_groups_claim_name friendly_name_claim_name persist_friendly_name}
auth.cookie_auth_verification.{validate_id_token_claims default_initial_groups initial_groups_claim_name friendly_name_claim_name external_user_id_claim_name auth_source persist_friendly_name}
auth.{logout_redirect_url login_duration login_max_duration}
auth.ui_config.{rbac login_url login_failed_message fallback_login_url fallback_login_label login_cookie_names logout_url use_login_placeholders}
";

    fn lakefs_names() -> Vec<String> {
        let expand = |line: &str| match line.split_once('{') {
            None => vec![line.to_owned()],
            Some((section, names)) => {
                let names = names.trim_end_matches('}').split(' ');
                names.map(|name| format!("{section}{name}")).collect()
            }
        };
        LAKEFS.trim().lines().flat_map(expand).collect()
    }

    #[test]
    fn every_setting_of_lakefs_is_known_and_none_of_ours_is_taken_for_one() {
        let names = lakefs_names();
        assert!(names.len() > 190, "{}", names.len());
        for name in &names {
            let known = find(name).unwrap_or_else(|| panic!("{name} is not known"));
            assert!(!known.ours, "{name}");
        }
        for known in all().filter(|known| !known.ours && !known.is_pattern()) {
            assert!(names.iter().any(|name| name == known.path), "{} is ours", known.path);
        }
    }

    #[test]
    fn names_and_variables_are_unambiguous() {
        let mut seen = BTreeSet::new();
        for known in all() {
            assert!(!is_section(known.path), "{} is a section too", known.path);
            for prefix in [OUR_PREFIX, LAKEFS_PREFIX] {
                assert!(seen.insert(known.variable(prefix)), "{}", known.variable(prefix));
            }
            if let Some(short) = known.short {
                assert!(short.starts_with(OUR_PREFIX) && seen.insert(short.to_owned()), "{short}");
            }
        }
    }

    #[test]
    fn every_default_is_a_value_and_every_setting_is_explained() {
        for known in all() {
            assert!(known.meaning.len() > 10, "{}", known.path);
            assert!(!known.meaning.ends_with('.'), "{}", known.path);
            for default in [known.default, known.lakefs_default.unwrap_or_default()] {
                assert!(
                    default.is_empty() || Value::parse(known.kind, default).is_ok(),
                    "{}",
                    known.path
                );
            }
        }
    }
}

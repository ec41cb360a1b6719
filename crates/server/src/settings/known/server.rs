//! Settings of the process: address, data directory, logs, and what it would do besides.

use super::Kind::Any;
use super::Kind::Choice;
use super::Kind::Duration;
use super::Kind::Flag;
use super::Kind::Integer;
use super::Kind::List;
use super::Kind::Path;
use super::Kind::Text;
use super::Known;

const NO_HOOKS: &str = "hooks are not run yet";
const NO_REPORTS: &str = "nothing is reported to anybody";
const NO_TLS: &str = "let a proxy in front of the server speak TLS";

pub(super) const SETTINGS: &[Known] = &[
    Known::used(
        "listen_address",
        Text,
        "127.0.0.1:8000",
        "host and port to listen on; 0.0.0.0 is reached from other machines, port 0 is any free one",
    )
    .in_lakefs("0.0.0.0:8000")
    .short("LAKEHOLD_LISTEN"),
    Known::used(
        "data_dir",
        Path,
        "./lakehold-data",
        "the folder for everything that has no place of its own; made where there is none",
    )
    .ours(),
    Known::used(
        "setup",
        Choice(&["auto", "manual"]),
        "auto",
        "who makes the administrator of a new installation: the server, or the setup operation",
    )
    .in_lakefs("manual")
    .ours(),
    Known::used(
        "logging.level",
        Text,
        "info",
        "error, warn, info, debug, trace, or a filter such as `info,lakehold_engine=debug`",
    )
    .short("LAKEHOLD_LOG_LEVEL"),
    Known::used(
        "logging.format",
        Choice(&["text", "json"]),
        "text",
        "the form of a log line: for people, or one JSON object",
    )
    .short("LAKEHOLD_LOG_FORMAT"),
    Known::ignored("logging.output", List, "logs go to standard error"),
    Known::ignored("logging.file_max_size_mb", Integer, "logs go to standard error"),
    Known::ignored("logging.files_keep", Integer, "logs go to standard error"),
    Known::ignored("logging.audit_log_level", Text, "requests are logged at level debug"),
    Known::ignored("logging.trace_request_headers", Flag, "headers of requests are never logged"),
    Known::refused_unless("tls.enabled", Flag, "false", NO_TLS),
    Known::ignored("tls.cert_file", Path, NO_TLS),
    Known::ignored("tls.key_file", Path, NO_TLS),
    Known::ignored("actions.enabled", Flag, NO_HOOKS),
    Known::ignored("actions.lua.net_http_enabled", Flag, NO_HOOKS),
    Known::ignored("actions.env.enabled", Flag, NO_HOOKS),
    Known::ignored("actions.env.prefix", Text, NO_HOOKS),
    Known::ignored("gateways.s3.domain_name", List, "the S3 gateway is not there yet"),
    Known::ignored("gateways.s3.region", Text, "the S3 gateway is not there yet"),
    Known::ignored("gateways.s3.fallback_url", Text, "the S3 gateway is not there yet"),
    Known::ignored("gateways.s3.verify_unsupported", Flag, "the S3 gateway is not there yet"),
    Known::ignored("ui.enabled", Flag, "the web pages are not there yet"),
    Known::ignored("ui.snippets", Any, "the web pages are not there yet"),
    Known::ignored("stats.enabled", Flag, NO_REPORTS),
    Known::ignored("stats.address", Text, NO_REPORTS),
    Known::ignored("stats.flush_interval", Duration, NO_REPORTS),
    Known::ignored("stats.flush_size", Integer, NO_REPORTS),
    Known::ignored("stats.extended", Flag, NO_REPORTS),
    Known::ignored("usage_report.enabled", Flag, NO_REPORTS),
    Known::ignored("usage_report.flush_interval", Duration, NO_REPORTS),
    Known::ignored("email_subscription.enabled", Flag, NO_REPORTS),
    Known::ignored("security.check_latest_version", Flag, "nobody is asked for newer versions"),
    Known::ignored(
        "security.check_latest_version_cache",
        Duration,
        "nobody is asked for newer versions",
    ),
    Known::ignored("security.audit_check_interval", Duration, "nobody is asked for advisories"),
    Known::ignored("security.audit_check_url", Text, "nobody is asked for advisories"),
];

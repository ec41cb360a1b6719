//! Settings of the block store (`blockstore`).

use super::Kind::Choice;
use super::Kind::Duration;
use super::Kind::Flag;
use super::Kind::Integer;
use super::Kind::List;
use super::Kind::Path;
use super::Kind::Text;
use super::Known;

const NO_GS: &str = "Google Cloud Storage is not supported yet";
const NO_AZURE: &str = "Azure is not supported yet";

pub(super) const SETTINGS: &[Known] = &[
    Known::used(
        "blockstore.type",
        Choice(&["local", "s3", "mem"]),
        "local",
        "where objects are kept: in one folder, for one server; in S3; in memory, for tests",
    ),
    Known::used(
        "blockstore.signing.secret_key",
        Text,
        "",
        "signs addresses at which clients store objects themselves; one for all servers. Where \
         everything lies in DATA_DIR, one is made and kept there",
    )
    .in_lakefs("OVERRIDE_THIS_SIGNING_SECRET_DEFAULT")
    .secret()
    .short("LAKEHOLD_SIGNING_SECRET_KEY"),
    Known::ignored(
        "blockstore.default_namespace_prefix",
        Text,
        "the block store suggests a prefix of its own",
    ),
    Known::used("blockstore.local.path", Path, "", "the folder of objects (DATA_DIR/block)")
        .in_lakefs("~/lakefs/data/block"),
    Known::used(
        "blockstore.local.journal_path",
        Path,
        "",
        "the folder of bodies on their way to the folder of objects (PATH-journal beside it), on the \
         same file system. It holds acknowledged data while the server runs and after it was killed",
    )
    .ours(),
    Known::used(
        "blockstore.local.import_enabled",
        Flag,
        "false",
        "whether files that already exist may be imported",
    ),
    Known::used(
        "blockstore.local.import_hidden",
        Flag,
        "false",
        "whether imports of folders take files and folders whose names begin with a dot",
    ),
    Known::used(
        "blockstore.local.allowed_external_prefixes",
        List,
        "",
        "folders outside the folder of objects from which objects may be imported and read",
    ),
    Known::used(
        "blockstore.s3.region",
        Text,
        "us-east-1",
        "the region of buckets whose own region is not known",
    ),
    Known::used(
        "blockstore.s3.endpoint",
        Text,
        "",
        "URL of the service, such as `http://127.0.0.1:9000`; Amazon's of the bucket's region where \
         there is none",
    ),
    Known::used(
        "blockstore.s3.force_path_style",
        Flag,
        "false",
        "whether the bucket stands in the path of a URL instead of the host name",
    ),
    Known::used(
        "blockstore.s3.discover_bucket_region",
        Flag,
        "true",
        "whether each bucket is asked, once, which region it is in",
    ),
    Known::used(
        "blockstore.s3.profile",
        Text,
        "",
        "a profile of the shared configuration files, used before the environment",
    ),
    Known::used(
        "blockstore.s3.credentials_file",
        Path,
        "",
        "a file of credentials (`~/.aws/credentials`)",
    ),
    Known::used(
        "blockstore.s3.credentials.access_key_id",
        Text,
        "",
        "used instead of searching for credentials",
    ),
    Known::used(
        "blockstore.s3.credentials.secret_access_key",
        Text,
        "",
        "the secret of that access key",
    )
    .secret(),
    Known::used(
        "blockstore.s3.credentials.session_token",
        Text,
        "",
        "the token of temporary credentials",
    )
    .secret(),
    Known::used(
        "blockstore.s3.web_identity.session_duration",
        Duration,
        "0",
        "how long a session is asked for; 0 for what the role says",
    ),
    Known::used(
        "blockstore.s3.web_identity.session_expiry_window",
        Duration,
        "5m",
        "so long before they expire, credentials are renewed",
    ),
    Known::used(
        "blockstore.s3.max_retries",
        Integer,
        "5",
        "how often a request is repeated after it failed",
    ),
    Known::used(
        "blockstore.s3.server_side_encryption",
        Text,
        "",
        "encryption to ask for, such as `AES256` or `aws:kms`",
    ),
    Known::used(
        "blockstore.s3.server_side_encryption_kms_key_id",
        Text,
        "",
        "the key to encrypt with",
    ),
    Known::used(
        "blockstore.s3.skip_verify_certificate_test_only",
        Flag,
        "false",
        "whether any certificate is trusted; for tests",
    ),
    Known::used(
        "blockstore.s3.pre_signed_expiry",
        Duration,
        "15m",
        "how long URLs that are given to clients are valid",
    ),
    Known::used(
        "blockstore.s3.pre_signed_endpoint",
        Text,
        "",
        "URL of the service for clients, where they reach it by another one",
    ),
    Known::used(
        "blockstore.s3.disable_pre_signed",
        Flag,
        "false",
        "whether clients are given no URLs of the service",
    ),
    Known::used(
        "blockstore.s3.disable_pre_signed_ui",
        Flag,
        "true",
        "whether browsers are told not to use them",
    ),
    Known::used(
        "blockstore.s3.disable_pre_signed_multipart",
        Flag,
        "false",
        "whether clients are given none for the parts of an upload",
    ),
    Known::ignored("blockstore.s3.client_log_retries", Flag, "retries are logged at level debug"),
    Known::ignored("blockstore.s3.client_log_request", Flag, "requests are logged at level debug"),
    Known::ignored("blockstore.gs.s3_endpoint", Text, NO_GS),
    Known::ignored("blockstore.gs.credentials_file", Path, NO_GS),
    Known::ignored("blockstore.gs.credentials_json", Text, NO_GS).secret(),
    Known::ignored("blockstore.gs.pre_signed_expiry", Duration, NO_GS),
    Known::ignored("blockstore.gs.disable_pre_signed", Flag, NO_GS),
    Known::ignored("blockstore.gs.disable_pre_signed_ui", Flag, NO_GS),
    Known::ignored("blockstore.gs.server_side_encryption_customer_supplied", Text, NO_GS).secret(),
    Known::ignored("blockstore.gs.server_side_encryption_kms_key_id", Text, NO_GS),
    Known::ignored("blockstore.gs.data_credentials_file", Path, NO_GS),
    Known::ignored("blockstore.gs.data_credentials_json", Text, NO_GS).secret(),
    Known::ignored("blockstore.azure.storage_account", Text, NO_AZURE),
    Known::ignored("blockstore.azure.storage_access_key", Text, NO_AZURE).secret(),
    Known::ignored("blockstore.azure.domain", Text, NO_AZURE),
    Known::ignored("blockstore.azure.test_endpoint_url", Text, NO_AZURE),
    Known::ignored("blockstore.azure.try_timeout", Duration, NO_AZURE),
    Known::ignored("blockstore.azure.pre_signed_expiry", Duration, NO_AZURE),
    Known::ignored("blockstore.azure.disable_pre_signed", Flag, NO_AZURE),
    Known::ignored("blockstore.azure.disable_pre_signed_ui", Flag, NO_AZURE),
    Known::ignored("blockstore.azure.auth_method", Text, NO_AZURE),
    Known::ignored("blockstore.azure.china_cloud", Flag, NO_AZURE),
];

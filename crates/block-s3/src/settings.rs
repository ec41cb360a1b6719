//! Where S3 is and how it is to be spoken to.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

/// Everything a user may set (the settings `blockstore.s3.*`).
#[derive(Clone, Debug)]
pub struct S3Settings {
    /// `region`: of buckets whose own region is not known.
    pub region: String,
    /// `endpoint`: URL of the service, such as `http://127.0.0.1:9000`. Amazon's of the bucket's
    /// region where it is not set.
    pub endpoint: Option<String>,
    /// `force_path_style`: the bucket stands in the path instead of the host name. It does in any
    /// case where the host is an IP address, or where the bucket's name has a dot and TLS is used.
    pub force_path_style: bool,
    /// `discover_bucket_region`: ask each bucket, once, which region it is in.
    pub discover_bucket_region: bool,
    /// `credentials.*`: used instead of searching for some.
    pub credentials: Option<S3Credentials>,
    /// `profile`: of the shared configuration files, used before the environment.
    pub profile: Option<String>,
    /// `credentials_file`: instead of `~/.aws/credentials`.
    pub credentials_file: Option<PathBuf>,
    /// `web_identity.session_duration`: how long a session is asked for; the role's default where it
    /// is not set.
    pub web_identity_session: Option<Duration>,
    /// `web_identity.session_expiry_window`: so long before they expire, credentials are renewed.
    pub expiry_window: Duration,
    /// `server_side_encryption`: such as `AES256` or `aws:kms`.
    pub server_side_encryption: Option<String>,
    /// `server_side_encryption_kms_key_id`.
    pub server_side_encryption_kms_key_id: Option<String>,
    /// `max_retries`: further attempts after the first.
    pub max_retries: u32,
    /// How long to wait for a connection.
    pub connect_timeout: Duration,
    /// How long to wait while no byte comes or goes.
    pub idle_timeout: Duration,
    /// `skip_verify_certificate_test_only`: trust any certificate.
    pub skip_verify_certificate: bool,
    /// `pre_signed_endpoint`: URL of the service for clients, where it is another one for them.
    pub pre_signed_endpoint: Option<String>,
    /// `pre_signed_expiry`: how long URLs are valid; for whoever calls the store.
    pub pre_signed_expiry: Duration,
    /// `disable_pre_signed`: give out no URLs.
    pub disable_pre_signed: bool,
    /// `disable_pre_signed_ui`: tell browsers not to use them.
    pub disable_pre_signed_ui: bool,
    /// `disable_pre_signed_multipart`: give out none for parts.
    pub disable_pre_signed_multipart: bool,
    /// What hardly anyone needs to change.
    pub tuning: Tuning,
}

impl Default for S3Settings {
    fn default() -> Self {
        Self {
            region: "us-east-1".to_owned(),
            endpoint: None,
            force_path_style: false,
            discover_bucket_region: true,
            credentials: None,
            profile: None,
            credentials_file: None,
            web_identity_session: None,
            expiry_window: Duration::from_secs(5 * 60),
            server_side_encryption: None,
            server_side_encryption_kms_key_id: None,
            max_retries: 5,
            connect_timeout: Duration::from_secs(5),
            idle_timeout: Duration::from_secs(60),
            skip_verify_certificate: false,
            pre_signed_endpoint: None,
            pre_signed_expiry: Duration::from_secs(15 * 60),
            disable_pre_signed: false,
            disable_pre_signed_ui: true,
            disable_pre_signed_multipart: false,
            tuning: Tuning::default(),
        }
    }
}

/// A key pair.
#[derive(Clone, Debug)]
pub struct S3Credentials {
    /// Access key id.
    pub access_key_id: String,
    /// Secret access key.
    pub secret_access_key: SecretString,
    /// Session token, for temporary ones.
    pub session_token: Option<SecretString>,
}

/// Sizes of requests, and what of them is signed.
#[derive(Clone, Debug)]
pub struct Tuning {
    /// A streamed body no longer than this is held in memory, so that it can be sent again.
    pub whole_bytes: usize,
    /// A longer body of known length is sent as one request up to this length, else in parts.
    pub longest_put: u64,
    /// Length of the first parts of a body that is sent in parts; later ones grow to eight times that.
    pub part_bytes: usize,
    /// An object up to this length is copied by one request, a longer one in parts of this length.
    pub longest_copy: u64,
    /// Whether bodies are signed where there is no TLS, so that nobody between can change them.
    pub sign_bodies: bool,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            whole_bytes: 1 << 20,
            longest_put: 5 << 30,
            part_bytes: 8 << 20,
            longest_copy: 1 << 30,
            sign_bodies: true,
        }
    }
}

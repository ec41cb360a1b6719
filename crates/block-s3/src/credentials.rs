//! Who we are to S3: fixed keys, or those that the environment has for us.
//!
//! The search is that of the `reqsign` crate: environment, shared files (profiles, single sign-on,
//! processes), web identity, container and instance metadata, in this order. What was found is kept
//! until shortly before it expires; one search at a time, however many requests wait for it.

use std::time::Duration;

use bytes::Bytes;
use lakehold_clock::Runtime;
use lakehold_clock::Timestamp;
use reqsign_aws_v4::AssumeRoleWithWebIdentityCredentialProvider;
use reqsign_aws_v4::Credential;
use reqsign_aws_v4::DefaultCredentialProvider;
use reqsign_aws_v4::ProfileCredentialProvider;
use reqsign_core::CommandExecute;
use reqsign_core::CommandOutput;
use reqsign_core::Context;
use reqsign_core::Env;
use reqsign_core::FileRead;
use reqsign_core::HttpSend;
use reqsign_core::OsEnv;
use reqsign_core::ProvideCredential as _;
use secrecy::ExposeSecret as _;
use secrecy::SecretString;
use tokio::sync::Mutex;

use crate::http_client::HttpClient;
use crate::settings::S3Credentials;
use crate::settings::S3Settings;

/// Longer answers of a credentials service are none.
const LONGEST_ANSWER: usize = 1 << 20;

/// A key pair and until when it is good.
#[derive(Clone, Debug)]
pub(crate) struct Keys {
    pub(crate) access_key_id: String,
    pub(crate) secret: SecretString,
    pub(crate) token: Option<SecretString>,
    pub(crate) expires: Option<Timestamp>,
}

/// Why there are no credentials.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoCredentials {
    /// Nobody has any.
    #[error(
        "no credentials found: set blockstore.s3.credentials, or AWS_ACCESS_KEY_ID and \
         AWS_SECRET_ACCESS_KEY, or give the machine a role"
    )]
    None,
    /// Somebody should have, but failed.
    #[error("looking for credentials: {0}")]
    Failed(#[from] reqsign_core::Error),
}

/// The credentials of a store.
#[derive(Debug)]
pub(crate) enum Credentials {
    /// Never change.
    Fixed(Keys),
    /// Are searched for, and renewed.
    Found(Box<Search>),
}

/// A search for credentials and what it found last.
#[derive(Debug)]
pub(crate) struct Search {
    provider: DefaultCredentialProvider,
    context: Context,
    runtime: Runtime,
    expiry_window: Duration,
    found: Mutex<Option<Keys>>,
}

impl Credentials {
    pub(crate) fn new(settings: &S3Settings, runtime: &Runtime, http: &HttpClient) -> Self {
        if let Some(given) = &settings.credentials {
            return Self::Fixed(Keys::from(given));
        }
        Self::searching(settings, runtime, http, OsEnv)
    }

    /// Searches `environment`.
    fn searching(
        settings: &S3Settings,
        runtime: &Runtime,
        http: &HttpClient,
        environment: impl Env,
    ) -> Self {
        let context = Context::new()
            .with_env(environment)
            .with_file_read(Files(runtime.clone()))
            .with_http_send(Http(http.clone()))
            .with_command_execute(Commands);
        Self::Found(Box::new(Search {
            provider: provider(settings),
            context,
            runtime: runtime.clone(),
            expiry_window: settings.expiry_window,
            found: Mutex::default(),
        }))
    }

    /// Keys that are good now.
    pub(crate) async fn get(&self) -> Result<Keys, NoCredentials> {
        match self {
            Self::Fixed(keys) => Ok(keys.clone()),
            Self::Found(search) => search.get().await,
        }
    }

    /// Forgets what was found: S3 does not take it any more.
    pub(crate) async fn refresh(&self) {
        if let Self::Found(search) = self {
            *search.found.lock().await = None;
        }
    }
}

impl Search {
    async fn get(&self) -> Result<Keys, NoCredentials> {
        let mut found = self.found.lock().await;
        let needed_until = self.runtime.now().plus(self.expiry_window);
        if let Some(keys) = found.as_ref().filter(|keys| keys.are_good_at(needed_until)) {
            return Ok(keys.clone());
        }
        match self.provider.provide_credential(&self.context).await {
            Ok(Some(credential)) => Ok(found.insert(Keys::from(credential)).clone()),
            searched => self.keep_what_is_left(&found, searched.map(|_| ())),
        }
    }

    /// What cannot be renewed is still good until it expires.
    fn keep_what_is_left(
        &self,
        found: &Option<Keys>,
        searched: Result<(), reqsign_core::Error>,
    ) -> Result<Keys, NoCredentials> {
        match found.as_ref().filter(|keys| keys.are_good_at(self.runtime.now())) {
            Some(keys) => Ok(keys.clone()),
            None => Err(searched.map_or_else(NoCredentials::Failed, |()| NoCredentials::None)),
        }
    }
}

impl Keys {
    fn are_good_at(&self, time: Timestamp) -> bool {
        self.expires.is_none_or(|expires| expires > time)
    }
}

impl From<&S3Credentials> for Keys {
    fn from(given: &S3Credentials) -> Self {
        Self {
            access_key_id: given.access_key_id.clone(),
            secret: given.secret_access_key.clone(),
            token: given.session_token.clone().filter(|token| !token.expose_secret().is_empty()),
            expires: None,
        }
    }
}

impl From<Credential> for Keys {
    fn from(found: Credential) -> Self {
        Self {
            access_key_id: found.access_key_id,
            secret: found.secret_access_key.into(),
            token: found.session_token.map(Into::into),
            expires: found.expires_in.map(|expires| Timestamp::from_seconds(expires.as_second())),
        }
    }
}

fn provider(settings: &S3Settings) -> DefaultCredentialProvider {
    let mut builder = DefaultCredentialProvider::builder();
    let mut profile = ProfileCredentialProvider::new();
    if let Some(file) = &settings.credentials_file {
        profile = profile.with_credentials_file(file.to_string_lossy());
    }
    builder = builder.profile(profile);
    if let Some(name) = &settings.profile {
        builder = builder.with_profile(name).no_env();
    }
    let mut web_identity =
        AssumeRoleWithWebIdentityCredentialProvider::new().with_region(settings.region.clone());
    if let Some(duration) = settings.web_identity_session.filter(|duration| !duration.is_zero()) {
        let seconds = u32::try_from(duration.as_secs()).unwrap_or(u32::MAX);
        web_identity = web_identity.with_duration_seconds(seconds);
    }
    builder.web_identity(web_identity).build()
}

/// Reads the files of credentials off the tasks' threads.
#[derive(Debug)]
struct Files(Runtime);

impl FileRead for Files {
    async fn file_read(&self, path: &str) -> reqsign_core::Result<Vec<u8>> {
        let owned = path.to_owned();
        let read = self.0.blocking(move || std::fs::read(owned)).await;
        read.map_err(|error| {
            reqsign_core::Error::unexpected(format!("cannot read {path}")).with_source(error)
        })
    }
}

/// Asks the services of credentials by our own client.
#[derive(Debug)]
struct Http(HttpClient);

impl HttpSend for Http {
    async fn http_send(
        &self,
        request: http::Request<Bytes>,
    ) -> reqsign_core::Result<http::Response<Bytes>> {
        let host = request.uri().host().unwrap_or_default().to_owned();
        let answer = self.0.exchange(request, LONGEST_ANSWER).await;
        answer.map_err(|error| {
            reqsign_core::Error::unexpected(format!("cannot ask {host}")).with_source(error)
        })
    }
}

/// Runs the processes that profiles name.
#[derive(Debug)]
struct Commands;

impl CommandExecute for Commands {
    async fn command_execute<'a>(
        &'a self,
        program: &'a str,
        arguments: &'a [&'a str],
    ) -> reqsign_core::Result<CommandOutput> {
        let mut command = tokio::process::Command::new(program);
        let output =
            command.args(arguments).kill_on_drop(true).output().await.map_err(|error| {
                reqsign_core::Error::unexpected(format!("cannot run {program}")).with_source(error)
            })?;
        let status = output.status.code().unwrap_or(-1);
        Ok(CommandOutput { status, stdout: output.stdout, stderr: output.stderr })
    }
}

#[cfg(test)]
mod tests;

//! Services over memory, and requests to them.

use std::sync::Arc;

use lakehold_auth::Auth;
use lakehold_auth::AuthError;
use lakehold_auth::AuthSettings;
use lakehold_auth::Credentials;
use lakehold_auth::DEFAULT_LOGIN_DURATION;
use lakehold_auth::Presented;
use lakehold_auth::Setup;
use lakehold_auth::User;
use lakehold_clock::ManualClock;
use lakehold_clock::Runtime;
use lakehold_kv::MemStore;
use lakehold_kv::Store;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

pub(crate) const SECRET_KEY: &[u8] = b"some-secret-for-tests-0123456789";
pub(crate) const ACCESS_KEY: &str = "AKIAIOSFOLQUICKSTART";
pub(crate) const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

pub(crate) type Answer = Result<Option<Arc<User>>, AuthError>;

pub(crate) fn settings() -> AuthSettings {
    AuthSettings { secret_key: SECRET_KEY.to_vec(), login_duration: DEFAULT_LOGIN_DURATION }
}

pub(crate) fn service(kv: Arc<dyn Store>) -> (Auth, Arc<ManualClock>) {
    let (runtime, clock) = Runtime::seeded(1);
    (Auth::new(kv, runtime, settings()), clock)
}

pub(crate) fn operator() -> Setup {
    let key = Some((ACCESS_KEY.to_owned(), SECRET.to_owned()));
    Setup { username: "operator".into(), key, email: None }
}

/// A service over memory whose administrator is `operator` with the well-known keys.
pub(crate) async fn set_up() -> (Auth, Arc<ManualClock>, MemStore) {
    let kv = MemStore::new();
    let (auth, clock) = service(Arc::new(kv.clone()));
    drop(auth.setup(operator()).await.expect("set up"));
    (auth, clock, kv)
}

pub(crate) fn basic(access_key_id: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{access_key_id}:{secret}")))
}

pub(crate) async fn with_authorization(auth: &Auth, value: &str) -> Answer {
    auth.authenticate(&Presented { authorization: Some(value), cookies: vec![] }).await
}

pub(crate) async fn with_keys(auth: &Auth, keys: &Credentials) -> Answer {
    with_authorization(auth, &basic(&keys.access_key_id, &keys.secret_access_key)).await
}

pub(crate) async fn with_cookie(auth: &Auth, header: &str) -> Answer {
    auth.authenticate(&Presented { authorization: None, cookies: vec![header] }).await
}

pub(crate) fn is_operator(answer: &Answer) -> bool {
    matches!(answer, Ok(Some(user)) if user.id == "operator")
}

pub(crate) fn is_refused(answer: &Answer) -> bool {
    matches!(answer, Err(AuthError::NotAuthenticated))
}

//! Login tokens and session cookies: made and checked, never stored.
//!
//! A token is a JWT signed with the installation's secret key. A session cookie carries a token in a
//! signed wrapping of our own, so that a bare token pasted into the cookie is told apart from a
//! session, and a cookie of another program is recognised as not ours:
//!
//! ```text
//! cookie = base64url without padding ( HMAC-SHA256(secret key, "lakehold session 1\0" token) (32) ++ token )
//! ```
//!
//! It has no dot, a token has two: one text is never both. There is no refresh and no revocation; a
//! token is good until it expires, as long as its user exists.

use std::fmt;
use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::Hmac;
use hmac::KeyInit as _;
use hmac::Mac as _;
use jsonwebtoken::Algorithm;
use jsonwebtoken::DecodingKey;
use jsonwebtoken::EncodingKey;
use jsonwebtoken::Header;
use jsonwebtoken::Validation;
use jsonwebtoken::crypto::aws_lc;
use serde::Deserialize;
use serde::Serialize;
use sha2::Sha256;

use lakehold_clock::Timestamp;

/// Who makes the tokens, and what they are for. Other programs check both.
const ISSUER: &str = "auth";
const AUDIENCE: &str = "login";
/// Keeps what signs a cookie apart from what signs a token: both use the one secret key.
const COOKIE_DOMAIN: &[u8] = b"lakehold session 1\0";
const MAC_BYTES: usize = 32;

/// What login gives.
#[derive(Clone)]
pub struct Session {
    /// The JWT, for `Authorization: Bearer`.
    pub token: String,
    /// When it expires, in Unix seconds.
    pub expires: i64,
    /// Value of the cookie `internal_auth_session`.
    pub cookie: String,
}

impl fmt::Debug for Session {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Session").field("expires", &self.expires).finish_non_exhaustive()
    }
}

/// Makes and checks tokens.
pub(crate) struct Tokens {
    encoding: EncodingKey,
    decoding: DecodingKey,
    cookies: Hmac<Sha256>,
    validation: Validation,
}

#[derive(Serialize)]
struct NewClaims<'a> {
    jti: &'a str,
    iss: &'static str,
    aud: &'static str,
    sub: &'a str,
    iat: i64,
    exp: i64,
}

/// The claims that decide. Numbers may have a fraction.
#[derive(Deserialize)]
struct Claims {
    sub: Option<String>,
    aud: Option<Audience>,
    exp: Option<f64>,
    nbf: Option<f64>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

impl Tokens {
    pub(crate) fn new(secret_key: &[u8]) -> Self {
        install_crypto_provider();
        Self {
            encoding: EncodingKey::from_secret(secret_key),
            decoding: DecodingKey::from_secret(secret_key),
            cookies: Hmac::new_from_slice(secret_key).expect("HMAC takes keys of any length"),
            validation: signatures_only(),
        }
    }

    /// A session of `user` until `expires` (Unix seconds). `id` names the token.
    pub(crate) fn session(&self, user: &str, id: &str, now: Timestamp, expires: i64) -> Session {
        let claims = NewClaims {
            jti: id,
            iss: ISSUER,
            aud: AUDIENCE,
            sub: user,
            iat: now.seconds,
            exp: expires,
        };
        let token = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.encoding)
            .expect("texts and numbers are JSON, and the key fits the algorithm");
        let cookie = self.cookie_of(&token);
        Session { token, expires, cookie }
    }

    /// The user whom `token` names, or `None` where it is not a token of ours that is good `now`.
    pub(crate) fn user_of(&self, token: &str, now: Timestamp) -> Option<String> {
        let decoded = jsonwebtoken::decode::<Claims>(token, &self.decoding, &self.validation);
        let claims = decoded.ok()?.claims;
        claims.are_good_at(now).then_some(claims.sub).flatten()
    }

    /// The value of a cookie that carries `token`.
    fn cookie_of(&self, token: &str) -> String {
        let mac = self.mac_over(token.as_bytes()).finalize().into_bytes();
        URL_SAFE_NO_PAD.encode([&mac[..], token.as_bytes()].concat())
    }

    /// The token that the value of a cookie carries, or `None` where it is no cookie of ours.
    pub(crate) fn token_in(&self, cookie: &str) -> Option<String> {
        let signed = URL_SAFE_NO_PAD.decode(cookie).ok()?;
        let (mac, token) = signed.split_at_checked(MAC_BYTES)?;
        self.mac_over(token).verify_slice(mac).ok()?;
        String::from_utf8(token.to_vec()).ok()
    }

    fn mac_over(&self, token: &[u8]) -> Hmac<Sha256> {
        self.cookies.clone().chain_update(COOKIE_DOMAIN).chain_update(token)
    }
}

impl Claims {
    fn are_good_at(&self, now: Timestamp) -> bool {
        // Exact: 53 bits hold the seconds of any moment that a token can name.
        let now = now.seconds as f64;
        let alive = self.exp.is_some_and(|exp| now < exp);
        let begun = self.nbf.is_none_or(|nbf| nbf <= now);
        alive && begun && self.aud.as_ref().is_none_or(Audience::includes_login)
    }
}

impl Audience {
    fn includes_login(&self) -> bool {
        match self {
            Self::One(audience) => audience.is_empty() || audience == AUDIENCE,
            Self::Several(all) => all.is_empty() || all.iter().any(|one| one == AUDIENCE),
        }
    }
}

/// The library checks the signature. It would take the time from the system's clock, so that what
/// depends on time, and the rest with it, is checked here.
fn signatures_only() -> Validation {
    let mut validation = Validation::new(Algorithm::HS256);
    validation.algorithms = vec![Algorithm::HS256, Algorithm::HS384, Algorithm::HS512];
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    validation
}

/// Without one, or with several to choose from, the library panics at its first use.
fn install_crypto_provider() {
    static INSTALLED: OnceLock<()> = OnceLock::new();
    INSTALLED.get_or_init(|| {
        // An error means that somebody else installed one before us, which is as good.
        let _ = aws_lc::DEFAULT_PROVIDER.install_default();
    });
}

#[cfg(test)]
mod tests;

//! What a request says of its sender, and which of it counts.
//!
//! Five schemes, looked at in this order; the first that is *present* decides, and where it is wrong
//! the request is refused, without a look at the next:
//!
//! | scheme | where | when it is not decodable |
//! | --- | --- | --- |
//! | `jwt_token` | `Authorization: Bearer <token>` | refused |
//! | `basic_auth` | `Authorization: Basic <base64 of key id:secret>` | refused |
//! | `cookie_auth` | cookie `internal_auth_session` | as if it were not there |
//! | `oidc_auth` | cookie `oidc_auth_session` | refused |
//! | `saml_auth` | cookie `saml_auth_session` | refused |
//!
//! No sign-on provider writes the last two yet, so that in them too only a session of ours is
//! decodable. A client that puts a bare value into its `Cookie` header (one without any `=`, which a
//! generated client does when told to use an API key) is understood as well: the last word is taken
//! as a session value, then as a token.

use std::fmt;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::GeneralPurpose;
use base64::engine::GeneralPurposeConfig;
use secrecy::SecretString;

use crate::tokens::Tokens;

const SESSION_COOKIE: &str = "internal_auth_session";
const SIGN_ON_COOKIES: [&str; 2] = ["oidc_auth_session", "saml_auth_session"];

/// Clients differ in whether they pad.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What a request brought along to prove who sends it.
#[derive(Clone, Default)]
pub struct Presented<'a> {
    /// Value of the `Authorization` header.
    pub authorization: Option<&'a str>,
    /// Values of all `Cookie` headers.
    pub cookies: Vec<&'a str>,
}

impl fmt::Debug for Presented<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Presented")
            .field("has_authorization", &self.authorization.is_some())
            .field("cookie_headers", &self.cookies.len())
            .finish_non_exhaustive()
    }
}

/// Who a request says it is from, not yet checked.
pub(crate) enum Claim {
    /// Whoever the token names.
    Token(String),
    /// Whoever owns this key pair.
    KeyPair { access_key_id: String, secret: SecretString },
    /// A scheme was used, but what it carries cannot be read.
    Unreadable,
}

impl Claim {
    /// The claim that counts, or `None` where nothing was presented.
    pub(crate) fn of(presented: &Presented<'_>, tokens: &Tokens) -> Option<Self> {
        presented
            .authorization
            .and_then(Self::of_authorization)
            .or_else(|| Self::of_session_cookie(presented, tokens))
            .or_else(|| Self::of_sign_on_cookies(presented, tokens))
    }

    fn of_authorization(header: &str) -> Option<Self> {
        let mut words = header.split_ascii_whitespace();
        match (words.next()?, words.next(), words.next()) {
            (scheme, Some(token), None) if scheme.eq_ignore_ascii_case("bearer") => {
                Some(Self::Token(token.to_owned()))
            }
            (scheme, text, None) if scheme.eq_ignore_ascii_case("basic") => {
                Some(text.and_then(key_pair_in).unwrap_or(Self::Unreadable))
            }
            _ => None,
        }
    }

    fn of_session_cookie(presented: &Presented<'_>, tokens: &Tokens) -> Option<Self> {
        let token = match cookie(presented, SESSION_COOKIE) {
            Some(value) => tokens.token_in(value),
            None => presented.cookies.iter().find_map(|header| token_in_bare(header, tokens)),
        };
        token.map(Self::Token)
    }

    fn of_sign_on_cookies(presented: &Presented<'_>, tokens: &Tokens) -> Option<Self> {
        let value = SIGN_ON_COOKIES.iter().find_map(|name| cookie(presented, name))?;
        Some(tokens.token_in(value).map_or(Self::Unreadable, Self::Token))
    }
}

fn key_pair_in(text: &str) -> Option<Claim> {
    let decoded = String::from_utf8(BASE64.decode(text).ok()?).ok()?;
    let (access_key_id, secret) = decoded.split_once(':')?;
    Some(Claim::KeyPair { access_key_id: access_key_id.to_owned(), secret: secret.into() })
}

/// The value of the first cookie of that name that has one.
fn cookie<'a>(presented: &Presented<'a>, name: &str) -> Option<&'a str> {
    presented
        .cookies
        .iter()
        .flat_map(|header| header.split(';'))
        .filter_map(|pair| pair.split_once('='))
        .filter(|(found, _)| found.trim() == name)
        .map(|(_, value)| value.trim().trim_matches('"'))
        .find(|value| !value.is_empty())
}

fn token_in_bare(header: &str, tokens: &Tokens) -> Option<String> {
    if header.contains('=') {
        return None;
    }
    let word = header.split_ascii_whitespace().next_back()?;
    let is_token = word.split('.').count() == 3;
    tokens.token_in(word).or_else(|| is_token.then(|| word.to_owned()))
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    fn claim(authorization: Option<&str>, cookies: &[&str]) -> String {
        let tokens = Tokens::new(b"key");
        match Claim::of(&Presented { authorization, cookies: cookies.to_vec() }, &tokens) {
            None => "nothing".into(),
            Some(Claim::Unreadable) => "unreadable".into(),
            Some(Claim::Token(token)) => format!("token {token}"),
            Some(Claim::KeyPair { access_key_id, secret }) => {
                format!("{access_key_id} {}", secret.expose_secret())
            }
        }
    }

    #[test]
    fn a_bearer_header_is_exactly_two_words() {
        assert_eq!(claim(Some("Bearer a.b.c"), &[]), "token a.b.c");
        assert_eq!(claim(Some("bEARER  a.b.c "), &[]), "token a.b.c");
        assert_eq!(claim(Some("Bearer"), &[]), "nothing");
        assert_eq!(claim(Some("Bearer a b"), &[]), "nothing");
        assert_eq!(claim(Some("AWS4-HMAC-SHA256 Credential=x"), &[]), "nothing");
        assert_eq!(claim(Some(""), &[]), "nothing");
    }

    #[test]
    fn a_basic_header_is_split_at_its_first_colon() {
        assert_eq!(claim(Some("Basic QUtJQTpzZWM6cmV0"), &[]), "AKIA sec:ret");
        assert_eq!(claim(Some("basic QUtJQTo="), &[]), "AKIA ");
        assert_eq!(claim(Some("basic QUtJQTo"), &[]), "AKIA ", "padding is optional");
        for unreadable in ["Basic", "Basic !", "Basic QUtJQQ==", "Basic //8="] {
            assert_eq!(claim(Some(unreadable), &[]), "unreadable", "{unreadable}");
        }
    }

    #[test]
    fn cookies_are_found_wherever_they_stand() {
        let session = Tokens::new(b"key").session("u", "id", Default::default(), 1);
        let expected = format!("token {}", session.token);
        let named = format!("internal_auth_session={}", session.cookie);
        assert_eq!(claim(None, &[&named]), expected);
        assert_eq!(claim(None, &["a=1", &format!("b=2; {named} ;c=3")]), expected);
        assert_eq!(claim(None, &[&format!("internal_auth_session=; {named}")]), expected);
        assert_eq!(claim(None, &[&format!("oidc_auth_session={}", session.cookie)]), expected);
        assert_eq!(claim(None, &[&format!("saml_auth_session=\"{}\"", session.cookie)]), expected);
    }

    #[test]
    fn an_undecodable_session_is_ignored_and_an_undecodable_sign_on_is_not() {
        assert_eq!(claim(None, &["internal_auth_session=garbage"]), "nothing");
        assert_eq!(claim(None, &["oidc_auth_session=garbage"]), "unreadable");
        assert_eq!(claim(None, &["saml_auth_session=garbage"]), "unreadable");
        assert_eq!(claim(None, &["oidc_auth_session=; saml_auth_session="]), "nothing");
        assert_eq!(claim(None, &["internal_auth_session=x; saml_auth_session=y"]), "unreadable");
    }

    #[test]
    fn a_bare_value_is_a_session_or_a_token() {
        let session = Tokens::new(b"key").session("u", "id", Default::default(), 1);
        let expected = format!("token {}", session.token);
        assert_eq!(claim(None, &[&session.cookie]), expected);
        assert_eq!(claim(None, &[&format!("Token {}", session.cookie)]), expected);
        assert_eq!(claim(None, &[&session.token]), expected);
        assert_eq!(claim(None, &["garbage"]), "nothing");
        assert_eq!(claim(None, &["a=1; garbage"]), "nothing");
    }

    #[test]
    fn the_first_scheme_present_decides() {
        let session = Tokens::new(b"key").session("u", "id", Default::default(), 1);
        let cookie = format!("internal_auth_session={}", session.cookie);
        assert_eq!(claim(Some("Bearer a.b.c"), &[&cookie]), "token a.b.c");
        assert_eq!(claim(Some("Basic !"), &[&cookie]), "unreadable");
        assert_eq!(claim(Some("Digest x"), &[&cookie]), format!("token {}", session.token));
        let both = format!("saml_auth_session=garbage; {cookie}");
        assert_eq!(claim(None, &[&both]), format!("token {}", session.token));
    }

    #[test]
    fn debug_shows_nothing_that_was_presented() {
        let presented = Presented { authorization: Some("Basic c2Vj"), cookies: vec!["a=ret"] };
        let shown = format!("{presented:?}");
        assert!(!shown.contains("c2Vj") && !shown.contains("ret"), "{shown}");
    }
}

use proptest::prelude::*;
use serde_json::Value;
use serde_json::json;

use super::*;

const KEY: &[u8] = b"some-secret-for-tests-0123456789";
const NOW: Timestamp = Timestamp::from_seconds(1_700_000_000);

fn tokens() -> Tokens {
    Tokens::new(KEY)
}

fn signed(algorithm: Algorithm, claims: &Value) -> String {
    install_crypto_provider();
    jsonwebtoken::encode(&Header::new(algorithm), claims, &EncodingKey::from_secret(KEY))
        .expect("signed")
}

fn user_of(claims: &Value) -> Option<String> {
    tokens().user_of(&signed(Algorithm::HS256, claims), NOW)
}

#[test]
fn a_session_names_its_user_until_it_expires() {
    let session = tokens().session("operator", "id", NOW, NOW.seconds + 60);
    let user_at = |seconds| tokens().user_of(&session.token, Timestamp::from_seconds(seconds));
    assert_eq!(user_at(NOW.seconds).as_deref(), Some("operator"));
    assert_eq!(user_at(NOW.seconds + 59).as_deref(), Some("operator"));
    assert_eq!(user_at(NOW.seconds + 60), None);
}

#[test]
fn the_claims_are_those_that_other_programs_expect() {
    let session = tokens().session("operator", "the-id", NOW, NOW.seconds + 60);
    let mut parts = session.token.split('.');
    let part = |text: Option<&str>| -> Value {
        let bytes = URL_SAFE_NO_PAD.decode(text.expect("three parts")).expect("base64url");
        serde_json::from_slice(&bytes).expect("JSON")
    };
    assert_eq!(part(parts.next())["alg"], "HS256");
    let expected = json!({
        "jti": "the-id", "iss": "auth", "aud": "login", "sub": "operator",
        "iat": 1_700_000_000, "exp": 1_700_000_060,
    });
    assert_eq!(part(parts.next()), expected);
}

#[test]
fn all_three_hmac_algorithms_are_accepted() {
    let claims = json!({"sub": "operator", "exp": NOW.seconds + 1});
    for algorithm in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
        let user = tokens().user_of(&signed(algorithm, &claims), NOW);
        assert_eq!(user.as_deref(), Some("operator"), "{algorithm:?}");
    }
}

#[test]
fn a_token_without_signature_is_refused_whatever_it_claims() {
    let unsigned = |header: &str| {
        let claims = json!({"sub": "operator", "exp": NOW.seconds + 1}).to_string();
        format!("{}.{}.", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims))
    };
    for header in [r#"{"alg":"none"}"#, r#"{"alg":"HS256"}"#, r#"{"alg":"RS256"}"#, "{}"] {
        assert_eq!(tokens().user_of(&unsigned(header), NOW), None, "{header}");
    }
}

#[test]
fn the_audience_is_login_or_nothing() {
    let with = |audience: Value| user_of(&json!({"sub": "u", "exp": 2e9, "aud": audience}));
    assert!(user_of(&json!({"sub": "u", "exp": 2e9})).is_some());
    for good in [json!("login"), json!(""), json!([]), json!(["other", "login"])] {
        assert!(with(good.clone()).is_some(), "{good}");
    }
    for bad in [json!("other"), json!(["other"]), json!("Login"), json!(7)] {
        assert!(with(bad.clone()).is_none(), "{bad}");
    }
}

#[test]
fn expiry_and_user_are_required() {
    assert!(user_of(&json!({"sub": "u"})).is_none());
    assert!(user_of(&json!({"exp": 2e9})).is_none());
    assert!(user_of(&json!({"sub": "u", "exp": "2000000000"})).is_none());
    assert!(user_of(&json!({"sub": "u", "exp": 2e9, "nbf": NOW.seconds + 1})).is_none());
    assert!(user_of(&json!({"sub": "u", "exp": 1_700_000_000.5, "nbf": NOW.seconds})).is_some());
}

#[test]
fn a_cookie_carries_its_token_and_any_change_makes_it_unreadable() {
    let session = tokens().session("operator", "id", NOW, NOW.seconds + 60);
    assert_eq!(tokens().token_in(&session.cookie), Some(session.token.clone()));
    assert_eq!(Tokens::new(b"other").token_in(&session.cookie), None);
    assert_eq!(tokens().token_in(&session.token), None);
    for place in 0..session.cookie.len() {
        let mut changed = session.cookie.clone().into_bytes();
        changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).expect("ASCII");
        assert_eq!(tokens().token_in(&changed), None, "character {place}");
    }
}

#[test]
fn the_signature_of_a_token_does_not_sign_a_cookie() {
    let session = tokens().session("operator", "id", NOW, NOW.seconds + 60);
    let (message, signature) = session.token.rsplit_once('.').expect("three parts");
    let mac = URL_SAFE_NO_PAD.decode(signature).expect("base64url");
    let forged = URL_SAFE_NO_PAD.encode([&mac[..], message.as_bytes()].concat());
    assert_eq!(tokens().token_in(&forged), None);
}

#[test]
fn debug_shows_no_token() {
    let session = tokens().session("operator", "id", NOW, NOW.seconds + 60);
    let shown = format!("{session:?}");
    assert!(!shown.contains("eyJ") && !shown.contains(&session.cookie), "{shown}");
}

proptest! {
    #[test]
    fn any_text_is_refused(text in ".{0,200}") {
        prop_assert_eq!(tokens().user_of(&text, NOW), None);
        prop_assert_eq!(tokens().token_in(&text), None);
    }

    #[test]
    fn any_claims_are_judged(sub in ".{0,9}", exp: f64, nbf: Option<f64>) {
        drop(user_of(&json!({"sub": sub, "exp": exp, "nbf": nbf})));
    }
}

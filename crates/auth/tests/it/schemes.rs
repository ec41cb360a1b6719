//! Each of the five schemes, with success and failure.

use std::time::Duration;

use proptest::prelude::*;

use lakehold_auth::AuthError;
use lakehold_auth::Permission;
use lakehold_auth::Presented;

use crate::fixture::ACCESS_KEY;
use crate::fixture::SECRET;
use crate::fixture::basic;
use crate::fixture::is_operator;
use crate::fixture::is_refused;
use crate::fixture::set_up;
use crate::fixture::with_authorization;
use crate::fixture::with_cookie;

#[tokio::test]
async fn a_request_that_presents_nothing_is_from_nobody() {
    let (auth, _, _) = set_up().await;
    let nobody = auth.authenticate(&Presented::default()).await;
    assert!(matches!(nobody, Ok(None)), "{nobody:?}");
    assert!(matches!(with_authorization(&auth, "Digest x").await, Ok(None)));
    assert!(matches!(with_cookie(&auth, "internal_auth_session=garbage").await, Ok(None)));
}

#[tokio::test]
async fn keys_are_accepted_and_wrong_ones_all_refused_alike() {
    let (auth, _, _) = set_up().await;
    for _ in 0..2 {
        assert!(is_operator(&with_authorization(&auth, &basic(ACCESS_KEY, SECRET)).await));
    }
    let longer = format!("{SECRET}x");
    let too_long = "A".repeat(100_000);
    for (key, secret) in [
        (ACCESS_KEY, "wrong"),
        (ACCESS_KEY, ""),
        (ACCESS_KEY, &SECRET[1..]),
        (ACCESS_KEY, &longer),
        ("AKIAJNOSUCHKEYAAAAAQ", SECRET),
        ("", ""),
        (&too_long, SECRET),
        ("../../../users/superAdmin", SECRET),
    ] {
        let answer = with_authorization(&auth, &basic(key, secret)).await;
        assert!(is_refused(&answer), "{answer:?}");
        let login = auth.login(key, secret).await;
        assert!(matches!(login, Err(AuthError::NotAuthenticated)), "{login:?}");
    }
    assert!(is_refused(&with_authorization(&auth, "Basic !").await));
}

#[tokio::test]
async fn a_login_is_good_as_token_and_as_cookie_until_it_expires() {
    let (auth, clock, _) = set_up().await;
    let session = auth.login(ACCESS_KEY, SECRET).await.expect("logged in");
    assert_eq!(session.expires, 1_700_000_000 + 7 * 24 * 60 * 60);
    let bearer = format!("Bearer {}", session.token);
    let cookies = [
        format!("internal_auth_session={}", session.cookie),
        format!("other=1; internal_auth_session={}; last=2", session.cookie),
        format!("oidc_auth_session={}", session.cookie),
        format!("saml_auth_session={}", session.cookie),
        session.cookie.clone(),
        format!("Token {}", session.cookie),
        session.token.clone(),
    ];

    assert!(is_operator(&with_authorization(&auth, &bearer).await));
    for cookie in &cookies {
        assert!(is_operator(&with_cookie(&auth, cookie).await), "{cookie}");
    }

    clock.advance(Duration::from_secs(7 * 24 * 60 * 60 - 1));
    assert!(is_operator(&with_authorization(&auth, &bearer).await));
    clock.advance(Duration::from_secs(1));
    assert!(is_refused(&with_authorization(&auth, &bearer).await));
    for cookie in &cookies {
        assert!(is_refused(&with_cookie(&auth, cookie).await), "{cookie}");
    }
}

#[tokio::test]
async fn a_changed_token_is_refused() {
    let (auth, _, _) = set_up().await;
    let token = auth.login(ACCESS_KEY, SECRET).await.expect("logged in").token;
    for wrong in [format!("{token}x"), token[..token.len() - 1].to_owned(), "x".into()] {
        assert!(is_refused(&with_authorization(&auth, &format!("Bearer {wrong}")).await));
    }
    let unknown = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZG1pbiJ9.c2lnbmF0dXJl";
    assert!(is_refused(&with_authorization(&auth, &format!("Bearer {unknown}")).await));
    assert!(is_refused(&with_cookie(&auth, unknown).await), "a bare token is a token");
}

#[tokio::test]
async fn a_token_of_a_user_who_is_not_there_is_refused() {
    let (auth, _, _) = set_up().await;
    let (other, _) = crate::fixture::service(std::sync::Arc::new(lakehold_kv::MemStore::new()));
    let token = auth.login(ACCESS_KEY, SECRET).await.expect("logged in").token;
    assert!(is_refused(&with_authorization(&other, &format!("Bearer {token}")).await));
}

#[tokio::test]
async fn cookies_of_a_sign_on_provider_that_cannot_be_read_are_refused() {
    let (auth, _, _) = set_up().await;
    assert!(is_refused(&with_cookie(&auth, "oidc_auth_session=garbage").await));
    assert!(is_refused(&with_cookie(&auth, "saml_auth_session=garbage").await));
}

#[tokio::test]
async fn the_one_user_may_do_everything() {
    let (auth, _, _) = set_up().await;
    let answer = with_authorization(&auth, &basic(ACCESS_KEY, SECRET)).await;
    let user = answer.expect("authenticated").expect("someone");
    let everything = Permission { action: "fs:DeleteRepository", resource: "*".into() };
    assert_eq!(auth.authorize(&user, &[everything]).await.expect("decided"), Ok(()));
}

#[tokio::test]
async fn debug_shows_no_secret() {
    let (auth, _, _) = set_up().await;
    drop(with_authorization(&auth, &basic(ACCESS_KEY, SECRET)).await);
    let shown =
        format!("{auth:?} {:?} {:?}", crate::fixture::settings(), crate::fixture::operator());
    assert!(!shown.contains(SECRET) && !shown.contains("some-secret"), "{shown}");
    assert!(!shown.contains("115, 111, 109, 101"), "the secret key as numbers: {shown}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn whatever_is_presented_is_judged(
        authorization in prop::option::of("((?i:basic|bearer|aws) )?.{0,40}"),
        encoded in prop::option::of(".{0,20}"),
        cookies in prop::collection::vec(
            "((internal|oidc|saml)_auth_session)?=?[a-zA-Z0-9_.;= \"-]{0,60}", 0..3),
    ) {
        let tokio = tokio::runtime::Builder::new_current_thread().build().expect("runtime");
        tokio.block_on(async {
            let (auth, _) = crate::fixture::service(std::sync::Arc::new(lakehold_kv::MemStore::new()));
            let encoded = encoded.map(|text| basic(&text, &text));
            let presented = Presented {
                authorization: encoded.as_deref().or(authorization.as_deref()),
                cookies: cookies.iter().map(String::as_str).collect(),
            };
            let answer = auth.authenticate(&presented).await;
            assert!(is_refused(&answer) || matches!(answer, Ok(None)), "{answer:?}");
        });
    }
}

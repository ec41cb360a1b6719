//! Keys out of a profile's file; the rest of the search is tested where it is.

use std::fs;

use lakehold_block::BlockStore as _;
use lakehold_block_s3::S3BlockStore;
use lakehold_block_s3::S3Settings;
use lakehold_clock::Runtime;

use crate::proxy::Proxy;
use crate::proxy::header;
use crate::support::Lake;
use crate::support::is_moto;
use crate::support::server;
use crate::support::told;

#[tokio::test]
async fn keys_are_those_of_the_profile() {
    if !is_moto() {
        return;
    }
    let home = tempfile::tempdir().expect("a folder");
    let file = home.path().join("credentials");
    fs::write(
        &file,
        "[default]\naws_access_key_id = AKIADEFAULT\naws_secret_access_key = s1\n\
         [lake]\naws_access_key_id = AKIALAKE\naws_secret_access_key = s2\n",
    )
    .expect("write");
    let proxy = Proxy::before(&server().endpoint).await;
    let lake = Lake::new().await;
    let behind = lake.and(S3Settings {
        credentials: None,
        profile: Some("lake".to_owned()),
        credentials_file: Some(file),
        ..server().settings(Some(&proxy.endpoint))
    });
    behind.put("x", "bytes").await;
    let heads = proxy.heads("PUT", "/x");
    assert!(header(&heads[0], "authorization").contains("Credential=AKIALAKE/"), "{heads:?}");
}

#[tokio::test]
async fn a_profile_that_is_not_there_is_told() {
    let home = tempfile::tempdir().expect("a folder");
    let settings = S3Settings {
        credentials: None,
        profile: Some("missing".to_owned()),
        credentials_file: Some(home.path().join("credentials")),
        ..server().settings(None)
    };
    let store = S3BlockStore::new(settings, Runtime::real()).expect("settings");
    let lake = Lake { store, bucket: "lake".to_owned() };
    let refused = lake.store.head(&lake.key("x")).await.expect_err("there are no keys");
    assert!(told(&refused).contains("credentials"), "{}", told(&refused));
}

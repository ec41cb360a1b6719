//! TLS: a certificate that nobody vouches for is refused, unless that is wanted.

use lakehold_block::BlockStore as _;
use lakehold_block_s3::S3BlockStore;
use lakehold_block_s3::S3Settings;
use lakehold_clock::Runtime;

use crate::support::Lake;
use crate::support::Server;
use crate::support::pattern;
use crate::support::told;

#[tokio::test]
async fn a_certificate_that_nobody_knows_is_refused_unless_told_otherwise() {
    let server = Server::start(&["--tls"]);
    let lake = |skip_verify_certificate| {
        let settings =
            S3Settings { skip_verify_certificate, max_retries: 0, ..server.settings(None) };
        let store = S3BlockStore::new(settings, Runtime::real()).expect("settings");
        Lake { store, bucket: "lake".to_owned() }
    };
    let refused = lake(false).store.head(&lake(false).key("x")).await.expect_err("unknown");
    let text = told(&refused);
    assert!(text.contains("certificate"), "{text}");

    let trusting = lake(true);
    let refused = trusting.store.put(&trusting.key("x"), pattern(10).into()).await;
    let text = told(&refused.expect_err("there is no bucket yet"));
    assert!(text.contains("NoSuchBucket"), "{text}");
}

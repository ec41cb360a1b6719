//! URLs that a client may use by itself: whether there are any is what the store says of itself.

use std::time::Duration;

use super::Checked;

const TTL: Duration = Duration::from_secs(60);

pub(super) async fn all(namespace: &Checked<'_>) {
    let told = namespace.store.description();
    let store = namespace.store;
    let address = namespace.address("presigned/x");
    let get = store.presign_get(&address, TTL, Some("x.csv")).await.expect("presign");
    let put = store.presign_put(&address, TTL).await.expect("presign");
    let upload = store.create_multipart(&address).await.expect("create");
    let part = store.presign_part(&address, &upload, 1, TTL).await.expect("presign");
    store.abort_multipart(&address, &upload).await.expect("abort");

    assert_eq!((get.is_some(), put.is_some()), (told.can_presign, told.can_presign));
    assert_eq!(part.is_some(), told.can_presign_multipart);
    for url in [get, put, part].into_iter().flatten() {
        assert!(url.url.starts_with("http"), "{url:?}");
        assert!(!format!("{url:?}").contains("http"), "a URL must not get into logs");
    }
}

//! The checks that every [`BlockStore`] must pass.
//!
//! A driver's tests call [`all`] with an empty namespace of theirs; each check names the sentence of
//! the contract that it checks, and cleans up after itself where a later one would notice.

mod conditional;
mod multipart;
mod presigned;
mod sources;

use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt as _;
use futures::future;
use futures::stream;

use crate::Address;
use crate::BlockStore;
use crate::Body;
use crate::BoxError;
use crate::Error;
use crate::Listed;
use crate::StorageNamespace;

/// More than a driver would treat as small, and no multiple of anything.
const BIG_BYTES: usize = 3 * 1_024 * 1_024 + 77;

/// Runs all of them in `namespace`, which must be empty.
pub async fn all(store: &dyn BlockStore, namespace: &StorageNamespace) {
    let namespace = Checked { store, namespace };
    namespace.what_is_put_can_be_read().await;
    namespace.a_range_is_the_bytes_between_its_ends().await;
    namespace.a_range_beyond_the_end_is_an_error().await;
    namespace.a_body_of_unknown_length_is_stored_whole().await;
    namespace.what_was_never_put_is_not_found().await;
    namespace.a_body_of_another_length_leaves_nothing().await;
    namespace.a_failing_producer_leaves_nothing().await;
    namespace.a_dropped_put_leaves_nothing().await;
    namespace.a_dropped_body_does_no_harm().await;
    namespace.the_same_bytes_may_be_put_twice().await;
    namespace.what_is_deleted_is_gone().await;
    namespace.a_copy_does_not_depend_on_its_source().await;
    namespace.odd_names_are_names().await;
    namespace.many_puts_at_once_are_all_stored().await;
    namespace.a_listing_is_in_byte_order_and_in_pages().await;
    namespace.a_listing_stays_in_its_namespace().await;
    namespace.a_shown_address_is_parsed_as_itself().await;
    conditional::all(&namespace).await;
    multipart::all(&namespace).await;
    presigned::all(&namespace).await;
    sources::all(&namespace).await;
    namespace.what_was_put_is_there_after_closing().await;
}

/// A namespace of the store that is checked.
struct Checked<'a> {
    store: &'a dyn BlockStore,
    namespace: &'a StorageNamespace,
}

impl Checked<'_> {
    fn address(&self, name: &str) -> Address {
        Address::relative(self.namespace, name)
    }

    async fn put(&self, name: &str, body: impl Into<Bytes>) {
        let body = body.into();
        let length = body.len() as u64;
        let stored = self.store.put(&self.address(name), Body::Whole(body)).await;
        assert_eq!(stored.expect("put"), length, "{name}");
    }

    async fn read(&self, name: &str) -> Bytes {
        let body = self.store.get(&self.address(name), None).await.expect("get");
        body.collect(usize::MAX).await.expect("read")
    }

    async fn names(&self, prefix: &str, after: &str, limit: usize) -> Vec<String> {
        let listed = self.store.list(self.namespace, prefix, after, limit).await.expect("list");
        listed.into_iter().map(|Listed { name, .. }| name).collect()
    }

    async fn assert_absent(&self, name: &str) {
        let address = self.address(name);
        let found = self.store.get(&address, None).await;
        assert!(matches!(found, Err(Error::NotFound(_))), "{name}: {found:?}");
        assert_eq!(self.store.head(&address).await.expect("head"), None, "{name}");
        assert!(self.names(name, "", 10).await.is_empty(), "{name}");
    }

    async fn what_is_put_can_be_read(&self) {
        let sizes = [0, 1, 10, 65_535, 65_536, 65_537, 262_144, BIG_BYTES];
        for size in sizes {
            let name = format!("data/sizes/{size}");
            let body = pattern(size);
            self.put(&name, body.clone()).await;

            assert!(self.read(&name).await == body, "{name}");
            let head = self.store.head(&self.address(&name)).await.expect("head");
            assert_eq!(head.expect("was just put").size, size as u64);
        }
    }

    async fn a_range_is_the_bytes_between_its_ends(&self) {
        for size in [1_000, BIG_BYTES] {
            let name = format!("data/ranges/{size}");
            let body = pattern(size);
            self.put(&name, body.clone()).await;
            let ranges =
                [0..0, 0..1, 1..999, size - 1..size, size..size, 0..size, size / 3..size / 3 * 2];
            for range in ranges {
                let asked = range.start as u64..range.end as u64;
                let part = self.store.get(&self.address(&name), Some(asked.clone())).await;
                let part = part.expect("get");
                assert_eq!(part.length(), Some(asked.end - asked.start));
                let part = part.collect(size).await.expect("read");
                assert!(part == body[range.clone()], "{name} {range:?}");
            }
        }
    }

    async fn a_range_beyond_the_end_is_an_error(&self) {
        self.put("data/short", "short").await;
        let beyond = self.store.get(&self.address("data/short"), Some(2..6)).await;
        let cut_off = match beyond {
            Ok(body) => body.collect(10).await.is_err(),
            Err(_) => true,
        };
        assert!(cut_off, "bytes that are not there were read");
    }

    async fn a_body_of_unknown_length_is_stored_whole(&self) {
        for (pieces, size) in [(0, 0), (3, 5), (40, 100_000), (4_000, 700)] {
            let name = format!("data/unknown/{pieces}");
            let all = vec![7; pieces * size];
            let body = Body::stream(None, stream::iter(pieces_of(&all, size)));
            let stored = self.store.put(&self.address(&name), body).await.expect("put");
            assert_eq!(stored, all.len() as u64);
            assert!(self.read(&name).await == all, "{name}");
        }
    }

    async fn what_was_never_put_is_not_found(&self) {
        self.put("data/there", "there").await;
        for name in ["data/never", "data/there/below", "data/sizes", "data"] {
            let found = self.store.get(&self.address(name), None).await;
            assert!(matches!(found, Err(Error::NotFound(_))), "{name}: {found:?}");
            assert_eq!(self.store.head(&self.address(name)).await.expect("head"), None);
        }
        let copied = self.store.copy(&self.address("data/never"), &self.address("data/copy")).await;
        assert!(matches!(copied, Err(Error::NotFound(_))), "{copied:?}");
        self.assert_absent("data/copy").await;
    }

    async fn a_body_of_another_length_leaves_nothing(&self) {
        for size in [10, 100_000, BIG_BYTES] {
            for announced in [size - 1, size + 1, 0, size * 2] {
                let name = format!("data/length/{size}-{announced}");
                let pieces = stream::iter(pieces_of(&pattern(size), 50_000));
                let body = Body::stream(Some(announced as u64), pieces);
                let refused = self.store.put(&self.address(&name), body).await;
                let told = matches!(
                    refused,
                    Err(Error::Length { announced: told, .. }) if told == announced as u64
                );
                assert!(told, "{name}: {refused:?}");
                self.assert_absent(&name).await;
            }
        }
    }

    async fn a_failing_producer_leaves_nothing(&self) {
        for size in [0, 10, BIG_BYTES] {
            let name = format!("data/failing/{size}");
            let failure: Result<Bytes, BoxError> = Err("the client went away".into());
            let pieces =
                stream::iter(pieces_of(&pattern(size), 50_000)).chain(stream::iter([failure]));
            let refused = self.store.put(&self.address(&name), Body::stream(None, pieces)).await;
            assert!(matches!(refused, Err(Error::Body(_))), "{name}: {refused:?}");
            self.assert_absent(&name).await;
        }
    }

    async fn a_dropped_put_leaves_nothing(&self) {
        for (size, polls) in [(10, 1), (10, 3), (BIG_BYTES, 1), (BIG_BYTES, 4)] {
            let name = format!("data/dropped/{size}-{polls}");
            let address = self.address(&name);
            // The producer never ends, so that the put cannot have been completed.
            let pieces = stream::iter(pieces_of(&pattern(size), 50_000)).chain(stream::pending());
            {
                let mut put = Box::pin(self.store.put(&address, Body::stream(None, pieces)));
                for _ in 0..polls {
                    assert!(futures::poll!(put.as_mut()).is_pending(), "{name}");
                    pause().await;
                }
            }
            self.assert_absent(&name).await;
        }
        self.a_put_dropped_after_its_body_leaves_all_or_nothing().await;
    }

    /// The body has been handed over, and the put may be about to be completed.
    async fn a_put_dropped_after_its_body_leaves_all_or_nothing(&self) {
        for turn in 0..20 {
            let name = format!("data/dropped-late/{turn}");
            let address = self.address(&name);
            let body = pattern(if turn % 2 == 0 { 10 } else { 100_000 });
            let put = self.store.put(&address, body.clone().into());
            let completed = futures::poll!(Box::pin(put)).is_ready();
            match self.store.get(&address, None).await {
                Ok(found) => assert!(found.collect(usize::MAX).await.expect("read") == body),
                Err(Error::NotFound(_)) => assert!(!completed, "{name}"),
                Err(error) => assert!(matches!(error, Error::NotFound(_)), "{name}: {error}"),
            }
        }
    }

    async fn a_dropped_body_does_no_harm(&self) {
        let body = pattern(BIG_BYTES);
        self.put("data/half-read", body.clone()).await;
        let reading = self.store.get(&self.address("data/half-read"), None).await.expect("get");
        let mut pieces = reading.into_pieces();
        let first = pieces.next().await.expect("has bytes").expect("read");
        assert!(body.starts_with(&first));
        drop(pieces);
        assert!(self.read("data/half-read").await == body);
    }

    async fn the_same_bytes_may_be_put_twice(&self) {
        for size in [10, 100_000] {
            let name = format!("_lakefs/{size}");
            self.put(&name, pattern(size)).await;
            self.put(&name, pattern(size)).await;
            assert!(self.read(&name).await == pattern(size));
            assert_eq!(self.names(&name, "", 10).await, [name]);
        }
    }

    async fn what_is_deleted_is_gone(&self) {
        for size in [10, 100_000] {
            let (gone, stays) = (format!("data/gone/{size}"), format!("data/stays/{size}"));
            self.put(&gone, pattern(size)).await;
            self.put(&stays, pattern(size)).await;
            self.store.delete(&self.address(&gone)).await.expect("delete");
            self.assert_absent(&gone).await;
            assert!(self.read(&stays).await == pattern(size));
            self.store.delete(&self.address(&gone)).await.expect("it is no error that it is gone");
        }
        let never = self.address("never/put/anything");
        self.store.delete(&never).await.expect("it is no error that it never was");
    }

    async fn a_copy_does_not_depend_on_its_source(&self) {
        for size in [0, 10, BIG_BYTES] {
            let (from, to) = (format!("data/from/{size}"), format!("data/to/{size}"));
            self.put(&from, pattern(size)).await;
            let copied = self.store.copy(&self.address(&from), &self.address(&to)).await;
            assert_eq!(copied.expect("copy"), size as u64);
            self.store.delete(&self.address(&from)).await.expect("delete");
            assert!(self.read(&to).await == pattern(size), "{to}");
        }
    }

    async fn odd_names_are_names(&self) {
        let names = [
            "odd/ü",
            "odd/日本語",
            "odd/a b",
            "odd/a%20b",
            "odd/a%2Fb",
            "odd/a+b",
            "odd/a#12",
            "odd/a?b=c&d",
            "odd/...",
            "odd/.hidden",
            "odd/-",
            "odd/~",
            "odd/a\\b",
            "odd/a\nb",
            "odd/a*",
            "odd/'\"",
            "odd/x,signature-_",
        ];
        for name in names {
            self.put(name, name.to_owned()).await;
        }
        for name in names {
            assert_eq!(self.read(name).await, name);
        }
        let mut sorted = names.to_vec();
        sorted.sort_unstable();
        assert_eq!(self.names("odd/", "", 100).await, sorted);
        // A store either keeps these apart from all others, or refuses them.
        for name in ["odd//double", "odd/./dot", "odd/../up", "odd/end/"] {
            match self.store.put(&self.address(name), pattern(5).into()).await {
                Ok(_) => assert_eq!(self.read(name).await, pattern(5)),
                Err(error) => assert!(matches!(error, Error::InvalidAddress { .. }), "{error}"),
            }
            self.store.delete(&self.address(name)).await.ok();
        }
    }

    async fn many_puts_at_once_are_all_stored(&self) {
        let body_of =
            |number: usize| pattern(if number.is_multiple_of(16) { 70_000 } else { number });
        let puts = (0..200).map(|number| async move {
            self.put(&format!("data/many/{number:03}"), body_of(number)).await;
        });
        future::join_all(puts).await;
        for number in 0..200 {
            assert!(self.read(&format!("data/many/{number:03}")).await == body_of(number));
        }
        assert_eq!(self.names("data/many/", "", 1_000).await.len(), 200);
    }

    async fn a_listing_is_in_byte_order_and_in_pages(&self) {
        let mut names = [
            "l/a/b", "l/a-b", "l/a0", "l/a/c/d", "l/a/c-d", "l/b", "l/ü", "l/B", "l/a.b", "l/a/c0",
        ];
        for name in names {
            self.put(name, name.to_owned()).await;
        }
        names.sort_unstable();
        assert_eq!(self.names("l/", "", 100).await, names);
        assert_eq!(self.names("l/a", "", 100).await, names[1..8]);
        assert!(self.names("l/", "", 0).await.is_empty());
        for limit in 1..4 {
            let mut paged: Vec<String> = Vec::new();
            // One more page than there can be.
            for _ in 0..=names.len() {
                let after = paged.last().cloned().unwrap_or_default();
                paged.extend(self.names("l/", &after, limit).await);
            }
            assert_eq!(paged, names, "pages of {limit}");
        }
        let listed = self.store.list(self.namespace, "l/b", "", 1).await.expect("list");
        let head = self.store.head(&self.address("l/b")).await.expect("head");
        assert_eq!(Some(listed[0].head.size), head.map(|head| head.size));
    }

    async fn a_listing_stays_in_its_namespace(&self) {
        let text = format!("{}-2", self.namespace.as_str().trim_end_matches('/'));
        let other = StorageNamespace::from_stored(&text);
        let address = Address::relative(&other, "n/other");
        self.put("n/own", "own").await;
        self.store.put(&address, Bytes::from("other").into()).await.expect("put");
        assert_eq!(self.names("n/", "", 10).await, ["n/own"]);
        let listed = self.store.list(&other, "", "", 10).await.expect("list");
        assert_eq!(listed.len(), 1);
        self.store.delete(&address).await.expect("delete");
    }

    async fn a_shown_address_is_parsed_as_itself(&self) {
        self.put("data/p/x%2Fy,sig", "shown").await;
        let address = self.address("data/p/x%2Fy,sig");
        let shown = self.store.physical_address(&address);
        let parsed = self.store.parse_physical(self.namespace, &shown);
        assert_eq!(parsed.expect("an address of this store"), address);
        let full = Address::Full(shown.as_str().into());
        assert_eq!(self.store.physical_address(&full), shown);
        let body = self.store.get(&full, None).await.expect("get");
        assert_eq!(body.collect(100).await.expect("read"), "shown");
        let nonsense = self.store.parse_physical(self.namespace, "no address");
        assert!(matches!(nonsense, Err(Error::InvalidAddress { .. })), "{nonsense:?}");
    }

    async fn what_was_put_is_there_after_closing(&self) {
        self.put("data/last", "last").await;
        let before = self.names("", "", 10_000).await;
        self.store.close().await.expect("close");
        assert_eq!(self.read("data/last").await, "last");
        assert_eq!(self.names("", "", 10_000).await, before);
    }
}

/// Bytes that differ wherever one looks.
fn pattern(length: usize) -> Bytes {
    (0..length).map(|place| (place.wrapping_mul(31) ^ (place >> 8)) as u8).collect()
}

fn pieces_of(all: &[u8], size: usize) -> Vec<Result<Bytes, BoxError>> {
    all.chunks(size.max(1)).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect()
}

/// Lets other tasks and threads go on for a moment.
async fn pause() {
    let runtime = lakehold_clock::Runtime::real();
    runtime.sleep(Duration::from_millis(2)).await;
}

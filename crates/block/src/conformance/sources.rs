//! What an import finds.

use futures::TryStreamExt as _;

use super::Checked;
use crate::Address;
use crate::Error;
use crate::SourceObject;

/// More than a page of any store.
const MANY: usize = 1_234;

/// In byte order.
const NAMES: [&str; 6] = ["a b+c", "a#x?y", "a%20b", "a-b", "a/b", "a0"];

pub(super) async fn all(namespace: &Checked<'_>) {
    namespace.a_source_is_listed_in_byte_order_and_verbatim().await;
    namespace.a_source_of_many_objects_is_listed_to_its_end().await;
    namespace.a_single_object_is_found_or_not().await;
    namespace.what_is_no_source_of_the_store_is_an_error().await;
}

impl Checked<'_> {
    async fn sources(&self, source: &str) -> Result<Vec<SourceObject>, Error> {
        self.store.list_source(source).try_collect().await
    }

    fn uri(&self, name: &str) -> String {
        self.store.physical_address(&self.address(name))
    }

    async fn a_source_is_listed_in_byte_order_and_verbatim(&self) {
        for name in NAMES.into_iter().rev() {
            self.put(&format!("source/{name}"), name).await;
        }
        self.put("source2/x", "a neighbour").await;
        let listed = self.sources(&self.uri("source/")).await.expect("listed");
        let names: Vec<&str> = listed.iter().map(|object| object.name.as_str()).collect();
        assert_eq!(names, NAMES);
        for object in &listed {
            assert_eq!(object.uri, self.uri(&format!("source/{}", object.name)));
            assert_eq!(object.head.size, object.name.len() as u64);
            let body = self.store.get(&Address::Full(object.uri.as_str().into()), None).await;
            let read = body.expect("get").collect(100).await.expect("read");
            assert_eq!(read, object.name);
        }
    }

    async fn a_source_of_many_objects_is_listed_to_its_end(&self) {
        let names: Vec<String> = (0..MANY).map(|number| format!("many/{number:04}")).collect();
        let puts = names.iter().map(|name| self.put(name, "1"));
        futures::future::join_all(puts).await;
        let listed = self.sources(&self.uri("many/")).await.expect("listed");
        let uris: Vec<String> = listed.into_iter().map(|object| object.uri).collect();
        let expected: Vec<String> = names.iter().map(|name| self.uri(name)).collect();
        assert_eq!(uris, expected);
        futures::future::join_all(names.iter().map(|name| self.remove(name))).await;
    }

    async fn remove(&self, name: &str) {
        self.store.delete(&self.address(name)).await.expect("deleted");
    }

    async fn a_single_object_is_found_or_not(&self) {
        self.put("single", "abc").await;
        self.put("single-neighbour", "abcd").await;
        let uri = self.uri("single");
        let found = self.store.find_source(&uri).await.expect("looked up").expect("found");
        assert_eq!((found.uri.as_str(), found.head.size), (uri.as_str(), 3));
        let md5 = "900150983cd24fb0d6963f7d28e17f72";
        assert!(found.etag.as_deref().is_none_or(|etag| etag == md5), "{found:?}");
        let absent = self.store.find_source(&self.uri("sing")).await.expect("looked up");
        assert_eq!(absent, None);
    }

    async fn what_is_no_source_of_the_store_is_an_error(&self) {
        if self.store.description().kind == "mem" {
            return;
        }
        for source in ["", "nonsense", "ftp://bucket/x/", "/etc/"] {
            let refused = self.sources(source).await;
            assert!(matches!(refused, Err(Error::InvalidAddress { .. })), "{source}: {refused:?}");
            let refused = self.store.find_source(source).await;
            assert!(matches!(refused, Err(Error::InvalidAddress { .. })), "{source}: {refused:?}");
        }
    }
}

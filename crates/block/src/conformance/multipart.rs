//! Uploads in parts.

use bytes::Bytes;
use futures::stream;

use super::Checked;
use super::pattern;
use super::pieces_of;
use crate::Body;
use crate::CompletedPart;
use crate::Error;
use crate::MAX_PART_NUMBER;
use crate::MIN_PART_BYTES;
use crate::PartProblem;
use crate::StoredPart;
use crate::UploadId;

const PART_BYTES: usize = MIN_PART_BYTES as usize;

pub(super) async fn all(namespace: &Checked<'_>) {
    parts_become_one_object(namespace).await;
    a_part_may_be_replaced(namespace).await;
    a_part_may_be_copied(namespace).await;
    a_part_of_another_length_changes_nothing(namespace).await;
    an_upload_is_completed_only_with_its_parts(namespace).await;
    an_aborted_upload_leaves_nothing(namespace).await;
    an_upload_that_never_was_is_not_found(namespace).await;
    two_uploads_for_one_address_are_two(namespace).await;
}

/// An upload for one name.
struct Upload<'a> {
    namespace: &'a Checked<'a>,
    name: String,
    id: UploadId,
}

impl<'a> Upload<'a> {
    async fn begin(namespace: &'a Checked<'a>, name: &str) -> Self {
        let id = namespace.store.create_multipart(&namespace.address(name)).await;
        Self { namespace, name: name.to_owned(), id: id.expect("create") }
    }

    async fn try_put(&self, number: u32, body: Body) -> Result<StoredPart, Error> {
        let address = self.namespace.address(&self.name);
        self.namespace.store.put_part(&address, &self.id, number, body).await
    }

    async fn put(&self, number: u32, body: Bytes) -> CompletedPart {
        let size = body.len() as u64;
        let stored = self.try_put(number, body.into()).await.expect("put part");
        assert_eq!(stored.size, size);
        CompletedPart { number, etag: stored.etag }
    }

    async fn numbers(&self, after: u32, limit: usize) -> Vec<u32> {
        let address = self.namespace.address(&self.name);
        let parts = self.namespace.store.list_parts(&address, &self.id, after, limit).await;
        parts.expect("list parts").into_iter().map(|part| part.number).collect()
    }

    async fn complete(&self, parts: &[CompletedPart]) -> Result<crate::Completed, Error> {
        let address = self.namespace.address(&self.name);
        self.namespace.store.complete_multipart(&address, &self.id, parts).await
    }

    async fn abort(&self) -> Result<(), Error> {
        let address = self.namespace.address(&self.name);
        self.namespace.store.abort_multipart(&address, &self.id).await
    }

    async fn assert_gone(&self) {
        let address = self.namespace.address(&self.name);
        let listed = self.namespace.store.list_parts(&address, &self.id, 0, 10).await;
        assert!(matches!(listed, Err(Error::UploadNotFound(_))), "{}: {listed:?}", self.name);
    }
}

async fn parts_become_one_object(namespace: &Checked<'_>) {
    let upload = Upload::begin(namespace, "parts/whole").await;
    assert!(upload.numbers(0, 10).await.is_empty());
    let bodies = [pattern(PART_BYTES), Bytes::from(vec![7; PART_BYTES + 1]), pattern(77)];
    let last = upload.put(9, bodies[2].clone()).await;
    let first = upload.put(1, bodies[0].clone()).await;
    let pieces = stream::iter(pieces_of(&bodies[1], 100_000));
    let second = Body::stream(Some(bodies[1].len() as u64), pieces);
    let second = upload.try_put(2, second).await.expect("put part");
    let second = CompletedPart { number: 2, etag: second.etag };

    assert_eq!(upload.numbers(0, 10).await, [1, 2, 9]);
    assert_eq!(upload.numbers(1, 1).await, [2]);
    assert_eq!(upload.numbers(9, 10).await, [] as [u32; 0]);
    let address = namespace.address("parts/whole");
    let listed = namespace.store.list_parts(&address, &upload.id, 2, 10).await.expect("list");
    let listed = &listed[0].stored;
    assert_eq!((listed.size, listed.etag.as_str()), (77, last.etag.as_str()));
    namespace.assert_absent("parts/whole").await;
    assert!(
        namespace.names("", "", 10_000).await.iter().all(|name| !name.contains(upload.id.as_str()))
    );

    let completed = upload.complete(&[first, second, last]).await.expect("complete");

    let whole = bodies.concat();
    assert!(namespace.read("parts/whole").await == whole);
    assert!(completed.etag.ends_with("-3"), "{completed:?}");
    assert_eq!(completed.head.size, whole.len() as u64);
    assert_eq!(namespace.store.head(&address).await.expect("head"), Some(completed.head));
    assert_eq!(namespace.names("parts/", "", 10).await, ["parts/whole"]);
    upload.assert_gone().await;
}

async fn a_part_may_be_replaced(namespace: &Checked<'_>) {
    let upload = Upload::begin(namespace, "parts/replaced").await;
    let earlier = upload.put(1, pattern(10)).await;
    let later = upload.put(1, Bytes::from("later")).await;
    let refused = upload.complete(&[earlier]).await;
    assert_problem(refused, 1, PartProblem::Unknown);
    upload.complete(&[later]).await.expect("complete");
    assert_eq!(namespace.read("parts/replaced").await, "later");
}

async fn a_part_may_be_copied(namespace: &Checked<'_>) {
    let source = pattern(PART_BYTES + 1_000);
    namespace.put("parts/source", source.clone()).await;
    let from = namespace.address("parts/source");
    let upload = Upload::begin(namespace, "parts/copied").await;
    let to = namespace.address("parts/copied");
    let mut parts = Vec::new();
    let middle = 1_000..source.len() as u64;
    for (number, range) in [(1, None), (2, Some(middle.clone())), (3, Some(0..7))] {
        let copied = namespace.store.copy_part(&to, &upload.id, number, &from, range.clone()).await;
        let copied = copied.expect("copy part");
        let expected = range.map_or(source.len() as u64, |range| range.end - range.start);
        assert_eq!(copied.size, expected);
        parts.push(CompletedPart { number, etag: copied.etag });
    }
    upload.complete(&parts).await.expect("complete");
    let expected = [&source[..], &source[1_000..], &source[..7]].concat();
    assert!(namespace.read("parts/copied").await == expected);

    let upload = Upload::begin(namespace, "parts/not-copied").await;
    let to = namespace.address("parts/not-copied");
    let never = namespace.address("parts/never");
    let missing = namespace.store.copy_part(&to, &upload.id, 1, &never, None).await;
    assert!(matches!(missing, Err(Error::NotFound(_))), "{missing:?}");
    upload.abort().await.expect("abort");
}

async fn a_part_of_another_length_changes_nothing(namespace: &Checked<'_>) {
    let upload = Upload::begin(namespace, "parts/length").await;
    let good = upload.put(1, Bytes::from("good")).await;
    for announced in [9, 11, 1_000] {
        let body = Body::stream(Some(announced), stream::iter(pieces_of(&pattern(10), 3)));
        let refused = upload.try_put(1, body).await;
        assert!(matches!(refused, Err(Error::Length { .. })), "{announced}: {refused:?}");
    }
    for number in [0, MAX_PART_NUMBER + 1] {
        let refused = upload.try_put(number, pattern(10).into()).await;
        let problem = PartProblem::Number;
        let told =
            matches!(&refused, Err(Error::InvalidPart { problem: told, .. }) if *told == problem);
        assert!(told, "{refused:?}");
    }
    upload.complete(&[good]).await.expect("complete");
    assert_eq!(namespace.read("parts/length").await, "good");
}

async fn an_upload_is_completed_only_with_its_parts(namespace: &Checked<'_>) {
    let upload = Upload::begin(namespace, "parts/refused").await;
    let big = upload.put(1, pattern(PART_BYTES)).await;
    let small = upload.put(2, pattern(10)).await;
    let last = upload.put(3, Bytes::from("last")).await;
    let wrong = CompletedPart { number: 1, etag: "0".repeat(32) };
    let missing = CompletedPart { number: 7, etag: last.etag.clone() };

    let all = [big.clone(), small.clone(), last.clone()];
    assert_problem(upload.complete(&all).await, 2, PartProblem::TooSmall);
    let turned = [last.clone(), big.clone()];
    assert_problem(upload.complete(&turned).await, 1, PartProblem::OutOfOrder);
    assert_problem(upload.complete(&[wrong, last.clone()]).await, 1, PartProblem::Unknown);
    assert_problem(upload.complete(&[big.clone(), missing]).await, 7, PartProblem::Unknown);
    assert_problem(upload.complete(&[]).await, 0, PartProblem::NoParts);
    namespace.assert_absent("parts/refused").await;

    // A store leaves out what is not named, or says that it does not.
    match upload.complete(&[big.clone(), last.clone()]).await {
        Ok(_) => {
            let expected = [&pattern(PART_BYTES)[..], b"last"].concat();
            assert!(namespace.read("parts/refused").await == expected);
        }
        refused => {
            assert_problem(refused, 2, PartProblem::LeftOut);
            namespace.assert_absent("parts/refused").await;
            let second = upload.put(2, pattern(PART_BYTES)).await;
            upload.complete(&[big, second, last]).await.expect("complete");
        }
    }
}

async fn an_aborted_upload_leaves_nothing(namespace: &Checked<'_>) {
    let before = namespace.names("", "", 10_000).await;
    let upload = Upload::begin(namespace, "parts/aborted").await;
    upload.put(1, pattern(10)).await;
    upload.abort().await.expect("abort");
    upload.assert_gone().await;
    namespace.assert_absent("parts/aborted").await;
    assert_eq!(namespace.names("", "", 10_000).await, before);
}

async fn an_upload_that_never_was_is_not_found(namespace: &Checked<'_>) {
    let other = Upload::begin(namespace, "parts/other").await;
    for id in ["", "../x", "0123456789abcdef0123456789abcdef", other.id.as_str()] {
        let id = UploadId::from_stored(id);
        let upload = Upload { namespace, name: "parts/never".to_owned(), id };
        upload.assert_gone().await;
        let refused = upload.try_put(1, pattern(10).into()).await;
        assert!(matches!(refused, Err(Error::UploadNotFound(_))), "{refused:?}");
        let part = CompletedPart { number: 1, etag: "0".repeat(32) };
        let refused = upload.complete(&[part]).await;
        assert!(matches!(refused, Err(Error::UploadNotFound(_))), "{refused:?}");
        namespace.assert_absent("parts/never").await;
    }
    other.abort().await.expect("abort");
}

async fn two_uploads_for_one_address_are_two(namespace: &Checked<'_>) {
    let one = Upload::begin(namespace, "parts/two").await;
    let other = Upload::begin(namespace, "parts/two").await;
    let part = one.put(1, Bytes::from("one")).await;
    other.put(2, Bytes::from("other")).await;
    assert_eq!(one.numbers(0, 10).await, [1]);
    assert_eq!(other.numbers(0, 10).await, [2]);
    other.abort().await.expect("abort");
    one.complete(&[part]).await.expect("complete");
    assert_eq!(namespace.read("parts/two").await, "one");
}

fn assert_problem(refused: Result<crate::Completed, Error>, number: u32, problem: PartProblem) {
    match refused {
        Err(Error::InvalidPart { number: told_number, problem: told }) => {
            assert_eq!((told_number, told), (number, problem));
        }
        other => assert!(matches!(other, Err(Error::InvalidPart { .. })), "{other:?}"),
    }
}

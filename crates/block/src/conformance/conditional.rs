//! What is stored only if nothing is there.

use bytes::Bytes;
use futures::future;
use futures::stream;

use super::BIG_BYTES;
use super::Checked;
use super::pattern;
use super::pieces_of;
use crate::Body;
use crate::Error;

/// Writers of one address at a time.
const WRITERS: usize = 16;

pub(super) async fn all(namespace: &Checked<'_>) {
    a_conditional_put_happens_once(namespace).await;
    a_conditional_put_that_fails_leaves_nothing(namespace).await;
    of_many_conditional_puts_one_succeeds(namespace).await;
}

async fn a_conditional_put_happens_once(namespace: &Checked<'_>) {
    for (size, announced) in
        [(0, true), (10, true), (10, false), (BIG_BYTES, true), (70_000, false)]
    {
        let name = format!("once/{size}-{announced}");
        let address = namespace.address(&name);
        let body = pattern(size);
        let offer = |body: &Bytes| {
            let pieces = stream::iter(pieces_of(body, 50_000));
            Body::stream(announced.then_some(size as u64), pieces)
        };
        let stored = namespace.store.put_if_absent(&address, offer(&body)).await;
        assert_eq!(stored.expect("nothing is there"), size as u64, "{name}");
        assert!(namespace.read(&name).await == body, "{name}");

        let other = Bytes::from(vec![1; size]);
        for again in [offer(&other), offer(&body)] {
            let refused = namespace.store.put_if_absent(&address, again).await;
            assert!(matches!(refused, Err(Error::Exists(_))), "{name}: {refused:?}");
        }
        assert!(namespace.read(&name).await == body, "{name}");

        namespace.store.delete(&address).await.expect("delete");
        namespace.store.put_if_absent(&address, offer(&other)).await.expect("it is gone");
        assert!(namespace.read(&name).await == other, "{name}");
    }
    namespace.put("once/put", "put").await;
    let address = namespace.address("once/put");
    let refused = namespace.store.put_if_absent(&address, pattern(10).into()).await;
    assert!(matches!(refused, Err(Error::Exists(_))), "{refused:?}");
}

async fn a_conditional_put_that_fails_leaves_nothing(namespace: &Checked<'_>) {
    for size in [10, BIG_BYTES] {
        let name = format!("once-failing/{size}");
        let pieces = stream::iter(pieces_of(&pattern(size), 50_000));
        let body = Body::stream(Some(size as u64 + 1), pieces);
        let refused = namespace.store.put_if_absent(&namespace.address(&name), body).await;
        assert!(matches!(refused, Err(Error::Length { .. })), "{name}: {refused:?}");
        namespace.assert_absent(&name).await;
    }
}

async fn of_many_conditional_puts_one_succeeds(namespace: &Checked<'_>) {
    for size in [10, 100_000] {
        for round in 0..5 {
            let name = format!("race/{size}-{round}");
            let address = namespace.address(&name);
            let body_of = |writer: usize| Bytes::from(vec![writer as u8; size]);
            let writers = (0..WRITERS)
                .map(|writer| namespace.store.put_if_absent(&address, body_of(writer).into()));
            let answers = future::join_all(writers).await;

            let mut winners = Vec::new();
            for (writer, answer) in answers.into_iter().enumerate() {
                match answer {
                    Ok(_) => winners.push(writer),
                    Err(error) => assert!(matches!(error, Error::Exists(_)), "{name}: {error}"),
                }
            }
            assert_eq!(winners.len(), 1, "{name}: {winners:?}");
            assert!(namespace.read(&name).await == body_of(winners[0]), "{name}");
        }
    }
}

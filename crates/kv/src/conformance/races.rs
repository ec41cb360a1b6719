//! Many writers of one key.

use bytes::Bytes;
use futures::future::join_all;

use super::read;
use super::set;
use super::set_if;
use super::value;
use super::version;
use crate::Error;
use crate::Outcome;
use crate::Precondition;
use crate::Store;
use crate::StoreExt as _;

/// How many writers race for one key.
const RACING_WRITERS: usize = 16;
/// How often they race.
const RACES: usize = 8;

pub(super) async fn of_racing_creations_one_wins(store: &dyn Store) {
    for race in 0..RACES {
        let key = format!("key-{race}");
        let outcomes = join_all((0..RACING_WRITERS).map(|writer| {
            let value = Bytes::from(format!("writer-{writer}"));
            store.set_if("creations".into(), key.clone().into(), value, Precondition::Absent)
        }))
        .await;
        let winner = only_winner(outcomes);
        let now = value(store, "creations", key).await;
        assert_eq!(now, Some(format!("writer-{winner}").into()));
    }
}

pub(super) async fn of_racing_changes_of_one_version_one_wins(store: &dyn Store) {
    let at = ("changes", "key");
    set(store, at.0, at.1, "start").await;
    for race in 0..RACES {
        let read = version(store, at).await;
        let outcomes = join_all((0..RACING_WRITERS).map(|writer| {
            let value = Bytes::from(format!("race-{race} writer-{writer}"));
            store.set_if(at.0.into(), at.1.into(), value, read.clone())
        }))
        .await;
        let winner = only_winner(outcomes);
        let now = value(store, at.0, at.1).await;
        assert_eq!(now, Some(format!("race-{race} writer-{winner}").into()));
    }
}

pub(super) async fn counting_by_conditional_writes_loses_nothing(store: &dyn Store) {
    let at = ("counting", "key");
    set(store, at.0, at.1, "0").await;
    let rounds = join_all((0..RACING_WRITERS).map(|_| async move {
        let mut counted = 0usize;
        for _ in 0..20 {
            let read = read(store, at).await;
            let text = str::from_utf8(&read.value).expect("a number as text");
            let next: usize = text.parse::<usize>().expect("a number") + 1;
            let unchanged = Precondition::Unchanged(read.version);
            counted += usize::from(set_if(store, at, next.to_string(), unchanged).await);
        }
        counted
    }))
    .await;
    let total: usize = rounds.into_iter().sum();
    assert!(total > 0, "somebody always wins");
    assert_eq!(value(store, at.0, at.1).await, Some(total.to_string().into()));
}

fn only_winner(outcomes: Vec<Result<Outcome, Error>>) -> usize {
    let outcomes: Vec<Outcome> =
        outcomes.into_iter().map(|outcome| outcome.expect("a conditional write")).collect();
    let mut winners = (0..outcomes.len()).filter(|at| outcomes[*at] == Outcome::Applied);
    let winner = winners.next().expect("one of the writers wins");
    assert_eq!(winners.next(), None, "two writers of one version won");
    winner
}

//! Carrying out the writes of one call on one connection.
//!
//! A single write is a statement and commits by itself. Several are one transaction, sent without
//! waiting for the answers in between. Inside it they are sorted by key: writes of one key stay in
//! their order, those of different keys do not see each other, and transactions that take their
//! locks in the same order cannot wait for each other in a circle.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use futures::future::MaybeDone;
use futures::future::maybe_done;
use lakehold_clock::Runtime;
use lakehold_kv::Outcome;
use lakehold_kv::Write;
use tokio_postgres::types::ToSql;

use crate::connection::Connection;
use crate::failure::Failure;
use crate::failure::Trouble;
use crate::failure::of_statement;
use crate::statements::Command;
use crate::statements::Sql;

/// How many statements are underway at once. More would only wait in memory.
const UNDERWAY: usize = 512;

/// What carries out writes: a connection that nobody else uses, and the limit for one answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Writing<'a> {
    pub(crate) connection: &'a Connection,
    pub(crate) place: &'a Arc<str>,
    pub(crate) runtime: &'a Runtime,
    /// For the answer to one statement.
    pub(crate) limit: Option<Duration>,
}

type Answer<'a> = BoxFuture<'a, Result<u64, tokio_postgres::Error>>;

impl Writing<'_> {
    /// Carries out `writes` and returns an outcome for each.
    ///
    /// [`Trouble::Lost`] where they may have been carried out; any other trouble says that nothing
    /// was written. While it runs, and if it is dropped, the connection counts as broken.
    pub(crate) async fn carry_out(self, writes: &[Write]) -> Result<Vec<Outcome>, Trouble> {
        let commands: Vec<Command<'_>> =
            writes.iter().map(Command::of).collect::<Result<_, _>>()?;
        self.connection.mark_broken();
        let done = match &commands[..] {
            [command] => self.one(command).await.map(|outcome| vec![outcome]),
            _ => self.several(&sorted(writes), &commands).await,
        };
        if done.is_ok() {
            self.connection.mark_whole();
        }
        done
    }

    async fn one(self, command: &Command<'_>) -> Result<Outcome, Trouble> {
        self.prepare(std::slice::from_ref(command)).await?;
        let parameters = command.parameters();
        let answer = self.wait(self.connection.execute(command.sql, &parameters)).await?;
        Ok(command.outcome(answer))
    }

    async fn several(
        self,
        order: &[usize],
        commands: &[Command<'_>],
    ) -> Result<Vec<Outcome>, Trouble> {
        self.prepare(commands).await?;
        let mut steps = vec![Step::Alone("BEGIN")];
        steps.extend(order.iter().map(|at| Step::of(&commands[*at])));
        steps.push(Step::Alone("COMMIT"));
        let rows = self.in_turn(&steps).await?;
        let mut outcomes = vec![Outcome::PreconditionFailed; commands.len()];
        for (at, rows) in order.iter().zip(&rows[1..]) {
            outcomes[*at] = commands[*at].outcome(*rows);
        }
        Ok(outcomes)
    }

    /// Nothing is written yet, so that a connection which breaks here has lost nothing.
    async fn prepare(self, commands: &[Command<'_>]) -> Result<(), Trouble> {
        let missing = |command: &&Command<'_>| !self.connection.is_prepared(command.sql);
        for command in commands.iter().filter(missing) {
            let preparing = self.connection.prepare(command.sql).map(|done| done.map(|()| 0));
            self.wait(preparing).await.map_err(unsent)?;
        }
        Ok(())
    }

    /// Sends `steps`, the last of which commits, some at a time, and returns their answers. The first
    /// that fails ends it; the transaction is then rolled back, by the commit at the latest.
    async fn in_turn(self, steps: &[Step<'_>]) -> Result<Vec<u64>, Trouble> {
        let mut rows = Vec::with_capacity(steps.len());
        for underway in steps.chunks(UNDERWAY) {
            let commits = rows.len() + underway.len() == steps.len();
            let mut answers = Vec::with_capacity(underway.len());
            for step in underway {
                let mut answer = maybe_done(self.send(step));
                // The first poll sends it.
                let _ = futures::poll!(&mut answer);
                answers.push(answer);
            }
            for answer in answers {
                let answered = self.wait(taken(answer)).await;
                rows.push(if commits { answered? } else { answered.map_err(unsent)? });
            }
        }
        Ok(rows)
    }

    fn send<'a>(&self, step: &'a Step<'_>) -> Answer<'a>
    where
        Self: 'a,
    {
        let connection = self.connection;
        match step {
            Step::Alone(text) => connection.run(text).map(|done| done.map(|()| 0)).boxed(),
            Step::With(sql, parameters) => connection.execute(*sql, parameters).boxed(),
        }
    }

    async fn wait(
        self,
        answer: impl Future<Output = Result<u64, tokio_postgres::Error>>,
    ) -> Result<u64, Trouble> {
        let failed = |error| of_statement(self.place, error);
        let Some(limit) = self.limit else { return answer.await.map_err(failed) };
        match self.runtime.timeout(limit, answer).await {
            Ok(answer) => answer.map_err(failed),
            Err(elapsed) => Err(Trouble::Lost(overdue(self.place).caused_by(elapsed))),
        }
    }
}

/// One message to the server, and its answer.
enum Step<'a> {
    Alone(&'static str),
    With(Sql, Vec<&'a (dyn ToSql + Sync)>),
}

impl<'a> Step<'a> {
    fn of(command: &'a Command<'_>) -> Self {
        Self::With(command.sql, command.parameters())
    }
}

/// Waits for an answer that may be there already.
async fn taken(mut answer: MaybeDone<Answer<'_>>) -> Result<u64, tokio_postgres::Error> {
    (&mut answer).await;
    Pin::new(&mut answer).take_output().expect("it is done and was not taken")
}

/// The server does not even say that it has stopped the statement.
pub(crate) fn overdue(place: &Arc<str>) -> Failure {
    let advice = "find out what keeps it, or raise database.postgres.statement_timeout";
    Failure::new(place, "no answer to a statement").advising(advice)
}

/// What was lost had not been told to commit.
fn unsent(trouble: Trouble) -> Trouble {
    match trouble {
        Trouble::Lost(failure) => Trouble::Passing(failure),
        other => other,
    }
}

/// The places of `writes`, by partition and key; those of one key in their order.
fn sorted(writes: &[Write]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..writes.len()).collect();
    order.sort_by_key(|at| (&writes[*at].partition, &writes[*at].key));
    order
}

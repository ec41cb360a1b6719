//! Connections that one caller at a time has to itself.

use std::ops::Deref;
use std::time::Duration;

use deadpool::managed::BuildError;
use deadpool::managed::Object;
use deadpool::managed::Pool;
use deadpool::managed::PoolError;
use deadpool::managed::QueueMode;
use tokio::sync::Semaphore;
use tokio::sync::SemaphorePermit;

use crate::connection::Connection;
use crate::connector::Connector;
use crate::failure::Failure;
use crate::failure::Trouble;

/// The connections, each opened when there is none free and closed when too many are.
pub(crate) struct Lending {
    pool: Pool<Connector>,
    /// As many as there may be connections. Waiting for one is limited; opening one then has a limit
    /// of its own.
    turns: Semaphore,
    wait: Option<Duration>,
    idle: usize,
}

impl Lending {
    /// Room for `most` connections, of which `idle` are kept open unused. A caller waits for `wait`
    /// at most until one is free.
    pub(crate) fn new(
        connector: Connector,
        most: usize,
        idle: usize,
        wait: Option<Duration>,
    ) -> Result<Self, BuildError> {
        // Those that were used last come first, so that the others grow old and are replaced.
        let pool = Pool::builder(connector).max_size(most).queue_mode(QueueMode::Lifo).build()?;
        Ok(Self { pool, turns: Semaphore::new(most), wait, idle })
    }

    /// Takes a connection, opening one where none is free.
    pub(crate) async fn take(&self) -> Result<Lent<'_>, Trouble> {
        let turn = self.turn().await?;
        match self.pool.get().await {
            Ok(connection) => Ok(Lent { connection, _turn: turn }),
            Err(PoolError::Backend(trouble)) => Err(trouble),
            Err(_) => Err(self.closed()),
        }
    }

    async fn turn(&self) -> Result<SemaphorePermit<'_>, Trouble> {
        let Connector { place, runtime, .. } = self.pool.manager();
        let waiting = self.turns.acquire();
        let turn = match self.wait {
            Some(limit) => runtime.timeout(limit, waiting).await.map_err(|elapsed| {
                let advice = "raise database.postgres.max_open_connections";
                let failure = Failure::new(place, "no connection became free").advising(advice);
                Trouble::Lasting(failure.caused_by(elapsed))
            })?,
            None => waiting.await,
        };
        turn.map_err(|_| self.closed())
    }

    /// Puts `lent` back, and closes those that were idle longest where there are too many.
    pub(crate) fn give_back(&self, lent: Lent<'_>) {
        drop(lent);
        let mut surplus = self.pool.status().available.saturating_sub(self.idle);
        if surplus > 0 {
            drop(self.pool.retain(|_, _| {
                let keeps = surplus == 0;
                surplus = surplus.saturating_sub(1);
                keeps
            }));
        }
    }

    /// Closes those that are not lent, the others when they come back. Nobody gets one any more.
    pub(crate) fn close(&self) {
        self.pool.close();
    }

    /// Fails once [`Lending::close`] was called.
    pub(crate) fn check_open(&self) -> Result<(), Trouble> {
        if self.pool.is_closed() { Err(self.closed()) } else { Ok(()) }
    }

    fn closed(&self) -> Trouble {
        Trouble::Lasting(Failure::new(&self.pool.manager().place, "the store was closed"))
    }
}

/// A connection that is lent. Dropping it puts it back too.
pub(crate) struct Lent<'a> {
    connection: Object<Connector>,
    _turn: SemaphorePermit<'a>,
}

impl Deref for Lent<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

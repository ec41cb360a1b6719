//! A few connections that many reads share: each sends its statement behind the others without
//! waiting for their answers.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::connection::Connection;
use crate::connector::Connector;
use crate::failure::Trouble;

/// The shared connections, each opened when it is first needed and again when it is gone.
#[derive(Debug)]
pub(crate) struct Shared {
    places: Box<[Place]>,
}

#[derive(Debug, Default)]
struct Place {
    current: Mutex<Option<Arc<Connection>>>,
    /// Held by whoever opens the connection, so that the others wait for it. How the last attempt
    /// failed, and when: it counts for all who waited.
    opening: tokio::sync::Mutex<Option<(Duration, Trouble)>>,
    /// How many reads use it now.
    users: AtomicUsize,
}

impl Shared {
    /// Room for `count` connections, at least one.
    pub(crate) fn new(count: usize) -> Self {
        Self { places: (0..count.max(1)).map(|_| Place::default()).collect() }
    }

    /// Returns the connection that the fewest use, opening it where needed.
    pub(crate) async fn take(&self, connector: &Connector) -> Result<Lease<'_>, Trouble> {
        let place = self.quietest();
        // Counted first, so that those who come meanwhile look elsewhere.
        let users = Using::new(&place.users);
        let now = connector.runtime.monotonic();
        if let Some(connection) = place.usable(now) {
            return Ok(Lease { connection, _users: users });
        }
        let mut failed = place.opening.lock().await;
        if let Some(connection) = place.usable(now) {
            return Ok(Lease { connection, _users: users });
        }
        if let Some((_, trouble)) = failed.as_ref().filter(|(moment, _)| *moment > now) {
            return Err(trouble.clone());
        }
        match connector.connect().await {
            Ok(connection) => {
                let connection = Arc::new(connection);
                place.replace(Some(Arc::clone(&connection)));
                Ok(Lease { connection, _users: users })
            }
            Err(trouble) => {
                *failed = Some((connector.runtime.monotonic(), trouble.clone()));
                Err(trouble)
            }
        }
    }

    /// Lets go of all connections.
    pub(crate) fn close(&self) {
        self.places.iter().for_each(|place| place.replace(None));
    }

    fn quietest(&self) -> &Place {
        let users = |place: &&Place| place.users.load(Ordering::Relaxed);
        self.places.iter().min_by_key(users).expect("there is at least one place")
    }
}

impl Place {
    fn usable(&self, now: Duration) -> Option<Arc<Connection>> {
        let current = self.current.lock().expect("no code panics while holding the lock");
        current.as_ref().filter(|connection| connection.is_usable(now)).cloned()
    }

    fn replace(&self, connection: Option<Arc<Connection>>) {
        *self.current.lock().expect("no code panics while holding the lock") = connection;
    }
}

/// A shared connection while it is used.
#[derive(Debug)]
pub(crate) struct Lease<'a> {
    connection: Arc<Connection>,
    _users: Using<'a>,
}

impl Deref for Lease<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

#[derive(Debug)]
struct Using<'a>(&'a AtomicUsize);

impl<'a> Using<'a> {
    fn new(users: &'a AtomicUsize) -> Self {
        users.fetch_add(1, Ordering::Relaxed);
        Self(users)
    }
}

impl Drop for Using<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

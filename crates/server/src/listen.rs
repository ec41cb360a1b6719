//! The listener: connections in, and a stop that lets requests finish.
//!
//! ```text
//! signal ─► accept no more ─► connections finish the request they are at ─► closed
//!                                └─ for at most [`DRAIN_LIMIT`], or until a second signal
//! ```

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use axum::body::Body;
use http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioExecutor;
use hyper_util::rt::TokioIo;
use hyper_util::rt::TokioTimer;
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tokio::net::TcpSocket;
use tokio::net::TcpStream;
use tokio::signal::unix::Signal;
use tokio::signal::unix::SignalKind;
use tokio::signal::unix::signal;
use tracing::debug;
use tracing::info;
use tracing::warn;

use lakehold_clock::Runtime;

use crate::dispatch::FrontDoor;
use crate::settings::Settings;

/// How long a client may take to send the head of a request.
const HEAD_LIMIT: Duration = Duration::from_secs(60);
/// How long requests may go on after a stop was asked for.
const DRAIN_LIMIT: Duration = Duration::from_secs(30);
/// Connections that wait to be accepted.
const BACKLOG: u32 = 1_024;
/// When no connection can be accepted (too many open files), trying again at once is no use.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A bound address, and the signals that end it.
pub(crate) struct Listener {
    tcp: TcpListener,
    address: SocketAddr,
    stop: Stop,
}

impl Listener {
    /// Takes the address.
    ///
    /// Fails where it is in use or not ours; the error names it and says what to do.
    pub(crate) async fn bind(settings: &Settings) -> anyhow::Result<Self> {
        let stop = Stop::new().context("listening to signals")?;
        let (host, port) = settings.listen_address()?;
        let found = tokio::net::lookup_host((host.as_str(), port)).await;
        let mut addresses = found.with_context(|| {
            format!("no address to listen on is known for host {host:?}: see --listen")
        })?;
        let address = addresses
            .next()
            .with_context(|| format!("host {host:?} has no address to listen on: see --listen"))?;
        let tcp = bind(address).map_err(|error| {
            let advice = advice_on(&error);
            anyhow::Error::new(error).context(format!("cannot listen on {address}: {advice}"))
        })?;
        let address = tcp.local_addr().context("reading the address listened on")?;
        Ok(Self { tcp, address, stop })
    }

    /// The address, with the port that was chosen where 0 was asked for.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers requests until a signal, then lets those that have begun finish.
    pub(crate) async fn serve(mut self, door: FrontDoor, runtime: &Runtime) -> anyhow::Result<()> {
        let connections = GracefulShutdown::new();
        let http = http();
        loop {
            let accepted = tokio::select! {
                accepted = self.tcp.accept() => accepted,
                signal = self.stop.asked() => {
                    info!("{signal}: finishing {} connections", connections.count());
                    break;
                }
            };
            match accepted {
                Ok((stream, peer)) => attend(&http, stream, peer, &door, &connections, runtime),
                Err(error) => {
                    warn!(%error, "a connection could not be accepted: {error}");
                    runtime.sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        drop(self.tcp);
        drain(connections, &mut self.stop, runtime).await;
        Ok(())
    }
}

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // A server that was just stopped does not block its successor. Two running ones still do.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

fn advice_on(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            "another program uses it; stop that one, or choose another address with --listen"
        }
        io::ErrorKind::PermissionDenied => {
            "ports below 1024 need special rights; choose another with --listen"
        }
        io::ErrorKind::AddrNotAvailable => {
            "this machine does not have it; choose one it has, or 0.0.0.0 for all, with --listen"
        }
        _ => "choose another address with --listen",
    }
}

fn http() -> Builder<TokioExecutor> {
    let mut http = Builder::new(TokioExecutor::new());
    http.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_LIMIT);
    http.http2().timer(TokioTimer::new());
    http
}

/// Serves one connection, beside the others.
fn attend(
    http: &Builder<TokioExecutor>,
    stream: TcpStream,
    peer: SocketAddr,
    door: &FrontDoor,
    connections: &GracefulShutdown,
    runtime: &Runtime,
) {
    if let Err(error) = stream.set_nodelay(true) {
        debug!(%error, "a connection cannot be told not to wait: {error}");
    }
    let door = door.clone();
    let service = service_fn(move |request: Request<Incoming>| {
        let door = door.clone();
        async move { Ok::<_, Infallible>(door.answer(request.map(Body::new), peer).await) }
    });
    let connection = http.serve_connection(TokioIo::new(stream), service).into_owned();
    let watched = connections.watch(connection);
    runtime.spawn("connection", async move {
        if let Err(error) = watched.await {
            debug!(%peer, "a connection ended early: {error}");
        }
    });
}

async fn drain(connections: GracefulShutdown, stop: &mut Stop, runtime: &Runtime) {
    tokio::select! {
        () = connections.shutdown() => {}
        () = runtime.sleep(DRAIN_LIMIT) => warn!("requests were cut off after {DRAIN_LIMIT:?}"),
        signal = stop.asked() => warn!("{signal} again: requests were cut off"),
    }
}

/// The signals that ask for a stop.
struct Stop {
    terminate: Signal,
    interrupt: Signal,
}

impl Stop {
    fn new() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Waits for one, and names it.
    async fn asked(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

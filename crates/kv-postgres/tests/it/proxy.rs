//! A proxy between store and server that can lose what it is given.

use std::sync::Arc;
use std::sync::atomic::AtomicU8;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use lakehold_clock::Runtime;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use tokio::net::TcpStream;

/// What happens to the next statement that writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Fault {
    /// Nothing out of the ordinary.
    None = 0,
    /// It arrives, is carried out, and the answer is lost.
    LoseAnswer = 1,
    /// It never arrives.
    LoseStatement = 2,
    /// It is handed on, and both connections are cut at once.
    CutBehind = 3,
    /// It is handed on and never answered, while the connection stays open.
    Swallow = 4,
    /// It is carried out, and instead of the answer comes an error that ends the session: what a
    /// pooler says when it has lost the server.
    EndSession = 5,
}

/// An error of severity FATAL, as a message of the protocol.
const FATAL: &[u8] = b"E\0\0\0\x30SFATAL\0VFATAL\0C08P01\0Mserver conn crashed?\0\0";

/// A running proxy.
#[derive(Debug)]
pub(crate) struct Proxy {
    port: u16,
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    armed: AtomicU8,
    mark: std::sync::Mutex<Vec<u8>>,
    faults: AtomicUsize,
}

impl Proxy {
    /// Starts a proxy in front of the server on `port` of the loopback.
    pub(crate) async fn start(port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("listen");
        let own = listener.local_addr().expect("address").port();
        let state = Arc::new(State::default());
        let shared = Arc::clone(&state);
        Runtime::real().spawn("proxy", async move {
            while let Ok((client, _)) = listener.accept().await {
                let state = Arc::clone(&shared);
                Runtime::real().spawn("proxy", async move {
                    if let Ok(server) = TcpStream::connect(("127.0.0.1", port)).await {
                        serve(client, server, &state).await;
                    }
                });
            }
        });
        Self { port: own, state }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Arms `fault` for the next message to the server that contains `mark`.
    pub(crate) fn arm(&self, fault: Fault, mark: &[u8]) {
        *self.state.mark.lock().expect("no panic") = mark.to_vec();
        self.state.armed.store(fault as u8, Ordering::SeqCst);
    }

    /// How many faults there were.
    pub(crate) fn faults(&self) -> usize {
        self.state.faults.load(Ordering::SeqCst)
    }
}

impl State {
    /// Takes the fault if `data` is what it waits for.
    fn trigger(&self, data: &[u8]) -> u8 {
        let mark = self.mark.lock().expect("no panic").clone();
        let hit = !mark.is_empty() && data.windows(mark.len()).any(|window| window == mark);
        if !hit {
            return Fault::None as u8;
        }
        let fault = self.armed.swap(Fault::None as u8, Ordering::SeqCst);
        self.faults.fetch_add(usize::from(fault != Fault::None as u8), Ordering::SeqCst);
        fault
    }
}

async fn serve(mut client: TcpStream, mut server: TcpStream, state: &State) {
    let (mut asked, mut answered) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    loop {
        let fault = tokio::select! {
            read = client.read(&mut asked) => match read {
                Ok(length) if length > 0 => {
                    let fault = state.trigger(&asked[..length]);
                    if fault == Fault::LoseStatement as u8 {
                        return;
                    }
                    if server.write_all(&asked[..length]).await.is_err() {
                        return;
                    }
                    fault
                }
                _ => return,
            },
            read = server.read(&mut answered) => match read {
                Ok(length) if length > 0 => {
                    if client.write_all(&answered[..length]).await.is_err() {
                        return;
                    }
                    Fault::None as u8
                }
                _ => return,
            },
        };
        if fault == Fault::LoseAnswer as u8 || fault == Fault::EndSession as u8 {
            // That there is an answer says that it was carried out.
            drop(server.read(&mut answered).await);
        }
        if fault == Fault::EndSession as u8 {
            drop(client.write_all(FATAL).await);
        }
        if fault == Fault::Swallow as u8 {
            // Until the client gives up.
            while matches!(client.read(&mut asked).await, Ok(length) if length > 0) {}
        }
        if fault != Fault::None as u8 {
            return;
        }
    }
}

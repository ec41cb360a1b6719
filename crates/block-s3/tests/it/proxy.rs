//! A proxy that does to chosen requests what networks and servers do: refuses, loses, cuts.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::Mutex;

use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use tokio::net::TcpStream;

/// What happens to a request.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// Nothing.
    Pass,
    /// It is answered with this, and does not reach the server.
    Answer(&'static str),
    /// The server gets its head and so many bytes of its body.
    CutRequest(usize),
    /// The client gets so many bytes of the answer; none of it with zero.
    CutAnswer(usize),
    /// It is answered with this after the server has carried it out.
    Replace(&'static str),
}

/// Requests that begin with `method` and whose first line has `part` in it meet `faults`, in turn.
#[derive(Debug)]
struct Rule {
    method: &'static str,
    part: String,
    faults: VecDeque<Fault>,
}

#[derive(Debug, Default)]
struct Shared {
    rules: Vec<Rule>,
    heads: Vec<String>,
}

/// A proxy before a server.
#[derive(Clone, Debug)]
pub(crate) struct Proxy {
    pub(crate) endpoint: String,
    shared: Arc<Mutex<Shared>>,
}

impl Proxy {
    pub(crate) async fn before(endpoint: &str) -> Self {
        let upstream = endpoint.strip_prefix("http://").expect("an http endpoint").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("listen");
        let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
        let proxy = Self { endpoint, shared: Arc::default() };
        let serving = proxy.clone();
        lakehold_clock::Runtime::real().spawn("proxy", async move {
            while let Ok((client, _)) = listener.accept().await {
                let (serving, upstream) = (serving.clone(), upstream.clone());
                lakehold_clock::Runtime::real().spawn("connection", async move {
                    // A connection that breaks is what this is about.
                    serving.serve(client, &upstream).await.ok();
                });
            }
        });
        proxy
    }

    /// The next requests of `method` with `part` in their first line meet `faults`.
    pub(crate) fn plan(&self, method: &'static str, part: &str, faults: &[Fault]) {
        let rule = Rule { method, part: part.to_owned(), faults: faults.iter().cloned().collect() };
        self.shared.lock().expect("unpoisoned").rules.push(rule);
    }

    /// The heads of all requests so far that begin with `method` and have `part` in their first line.
    pub(crate) fn heads(&self, method: &str, part: &str) -> Vec<String> {
        let shared = self.shared.lock().expect("unpoisoned");
        let is_one = |head: &&String| {
            let line = head.lines().next().unwrap_or_default();
            line.starts_with(method) && line.contains(part)
        };
        shared.heads.iter().filter(is_one).cloned().collect()
    }

    /// Number of faults that are still to come.
    pub(crate) fn waiting(&self) -> usize {
        let shared = self.shared.lock().expect("unpoisoned");
        shared.rules.iter().map(|rule| rule.faults.len()).sum()
    }

    fn fault(&self, head: &str) -> Fault {
        let mut shared = self.shared.lock().expect("unpoisoned");
        shared.heads.push(head.to_owned());
        let line = head.lines().next().unwrap_or_default();
        let rule = shared.rules.iter_mut().find(|rule| {
            line.starts_with(rule.method) && line.contains(&rule.part) && !rule.faults.is_empty()
        });
        rule.and_then(|rule| rule.faults.pop_front()).unwrap_or(Fault::Pass)
    }

    /// Serves one request, then closes.
    async fn serve(&self, mut client: TcpStream, upstream: &str) -> std::io::Result<()> {
        let mut read = Vec::new();
        let end = loop {
            if let Some(end) = read.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break end + 4;
            }
            if client.read_buf(&mut read).await? == 0 {
                return Ok(());
            }
        };
        let head = String::from_utf8_lossy(&read[..end]).into_owned();
        let length: usize = header(&head, "content-length").parse().unwrap_or(0);
        let mut body = read.split_off(end);
        let fault = self.fault(&head);
        if let Fault::Answer(answer) = fault {
            drain(&mut client, length.saturating_sub(body.len())).await?;
            return client.write_all(with_length(answer).as_bytes()).await;
        }

        let mut server = TcpStream::connect(upstream).await?;
        let asked = head.replacen("\r\n", "\r\nConnection: close\r\n", 1);
        server.write_all(asked.as_bytes()).await?;
        let wanted = if let Fault::CutRequest(wanted) = fault { wanted } else { length };
        let mut left = wanted.min(length);
        loop {
            let piece = body.len().min(left);
            server.write_all(&body[..piece]).await?;
            left -= piece;
            body.clear();
            if left == 0 {
                break;
            }
            if client.read_buf(&mut body).await? == 0 {
                return Ok(());
            }
        }
        if matches!(fault, Fault::CutRequest(_)) {
            return Ok(());
        }
        answer(&mut server, &mut client, fault).await
    }
}

async fn answer(
    server: &mut TcpStream,
    client: &mut TcpStream,
    fault: Fault,
) -> std::io::Result<()> {
    let mut answer = Vec::new();
    match fault {
        Fault::CutAnswer(bytes) => {
            server.read_to_end(&mut answer).await?;
            answer.truncate(bytes);
            client.write_all(&answer).await
        }
        Fault::Replace(other) => {
            server.read_to_end(&mut answer).await?;
            client.write_all(with_length(other).as_bytes()).await
        }
        _ => tokio::io::copy(server, client).await.map(drop),
    }
}

/// An answer, which says how long it is.
fn with_length(answer: &str) -> String {
    let (head, body) = answer.split_once("\r\n\r\n").expect("an empty line");
    format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

async fn drain(client: &mut TcpStream, bytes: usize) -> std::io::Result<()> {
    let mut rest = client.take(bytes as u64);
    tokio::io::copy(&mut rest, &mut tokio::io::sink()).await.map(drop)
}

/// The value of a header; empty where there is none.
pub(crate) fn header<'a>(head: &'a str, name: &str) -> &'a str {
    let value = head.lines().skip(1).find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.trim())
    });
    value.unwrap_or_default()
}

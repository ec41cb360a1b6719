//! A client that costs little: the machine's two cores are shared with the server under load.
//!
//! HTTP/1.1 with keep-alive on plain sockets; requests are written in one piece, answers need a
//! `Content-Length` or are chunked. Nothing is retried and no redirect is followed.

use anyhow::Context as _;
use anyhow::bail;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::load::run::Job;

/// The servers and the credentials to send.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// `host:port` of each.
    addresses: Vec<String>,
    /// Header lines that every request has, each with its line end.
    headers: String,
}

impl Target {
    /// The servers at `endpoints` (`http://host:port`, with commas between them); no credentials are
    /// sent where `key` is empty.
    pub(crate) fn parse(endpoints: &str, key: &str, secret: &str) -> anyhow::Result<Self> {
        let mut addresses = Vec::new();
        for endpoint in endpoints.split(',') {
            let Some(rest) = endpoint.strip_prefix("http://") else {
                bail!("expected http://host:port, not {endpoint:?}");
            };
            addresses.push(rest.trim_end_matches('/').to_owned());
        }
        let mut headers = format!("Host: {}\r\nAccept: application/json\r\n", addresses[0]);
        if !key.is_empty() {
            let basic = BASE64_STANDARD.encode(format!("{key}:{secret}"));
            headers.push_str(&format!("Authorization: Basic {basic}\r\n"));
        }
        Ok(Self { addresses, headers })
    }

    /// Opens a connection, the `number`th: the servers take turns.
    pub(crate) async fn connect(&self, number: usize) -> anyhow::Result<Connection> {
        let address = &self.addresses[number % self.addresses.len()];
        let stream = TcpStream::connect(address).await.context("connecting")?;
        stream.set_nodelay(true).context("connecting")?;
        Ok(Connection { stream, buffer: Vec::with_capacity(64 << 10) })
    }

    /// The bytes of `job`'s request.
    pub(crate) fn request(&self, job: &Job, out: &mut Vec<u8>) {
        out.clear();
        let Job { method, path, content_type, body } = job;
        out.extend_from_slice(format!("{method} {path} HTTP/1.1\r\n{}", self.headers).as_bytes());
        if let Some(content_type) = content_type {
            let length = body.len();
            let lines = format!("Content-Type: {content_type}\r\nContent-Length: {length}\r\n");
            out.extend_from_slice(lines.as_bytes());
        }
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(body);
    }
}

/// One keep-alive connection.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// An answer: status and where its body lies in the connection's buffer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answer<'a> {
    /// The status code.
    pub(crate) status: u16,
    /// The body; of a chunked answer with its framing.
    pub(crate) body: &'a [u8],
}

impl Connection {
    /// Sends a request and waits for the whole answer.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> anyhow::Result<Answer<'_>> {
        self.stream.write_all(request).await.context("sending")?;
        self.buffer.clear();
        let head = loop {
            if let Some(end) = find(&self.buffer, b"\r\n\r\n") {
                break end + 4;
            }
            self.read_more().await?;
        };
        let text = std::str::from_utf8(&self.buffer[..head]).context("header is no text")?;
        let status = text.get(9..12).context("short status line")?.parse().context("status")?;
        match content_length(text)? {
            Some(length) => {
                while self.buffer.len() < head + length {
                    self.read_more().await?;
                }
            }
            None if status == 204 || status == 304 => {}
            None => {
                while !self.buffer.ends_with(b"0\r\n\r\n") {
                    self.read_more().await?;
                }
            }
        }
        Ok(Answer { status, body: &self.buffer[head..] })
    }

    async fn read_more(&mut self) -> anyhow::Result<()> {
        let count = self.stream.read_buf(&mut self.buffer).await.context("receiving")?;
        if count == 0 { bail!("the server closed the connection") } else { Ok(()) }
    }
}

fn content_length(head: &str) -> anyhow::Result<Option<usize>> {
    for line in head.lines() {
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            return Ok(Some(value.trim().parse().context("content-length")?));
        }
    }
    Ok(None)
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

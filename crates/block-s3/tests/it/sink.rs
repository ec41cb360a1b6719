//! A server that keeps no bytes but counts them, and makes up those it is asked for.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use tokio::io::AsyncBufReadExt as _;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::io::BufReader;
use tokio::net::TcpListener;
use tokio::net::TcpStream;

/// Bytes that are read or written at once.
const PIECE: usize = 64 << 10;

/// The server and what it has seen.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sink {
    pub(crate) endpoint: String,
    /// Bytes of bodies that came.
    pub(crate) came: Arc<AtomicU64>,
    /// Bytes of bodies that went.
    pub(crate) went: Arc<AtomicU64>,
    /// Length of every object.
    length: u64,
}

impl Sink {
    /// A server whose objects have `length` bytes.
    pub(crate) async fn start(length: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("listen");
        let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
        let sink = Self { endpoint, length, ..Self::default() };
        let serving = sink.clone();
        lakehold_clock::Runtime::real().spawn("sink", async move {
            while let Ok((client, _)) = listener.accept().await {
                let serving = serving.clone();
                lakehold_clock::Runtime::real().spawn("connection", async move {
                    // The client may close whenever it likes.
                    serving.serve(BufReader::with_capacity(PIECE, client)).await.ok();
                });
            }
        });
        sink
    }

    async fn serve(&self, mut client: BufReader<TcpStream>) -> std::io::Result<()> {
        loop {
            let mut first = String::new();
            if client.read_line(&mut first).await? == 0 {
                return Ok(());
            }
            let mut left: u64 = 0;
            loop {
                let mut line = String::new();
                client.read_line(&mut line).await?;
                if let Some(length) = line.to_lowercase().strip_prefix("content-length:") {
                    left = length.trim().parse().unwrap_or(0);
                }
                if line.trim().is_empty() {
                    break;
                }
            }
            let mut piece = vec![0; PIECE];
            while left > 0 {
                let wanted = piece.len().min(usize::try_from(left).unwrap_or(usize::MAX));
                let read = client.read(&mut piece[..wanted]).await?;
                if read == 0 {
                    return Ok(());
                }
                left -= read as u64;
                self.came.fetch_add(read as u64, Ordering::SeqCst);
            }
            self.answer(&mut client, &first).await?;
        }
    }

    async fn answer(&self, client: &mut BufReader<TcpStream>, first: &str) -> std::io::Result<()> {
        let etag = "ETag: \"0123456789abcdef0123456789abcdef\"\r\n";
        if first.starts_with("GET") || first.starts_with("HEAD") {
            let head = format!("HTTP/1.1 200 OK\r\n{etag}Content-Length: {}\r\n\r\n", self.length);
            client.write_all(head.as_bytes()).await?;
            let mut left = if first.starts_with("GET") { self.length } else { 0 };
            while left > 0 {
                let piece = vec![7; PIECE.min(usize::try_from(left).unwrap_or(usize::MAX))];
                client.write_all(&piece).await?;
                left -= piece.len() as u64;
                self.went.fetch_add(piece.len() as u64, Ordering::SeqCst);
            }
            return Ok(());
        }
        let body = if first.contains("?uploads") {
            "<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>"
        } else if first.starts_with("POST") {
            "<CompleteMultipartUploadResult><ETag>\"0-1\"</ETag></CompleteMultipartUploadResult>"
        } else {
            ""
        };
        let length = body.len();
        let answer = format!("HTTP/1.1 200 OK\r\n{etag}Content-Length: {length}\r\n\r\n{body}");
        client.write_all(answer.as_bytes()).await
    }
}

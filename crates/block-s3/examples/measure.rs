//! Measures transfers to and from an S3 with the driver and with a bare client that uses presigned URLs:
//! `cargo run --release --example measure -- ENDPOINT BUCKET ACCESS_KEY SECRET [MIB]`.
//!
//! The bucket must be there. Over plain HTTP the driver signs what it sends, which the bare client does
//! not; over TLS neither does.
#![expect(clippy::print_stdout, reason = "its output is the purpose of this program")]

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt as _;
use futures::future;
use futures::stream;
use lakehold_block::Address;
use lakehold_block::BlockStore as _;
use lakehold_block::Body;
use lakehold_block_s3::S3BlockStore;
use lakehold_block_s3::S3Credentials;
use lakehold_block_s3::S3Settings;
use lakehold_clock::Runtime;

const PIECE: usize = 256 << 10;

/// Objects of 4 KiB that are written and read one after the other.
const SMALL: usize = 200;

/// How long each figure of large bodies is measured.
const ROUND: Duration = Duration::from_secs(5);

const TTL: Duration = Duration::from_secs(3_600);

type Failed = Box<dyn std::error::Error>;

struct Bench {
    runtime: Runtime,
    store: Arc<S3BlockStore>,
    bare: reqwest::Client,
    bucket: String,
    length: usize,
}

#[tokio::main]
async fn main() -> Result<(), Failed> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [endpoint, bucket, access_key, secret, rest @ ..] = &arguments[..] else {
        return Err("usage: measure ENDPOINT BUCKET ACCESS_KEY SECRET [MIB]".into());
    };
    let settings = S3Settings {
        endpoint: Some(endpoint.clone()),
        force_path_style: true,
        skip_verify_certificate: true,
        credentials: Some(S3Credentials {
            access_key_id: access_key.clone(),
            secret_access_key: secret.clone().into(),
            session_token: None,
        }),
        ..S3Settings::default()
    };
    let runtime = Runtime::real();
    let bench = Bench {
        store: Arc::new(S3BlockStore::new(settings, runtime.clone())?),
        bare: reqwest::Client::builder().no_proxy().build()?,
        bucket: bucket.clone(),
        length: rest.first().map_or(Ok(64), |mib| mib.parse::<usize>())? << 20,
        runtime,
    };
    for at_a_time in [1, 8] {
        bench.large(at_a_time).await?;
    }
    bench.small().await
}

impl Bench {
    fn address(&self, name: &str) -> Address {
        Address::Full(format!("s3://{}/measure/{name}", self.bucket).into())
    }

    async fn large(&self, at_a_time: usize) -> Result<(), Failed> {
        for (what, kind) in [("bare  ", Kind::Bare), ("driver", Kind::Driver)] {
            let put = self.rate(at_a_time, |number| self.put(kind, number)).await?;
            let get = self.rate(at_a_time, |number| self.get(kind, number % at_a_time)).await?;
            println!("{what} {at_a_time} at a time: PUT {put:6.0} MB/s, GET {get:6.0} MB/s");
        }
        Ok(())
    }

    async fn small(&self) -> Result<(), Failed> {
        for (what, kind) in [("bare  ", Kind::Bare), ("driver", Kind::Driver)] {
            let start = self.runtime.monotonic();
            for _ in 0..SMALL {
                self.put_bytes(kind, "small", Bytes::from(vec![1; 4_096])).await?;
            }
            let put = self.runtime.monotonic() - start;
            for _ in 0..SMALL {
                self.get_bytes(kind, "small").await?;
            }
            let get = self.runtime.monotonic() - start - put;
            let each = |time: Duration| time.as_secs_f64() * 1e3 / SMALL as f64;
            println!("{what} 4 KiB: PUT {:.2} ms, GET {:.2} ms", each(put), each(get));
        }
        Ok(())
    }

    /// Transfers as many at a time as asked for, number after number, for [`ROUND`]; MB a second.
    async fn rate<F: Future<Output = Result<(), Failed>>>(
        &self,
        at_a_time: usize,
        transfer: impl Fn(usize) -> F,
    ) -> Result<f64, Failed> {
        let start = self.runtime.monotonic();
        let next = AtomicUsize::new(0);
        let one_after_the_other = || async {
            while self.runtime.monotonic() < start + ROUND {
                transfer(next.fetch_add(1, Ordering::Relaxed)).await?;
            }
            Ok::<(), Failed>(())
        };
        future::try_join_all((0..at_a_time).map(|_| one_after_the_other())).await?;
        let took = self.runtime.monotonic() - start;
        Ok((next.into_inner() * self.length) as f64 / 1e6 / took.as_secs_f64())
    }

    fn pieces(
        &self,
    ) -> impl futures::Stream<Item = Result<Bytes, lakehold_block::BoxError>> + use<> {
        let piece = Bytes::from(vec![1; PIECE]);
        stream::iter((0..self.length / PIECE).map(move |_| Ok(piece.clone())))
    }

    async fn put(&self, kind: Kind, number: usize) -> Result<(), Failed> {
        let address = self.address(&number.to_string());
        match kind {
            Kind::Driver => {
                let body = Body::stream(Some(self.length as u64), self.pieces());
                self.store.put(&address, body).await?;
            }
            Kind::Bare => {
                let url = self.store.presign_put(&address, TTL).await?.ok_or("no URL")?.url;
                let body = reqwest::Body::wrap_stream(self.pieces());
                let sent = self.bare.put(url).header("content-length", self.length).body(body);
                sent.send().await?.error_for_status()?;
            }
        }
        Ok(())
    }

    async fn get(&self, kind: Kind, number: usize) -> Result<(), Failed> {
        let address = self.address(&number.to_string());
        let mut read = 0;
        match kind {
            Kind::Driver => {
                let mut pieces = self.store.get(&address, None).await?.into_pieces();
                while let Some(piece) = pieces.next().await {
                    read += piece.map_err(|error| error.to_string())?.len();
                }
            }
            Kind::Bare => {
                let url = self.store.presign_get(&address, TTL, None).await?.ok_or("no URL")?.url;
                let answer = self.bare.get(url).send().await?.error_for_status()?;
                let mut pieces = answer.bytes_stream();
                while let Some(piece) = pieces.next().await {
                    read += piece?.len();
                }
            }
        }
        if read == self.length { Ok(()) } else { Err(format!("{read} bytes came").into()) }
    }

    async fn put_bytes(&self, kind: Kind, name: &str, bytes: Bytes) -> Result<(), Failed> {
        let address = self.address(name);
        match kind {
            Kind::Driver => drop(self.store.put(&address, bytes.into()).await?),
            Kind::Bare => {
                let url = self.store.presign_put(&address, TTL).await?.ok_or("no URL")?.url;
                self.bare.put(url).body(bytes).send().await?.error_for_status()?;
            }
        }
        Ok(())
    }

    async fn get_bytes(&self, kind: Kind, name: &str) -> Result<(), Failed> {
        let address = self.address(name);
        match kind {
            Kind::Driver => {
                let body = self.store.get(&address, None).await?;
                body.collect(PIECE).await.map_err(|error| error.to_string())?;
            }
            Kind::Bare => {
                let url = self.store.presign_get(&address, TTL, None).await?.ok_or("no URL")?.url;
                self.bare.get(url).send().await?.error_for_status()?.bytes().await?;
            }
        }
        Ok(())
    }
}

/// Who transfers.
#[derive(Clone, Copy)]
enum Kind {
    /// A client that knows nothing but the URL.
    Bare,
    /// The driver.
    Driver,
}

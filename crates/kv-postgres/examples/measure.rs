//! Measures the store against the same statements without it:
//! `cargo run --release --example measure -- URL`.
//!
//! Both sides use as many connections in the same way: gets pipelined on four, sets on a pool of
//! eight. What the store adds is the choice of a connection, limits, errors and copies. The table is
//! made anew for 100,000 records and removed again; the server should sync its writes.
#![expect(clippy::print_stdout, reason = "its output is the purpose of this program")]

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use deadpool::managed::Manager;
use deadpool::managed::Metrics;
use deadpool::managed::Pool;
use deadpool::managed::RecycleResult;
use futures::future::join_all;
use lakehold_clock::Runtime;
use lakehold_kv::Precondition;
use lakehold_kv::Store as _;
use lakehold_kv::Write;
use lakehold_kv_postgres::PostgresSettings;
use lakehold_kv_postgres::PostgresStore;
use tokio::sync::oneshot;
use tokio_postgres::Client;
use tokio_postgres::NoTls;
use tokio_postgres::Statement;

const RECORDS: u64 = 100_000;
const CALL: u64 = 1_000;
const PARTITION: &str = "repository/branches-000001";
const TABLE: &str = "measured_kv";
const GET: &str = "SELECT value FROM measured_kv WHERE partition_key = $1 AND key = $2";
const SET: &str = "INSERT INTO measured_kv (partition_key, key, value) VALUES ($1, $2, $3) \
                   ON CONFLICT (partition_key, key) DO UPDATE SET value = excluded.value";
const SHARED: usize = 4;
const POOLED: usize = 8;
/// How long each figure is measured.
const ROUND: Duration = Duration::from_secs(4);
/// How often each is measured, the two sides in turn; the best counts.
const ROUNDS: usize = 3;

type Failed = Box<dyn std::error::Error + Send + Sync>;

/// One side of the comparison.
#[async_trait]
trait Side: Send + Sync + 'static {
    async fn get(&self, number: u64) -> Result<(), Failed>;
    async fn set(&self, number: u64) -> Result<(), Failed>;
}

#[derive(Clone, Copy, Debug)]
enum What {
    Get,
    Set,
}

fn main() -> Result<(), Failed> {
    let url = std::env::args().nth(1).ok_or("usage: measure URL")?;
    let tokio =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    tokio.block_on(run(&url))
}

async fn run(url: &str) -> Result<(), Failed> {
    let runtime = Runtime::real();
    let remove = format!("DROP TABLE IF EXISTS {TABLE} CASCADE");
    connect(&runtime, url).await?.batch_execute(&remove).await?;
    let separator = if url.contains('?') { '&' } else { '?' };
    let settings = PostgresSettings::new(format!("{url}{separator}lakefskv_table={TABLE}"));
    let store = PostgresStore::open(settings, &runtime).await?;
    for start in (0..RECORDS).step_by(usize::try_from(CALL)?) {
        drop(store.write((start..start + CALL).map(record).collect()).await?);
    }
    let driver: Arc<dyn Side> = Arc::new(Driver { store });
    let bare: Arc<dyn Side> = Arc::new(Bare::connect(&runtime, url).await?);
    println!("        tasks      driver        bare   ratio   CPU us a call, driver and bare");
    for what in [What::Get, What::Set] {
        for tasks in [1, 8, 64] {
            let mut best = [Figure::default(); 2];
            for _ in 0..ROUNDS {
                for (side, best) in [&driver, &bare].into_iter().zip(&mut best) {
                    let measured = measure(&runtime, side, what, tasks).await?;
                    if measured.rate > best.rate {
                        *best = measured;
                    }
                }
            }
            let [driver, bare] = best;
            println!(
                "{what:?}     {tasks:5}  {:8.0}/s  {:8.0}/s  {:5.1}%   {:.1}  {:.1}",
                driver.rate,
                bare.rate,
                100.0 * driver.rate / bare.rate,
                driver.cpu,
                bare.cpu
            );
        }
    }
    connect(&runtime, url).await?.batch_execute(&remove).await?;
    Ok(())
}

#[derive(Clone, Copy, Debug, Default)]
struct Figure {
    /// Calls a second.
    rate: f64,
    /// Microseconds of this process's CPU time for each.
    cpu: f64,
}

async fn measure(
    runtime: &Runtime,
    side: &Arc<dyn Side>,
    what: What,
    tasks: u64,
) -> Result<Figure, Failed> {
    let (start, cpu) = (runtime.monotonic(), cpu_time());
    let waits: Vec<_> = (0..tasks).map(|task| work(runtime, side, what, task)).collect();
    let mut calls = 0;
    for done in join_all(waits).await {
        calls += done??;
    }
    let took = runtime.monotonic() - start;
    let spent = cpu_time() - cpu;
    let calls = calls as f64;
    Ok(Figure { rate: calls / took.as_secs_f64(), cpu: spent.as_secs_f64() * 1e6 / calls })
}

/// Starts a task that makes calls for [`ROUND`] and answers how many.
fn work(
    runtime: &Runtime,
    side: &Arc<dyn Side>,
    what: What,
    task: u64,
) -> oneshot::Receiver<Result<u64, Failed>> {
    let (done, wait) = oneshot::channel();
    let (own, side) = (runtime.clone(), Arc::clone(side));
    runtime.spawn("measure", async move {
        let end = own.monotonic() + ROUND;
        let mut calls = 0;
        let ended = loop {
            if own.monotonic() >= end {
                break Ok(calls);
            }
            let number = (task * 15_485_863 + calls * 7_919) % RECORDS;
            let called = match what {
                What::Get => side.get(number).await,
                What::Set => side.set(number).await,
            };
            if let Err(failed) = called {
                break Err(failed);
            }
            calls += 1;
        };
        drop(done.send(ended));
    });
    wait
}

struct Driver {
    store: PostgresStore,
}

#[async_trait]
impl Side for Driver {
    async fn get(&self, number: u64) -> Result<(), Failed> {
        let found = self.store.get(PARTITION.into(), key(number)).await?;
        found.map(drop).ok_or_else(|| format!("record {number} is missing").into())
    }

    async fn set(&self, number: u64) -> Result<(), Failed> {
        drop(self.store.write(vec![record(number)]).await?);
        Ok(())
    }
}

/// The library alone.
struct Bare {
    shared: Vec<(Client, Statement)>,
    pool: Pool<Opener>,
}

impl Bare {
    async fn connect(runtime: &Runtime, url: &str) -> Result<Self, Failed> {
        let mut shared = Vec::new();
        for _ in 0..SHARED {
            let client = connect(runtime, url).await?;
            let statement = client.prepare(GET).await?;
            shared.push((client, statement));
        }
        let opener = Opener { runtime: runtime.clone(), url: url.to_owned() };
        Ok(Self { shared, pool: Pool::builder(opener).max_size(POOLED).build()? })
    }
}

#[async_trait]
impl Side for Bare {
    async fn get(&self, number: u64) -> Result<(), Failed> {
        let (client, statement) = &self.shared[usize::try_from(number)? % SHARED];
        let key = key(number);
        let row = client.query_one(statement, &[&PARTITION.as_bytes(), &&key[..]]).await?;
        row.try_get::<_, &[u8]>(0)?;
        Ok(())
    }

    async fn set(&self, number: u64) -> Result<(), Failed> {
        let connection = self.pool.get().await.map_err(|error| error.to_string())?;
        let (client, statement) = &*connection;
        let Write { key, value, .. } = record(number);
        let value = value.unwrap_or_default();
        client.execute(statement, &[&PARTITION.as_bytes(), &&key[..], &&value[..]]).await?;
        Ok(())
    }
}

struct Opener {
    runtime: Runtime,
    url: String,
}

impl Manager for Opener {
    type Type = (Client, Statement);
    type Error = Failed;

    async fn create(&self) -> Result<(Client, Statement), Failed> {
        let client = connect(&self.runtime, &self.url).await?;
        let statement = client.prepare(SET).await?;
        Ok((client, statement))
    }

    async fn recycle(&self, _: &mut (Client, Statement), _: &Metrics) -> RecycleResult<Failed> {
        Ok(())
    }
}

async fn connect(runtime: &Runtime, url: &str) -> Result<Client, Failed> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    runtime.spawn("measure", async move { drop(connection.await) });
    Ok(client)
}

fn key(number: u64) -> Bytes {
    format!("tables/events/part-{number:08}.parquet").into()
}

fn record(number: u64) -> Write {
    let value: Vec<u8> = (0..130).map(|at| (number.wrapping_mul(at + 1) >> 3) as u8).collect();
    Write {
        partition: PARTITION.into(),
        key: key(number),
        value: Some(value.into()),
        precondition: Precondition::Always,
    }
}

/// User and system time of this process, in the kernel's ticks of 10 ms.
fn cpu_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    let ticks: u64 = fields.skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}

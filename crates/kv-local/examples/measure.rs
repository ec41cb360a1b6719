//! Measures a store of a million records: `cargo run --release --example measure -- DIRECTORY`.
//!
//! Each phase is a process of its own, so that memory is its own and one of them can end as if killed.
#![expect(clippy::print_stdout, reason = "its output is the purpose of this program")]

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::join_all;
use lakehold_clock::Runtime;
use lakehold_kv::Precondition;
use lakehold_kv::Store as _;
use lakehold_kv::Write;
use lakehold_kv_local::LocalSettings;
use lakehold_kv_local::LocalStore;
use tokio::sync::oneshot;

const RECORDS: u64 = 1_000_000;
const CALL: u64 = 1_000;

type Failed = Box<dyn std::error::Error>;

fn main() -> Result<(), Failed> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let tokio = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build()?;
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [directory] => run_phases(directory),
        [phase, directory] => tokio.block_on(run(phase, Path::new(directory))),
        _ => Err("usage: measure DIRECTORY (is made anew)".into()),
    }
}

fn run_phases(directory: &str) -> Result<(), Failed> {
    let phases =
        ["empty", "load", "read", "put-1", "put-8", "put-64", "kill", "read", "close", "read"];
    for phase in phases {
        let status = Command::new(std::env::current_exe()?).args([phase, directory]).status()?;
        if !status.success() {
            return Err(format!("{phase}: {status}").into());
        }
    }
    Ok(())
}

async fn run(phase: &str, directory: &Path) -> Result<(), Failed> {
    let runtime = Runtime::real();
    let start = runtime.monotonic();
    let store = Arc::new(LocalStore::open(directory, LocalSettings::default())?);
    let opened = runtime.monotonic() - start;
    println!("{phase:6} opened in {opened:?}, resident {} MiB", resident_mib());
    let (start, cpu) = (runtime.monotonic(), cpu_time());
    let done = match phase {
        "load" => load(&store).await?,
        "read" => read(&store).await?,
        "put-1" => put(&runtime, &store, 1, 20_000).await,
        "put-8" => put(&runtime, &store, 8, 100_000).await,
        "put-64" => put(&runtime, &store, 64, 300_000).await,
        "kill" => put(&runtime, &store, 64, 700_000).await,
        _ => 0,
    };
    if done > 0 {
        let took = runtime.monotonic() - start;
        let rate = done as f64 / took.as_secs_f64();
        let cpu = (cpu_time() - cpu).as_secs_f64() * 1e6 / done as f64;
        println!(
            "{phase:6} {done} in {took:.2?}: {rate:.0}/s, {cpu:.1} us CPU each, resident {} MiB",
            resident_mib()
        );
    }
    if phase == "kill" {
        // Without closing or even dropping anything.
        std::process::exit(0);
    }
    let start = runtime.monotonic();
    store.close().await?;
    println!("{phase:6} closed in {:?}", runtime.monotonic() - start);
    Ok(())
}

async fn load(store: &LocalStore) -> Result<u64, Failed> {
    for start in (0..RECORDS).step_by(usize::try_from(CALL)?) {
        drop(store.write((start..start + CALL).map(record).collect()).await?);
    }
    Ok(RECORDS)
}

async fn read(store: &LocalStore) -> Result<u64, Failed> {
    for number in 0..RECORDS / 4 {
        let number = number * 4 % RECORDS;
        let found = store.get("repository/branches-000001".into(), key(number)).await?;
        found.ok_or_else(|| format!("record {number} is missing"))?;
    }
    Ok(RECORDS / 4)
}

async fn put(runtime: &Runtime, store: &Arc<LocalStore>, tasks: u64, puts: u64) -> u64 {
    let waits = (0..tasks).map(|task| {
        let (done, wait) = oneshot::channel();
        let store = Arc::clone(store);
        runtime.spawn("put", async move {
            for number in (task..puts).step_by(usize::try_from(tasks).expect("few")) {
                drop(store.write(vec![record(number + RECORDS)]).await.expect("write"));
            }
            done.send(()).unwrap_or_default();
        });
        wait
    });
    join_all(waits.collect::<Vec<_>>()).await;
    puts
}

fn key(number: u64) -> Bytes {
    format!("tables/events/part-{:08}.parquet", number.wrapping_mul(7_919) % 10_000_000).into()
}

fn record(number: u64) -> Write {
    let value: Vec<u8> = (0..130).map(|at| (number.wrapping_mul(at + 1) >> 3) as u8).collect();
    Write {
        partition: "repository/branches-000001".into(),
        key: key(number),
        value: Some(value.into()),
        precondition: Precondition::Always,
    }
}

fn resident_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    kib.unwrap_or_default() / 1024
}

/// User and system time of this process, in the kernel's ticks of 10 ms.
fn cpu_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    let ticks: u64 = fields.skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}

//! A writer to the embedded store, to be killed, and the check of what it left:
//! `power_cut_store FOLDER write` says which of its counters are durable, a line for each, until it is
//! killed; `power_cut_store FOLDER check COUNTER ...` compares with the last ones that it said.
//!
//! The memtables are small, so that tables are written and merged all the time: a server comes to that
//! only after hours.
#![expect(clippy::print_stdout, reason = "what it prints is read by the test that drives it")]

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use lakehold_clock::Runtime;
use lakehold_kv::Outcome;
use lakehold_kv::Precondition;
use lakehold_kv::Scan;
use lakehold_kv::Store as _;
use lakehold_kv::Version;
use lakehold_kv::Write;
use lakehold_kv_local::LocalSettings;
use lakehold_kv_local::LocalStore;
use tokio::sync::oneshot;

const WRITERS: usize = 4;
const MEMTABLE_BYTES: u64 = 128 * 1024;
const MAX_PAIRS: u64 = 20;
const CHURN_KEYS: u64 = 500;
const MAX_CHURN_BYTES: u64 = 3_000;
/// Pairs that are so many steps old are deleted, so that the store does not only grow.
const KEPT_STEPS: u64 = 2_000;

type Failed = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<(), Failed> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let [folder, act, counters @ ..] = &words[..] else {
        return Err("usage: power_cut_store FOLDER write|check COUNTER ...".into());
    };
    let settings = LocalSettings { memtable_bytes: MEMTABLE_BYTES, ..LocalSettings::default() };
    let tokio = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build()?;
    tokio.block_on(async {
        let store = Arc::new(LocalStore::open(Path::new(folder), settings)?);
        println!("open");
        match *act {
            "write" => write_all(&store).await,
            _ => check_all(&store, counters).await,
        }
    })
}

/// Runs the writers until one fails.
async fn write_all(store: &Arc<LocalStore>) -> Result<(), Failed> {
    let runtime = Runtime::real();
    let mut writers = Vec::new();
    for writer in 0..WRITERS {
        let (store, (ended, end)) = (store.clone(), oneshot::channel());
        runtime.spawn("writer", async move { drop(ended.send(write(&store, writer).await)) });
        writers.push(end);
    }
    futures::future::select_all(writers).await.0?
}

async fn write(store: &LocalStore, writer: usize) -> Result<(), Failed> {
    let partition = partition(writer);
    let mut counter = counter(store, writer).await?;
    loop {
        let next = counter + 1;
        let outcomes = store.write(step(&partition, counter)).await?;
        if outcomes.last() != Some(&Outcome::Applied) {
            return Err(format!("writer {writer}: step {next} was refused").into());
        }
        counter = next;
        println!("{writer} {counter}");
    }
}

/// The writes that lead from `counter` to the next: pairs, churn, and the counter itself at the end.
fn step(partition: &Bytes, counter: u64) -> Vec<Write> {
    let next = counter + 1;
    let mut writes = Vec::new();
    for pair in 0..pairs(next) {
        for half in ["a", "b"] {
            writes.push(set(partition, pair_key(next, pair, half), Some(pair_value(next, pair))));
        }
    }
    for pair in 0..next.checked_sub(KEPT_STEPS).map_or(0, pairs) {
        for half in ["a", "b"] {
            writes.push(set(partition, pair_key(next - KEPT_STEPS, pair, half), None));
        }
    }
    let churn = scatter(next) % CHURN_KEYS;
    writes.push(set(partition, format!("churn/{churn:04}"), Some(churn_value(next))));
    let unchanged = Precondition::Unchanged(Version(counter.to_string().into()));
    let precondition = if counter == 0 { Precondition::Absent } else { unchanged };
    let advanced = set(partition, "counter".to_owned(), Some(next.to_string()));
    writes.push(Write { precondition, ..advanced });
    writes
}

fn set(partition: &Bytes, key: String, value: Option<String>) -> Write {
    let (key, value) = (key.into(), value.map(Bytes::from));
    Write { partition: partition.clone(), key, value, precondition: Precondition::Always }
}

/// Everything up to the counter is there, whole, and nothing else is.
async fn check_all(store: &LocalStore, acknowledged: &[&str]) -> Result<(), Failed> {
    for writer in 0..WRITERS {
        let least = acknowledged.get(writer).map_or(Ok(0), |counter| counter.parse::<u64>())?;
        let counter = counter(store, writer).await?;
        if counter < least || counter > least + 1 {
            return Err(format!("writer {writer}: {least} acknowledged, {counter} found").into());
        }
        check(store, writer, counter).await?;
        println!("{writer} {counter}");
    }
    Ok(())
}

async fn check(store: &LocalStore, writer: usize, counter: u64) -> Result<(), Failed> {
    let mut expected = std::collections::BTreeMap::new();
    for step in counter.saturating_sub(KEPT_STEPS) + 1..=counter {
        for pair in 0..pairs(step) {
            for half in ["a", "b"] {
                expected.insert(pair_key(step, pair, half), pair_value(step, pair));
            }
        }
    }
    for step in 1..=counter {
        let churn = scatter(step) % CHURN_KEYS;
        expected.insert(format!("churn/{churn:04}"), churn_value(step));
    }
    if counter > 0 {
        expected.insert("counter".to_owned(), counter.to_string());
    }
    let mut scan = Scan::new(store, partition(writer), Bytes::new());
    while let Some(entry) = scan.next().await? {
        let key = String::from_utf8(entry.key.to_vec())?;
        let wanted = expected.remove(&key);
        if wanted.as_deref().map(str::as_bytes) != Some(&entry.value[..]) {
            return Err(format!("writer {writer}: {key} is not what was written last").into());
        }
    }
    match expected.first_key_value() {
        Some((key, _)) => Err(format!("writer {writer}: {key} is missing").into()),
        None => Ok(()),
    }
}

async fn counter(store: &LocalStore, writer: usize) -> Result<u64, Failed> {
    let found = store.get(partition(writer), "counter".into()).await?;
    let text = found.map(|found| String::from_utf8(found.value.to_vec())).transpose()?;
    Ok(text.map_or(Ok(0), |text| text.parse())?)
}

fn partition(writer: usize) -> Bytes {
    format!("writer-{writer}").into()
}

fn pairs(step: u64) -> u64 {
    1 + scatter(step) % MAX_PAIRS
}

fn pair_key(step: u64, pair: u64, half: &str) -> String {
    format!("pair/{step:08}/{pair:02}/{half}")
}

fn pair_value(step: u64, pair: u64) -> String {
    format!("{step}/{pair}/").repeat(1 + (step % 9) as usize)
}

fn churn_value(step: u64) -> String {
    let size = scatter(step.wrapping_mul(31)) % MAX_CHURN_BYTES;
    format!("{step} ").repeat(size as usize / 8 + 1)
}

/// A number that looks random.
fn scatter(number: u64) -> u64 {
    let mixed = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (mixed ^ (mixed >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 33
}

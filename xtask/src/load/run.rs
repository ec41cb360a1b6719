//! Connections that send jobs one after the other, and what came of it.

use std::cell::Cell;
use std::cell::RefCell;
use std::time::Duration;

use anyhow::Context as _;
use anyhow::ensure;
use futures::future::try_join_all;
use lakehold_clock::Runtime;
use serde_json::Value;

use crate::load::http::Answer;
use crate::load::http::Target;

/// One request.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    /// Method.
    pub(crate) method: &'static str,
    /// Path and query, encoded.
    pub(crate) path: String,
    /// Content type, where there is a body.
    pub(crate) content_type: Option<&'static str>,
    /// The body.
    pub(crate) body: Vec<u8>,
}

impl Job {
    /// A request without a body.
    pub(crate) fn get(path: &str) -> Self {
        Self { method: "GET", path: path.to_owned(), content_type: None, body: Vec::new() }
    }

    /// A request with a JSON body.
    pub(crate) fn json(method: &'static str, path: &str, body: &Value) -> Self {
        let body = body.to_string().into_bytes();
        Self { method, path: path.to_owned(), content_type: Some("application/json"), body }
    }

    /// A request with `size` bytes.
    pub(crate) fn bytes(method: &'static str, path: String, size: usize) -> Self {
        let body = vec![b'x'; size];
        Self { method, path, content_type: Some("application/octet-stream"), body }
    }
}

/// What came of some load.
#[derive(Debug, Default)]
pub(crate) struct Done {
    /// Requests answered.
    pub(crate) requests: u64,
    /// Of them, those with a status of 300 or more.
    pub(crate) errors: u64,
    /// The first of these.
    pub(crate) first_error: Option<String>,
    elapsed: Duration,
    latencies: Vec<Duration>,
}

impl Done {
    fn note(&mut self, answer: &Answer<'_>, latency: Duration) {
        self.requests += 1;
        self.latencies.push(latency);
        if answer.status >= 300 {
            self.errors += 1;
            let text = String::from_utf8_lossy(&answer.body[..answer.body.len().min(300)]);
            self.first_error.get_or_insert_with(|| format!("{} {text}", answer.status));
        }
    }

    /// Requests answered a second.
    pub(crate) fn rate(&self) -> f64 {
        self.requests as f64 / self.elapsed.as_secs_f64().max(1e-9)
    }

    /// The latency, in milliseconds, that `share` of the requests did not exceed.
    pub(crate) fn latency_ms(&self, share: f64) -> f64 {
        let last = self.latencies.len().saturating_sub(1);
        let index = (last as f64 * share).round() as usize;
        self.latencies.get(index).map_or(0.0, |latency| latency.as_secs_f64() * 1e3)
    }
}

/// Sends `job(0)`, `job(1)`, ... over `connections` connections until `duration` has passed.
pub(crate) fn drive(
    target: &Target,
    connections: usize,
    duration: Duration,
    job: &dyn Fn(u64) -> Job,
) -> anyhow::Result<Done> {
    let clock = Runtime::real();
    let started = clock.monotonic();
    let next = Cell::new(0);
    let done = RefCell::new(Done::default());
    let client = async |number| {
        let mut connection = target.connect(number).await?;
        let mut request = Vec::new();
        while clock.monotonic() - started < duration {
            target.request(&job(next.replace(next.get() + 1)), &mut request);
            let sent = clock.monotonic();
            let answer = connection.exchange(&request).await?;
            done.borrow_mut().note(&answer, clock.monotonic() - sent);
        }
        anyhow::Ok(())
    };
    in_one_thread(try_join_all((0..connections).map(client)))?;
    let mut done = done.into_inner();
    done.elapsed = clock.monotonic() - started;
    done.latencies.sort_unstable();
    Ok(done)
}

/// Sends `job(0)` to `job(count - 1)` over `connections` connections and returns the answers' bodies
/// in order. Fails at the first answer that is an error.
pub(crate) fn send_all(
    target: &Target,
    connections: usize,
    count: u64,
    job: &dyn Fn(u64) -> Job,
) -> anyhow::Result<Vec<Vec<u8>>> {
    let next = Cell::new(0);
    let bodies = RefCell::new(Vec::new());
    let client = async |number| {
        let mut connection = target.connect(number).await?;
        let mut request = Vec::new();
        while next.get() < count {
            let place = next.replace(next.get() + 1);
            let job = job(place);
            target.request(&job, &mut request);
            let answer = connection.exchange(&request).await?;
            let text = String::from_utf8_lossy(answer.body);
            ensure!(answer.status < 300, "{} {}: {} {text}", job.method, job.path, answer.status);
            bodies.borrow_mut().push((place, answer.body.to_vec()));
        }
        Ok(())
    };
    in_one_thread(try_join_all((0..connections).map(client)))?;
    let mut bodies = bodies.into_inner();
    bodies.sort_unstable_by_key(|(place, _)| *place);
    Ok(bodies.into_iter().map(|(_, body)| body).collect())
}

fn in_one_thread<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("starting tokio")?;
    runtime.block_on(work)
}

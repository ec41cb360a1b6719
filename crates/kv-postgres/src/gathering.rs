//! Writes of several callers in one transaction.
//!
//! A commit costs the database more than the write in it: a record of its own in the log, and a wait for
//! the disk. So when several are underway, each by itself, further ones go together: two *lanes* each take
//! what waits, carry it out, and take what has come meanwhile. There is no delay to wait for company, a lone
//! writer is served at once.
//!
//! Only what is quick goes this way: one write of a call, unconditional or of something new, as every
//! staged object is. A change of what is there may have to wait for another server's, and must not keep
//! others waiting; the writes of a longer call have a transaction anyway.
//!
//! What the database refuses in company is carried out alone, so that everybody hears of their own write.
//! If the answer is lost, it is lost to all.

use std::sync::Arc;

use lakehold_kv::Outcome;
use lakehold_kv::Precondition;
use lakehold_kv::Write;
use tokio::sync::Mutex;
use tokio::sync::Semaphore;
use tokio::sync::mpsc;
use tokio::sync::oneshot;

use crate::calls::Calls;
use crate::failure::Failure;
use crate::failure::Trouble;

/// How many writes are underway by themselves before others are gathered.
const ALONE: usize = 8;
/// How many transactions of gathered writes are underway at once.
const LANES: usize = 2;
/// The most writes of one transaction.
const MOST_WRITES: usize = 128;
/// After so many bytes of values no further write is taken along.
const MOST_BYTES: usize = 1 << 20;
/// How many writes may wait; those who come later wait for a place.
const WAITING: usize = 4_096;

/// Where writes wait for a lane.
pub(crate) struct Gathering {
    alone: Semaphore,
    queue: mpsc::Sender<Job>,
}

/// One write, and who waits for it.
struct Job {
    write: Write,
    answer: oneshot::Sender<Result<Outcome, Trouble>>,
}

type Queue = Arc<Mutex<mpsc::Receiver<Job>>>;

impl Gathering {
    /// Starts the lanes. They end when this is dropped, and what waits is carried out.
    pub(crate) fn start(calls: &Arc<Calls>) -> Self {
        let (queue, jobs) = mpsc::channel(WAITING);
        let jobs = Arc::new(Mutex::new(jobs));
        for _ in 0..LANES {
            let lane = run(Arc::clone(calls), Arc::clone(&jobs));
            calls.connector.runtime.spawn("postgres-writes", lane);
        }
        Self { alone: Semaphore::new(ALONE), queue }
    }

    /// Carries out `writes`, the only one of them perhaps together with others.
    pub(crate) async fn write(
        &self,
        calls: &Calls,
        writes: &[Write],
    ) -> Result<Vec<Outcome>, Trouble> {
        let [write] = writes else { return calls.write_once(writes).await };
        if !is_quick(write) {
            return calls.write_once(writes).await;
        }
        match self.alone.try_acquire() {
            Ok(_place) => calls.write_once(writes).await,
            Err(_) => Ok(vec![self.join(calls, write.clone()).await?]),
        }
    }

    async fn join(&self, calls: &Calls, write: Write) -> Result<Outcome, Trouble> {
        let (answer, wait) = oneshot::channel();
        let ended = || Failure::new(&calls.connector.place, "the writers have ended");
        let sent = self.queue.send(Job { write, answer }).await;
        sent.map_err(|_| Trouble::Lasting(ended()))?;
        // Without an answer the runtime is shutting down, and what it was doing is not known.
        wait.await.unwrap_or_else(|_| Err(Trouble::Lost(ended())))
    }
}

/// Whether a write need not wait for what others do with its record.
fn is_quick(write: &Write) -> bool {
    let is_new = matches!(write.precondition, Precondition::Always | Precondition::Absent);
    is_new && write.value.is_some()
}

/// A lane: until nobody is left to send anything.
async fn run(calls: Arc<Calls>, jobs: Queue) {
    loop {
        let taken = gather(&mut *jobs.lock().await).await;
        if taken.is_empty() {
            return;
        }
        carry_out(&calls, taken).await;
    }
}

/// Waits for a write and takes along what waits behind it; nothing, if there will be none any more.
async fn gather(jobs: &mut mpsc::Receiver<Job>) -> Vec<Job> {
    let Some(first) = jobs.recv().await else { return Vec::new() };
    let size = |job: &Job| job.write.value.as_ref().map_or(0, |value| value.len());
    let mut bytes = size(&first);
    let mut taken = vec![first];
    while taken.len() < MOST_WRITES && bytes < MOST_BYTES {
        let Ok(job) = jobs.try_recv() else { break };
        bytes += size(&job);
        taken.push(job);
    }
    taken
}

async fn carry_out(calls: &Calls, jobs: Vec<Job>) {
    let (writes, answers): (Vec<_>, Vec<_>) =
        jobs.into_iter().map(|Job { write, answer }| (write, answer)).unzip();
    match calls.write_once(&writes).await {
        Ok(outcomes) => {
            for (answer, outcome) in answers.into_iter().zip(outcomes) {
                tell(answer, Ok(outcome));
            }
        }
        Err(Trouble::Lasting(_) | Trouble::Invalid(_)) if writes.len() > 1 => {
            for (answer, write) in answers.into_iter().zip(writes) {
                tell(answer, alone(calls, write).await);
            }
        }
        Err(trouble) => {
            for answer in answers {
                tell(answer, Err(trouble.clone()));
            }
        }
    }
}

async fn alone(calls: &Calls, write: Write) -> Result<Outcome, Trouble> {
    let outcomes = calls.write_once(&[write]).await?;
    // One write, one outcome.
    Ok(outcomes[0])
}

fn tell(answer: oneshot::Sender<Result<Outcome, Trouble>>, outcome: Result<Outcome, Trouble>) {
    // Nobody left to tell is no error: the write is done all the same.
    drop(answer.send(outcome));
}

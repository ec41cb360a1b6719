//! The executor: one thread, one task at a time, in the order that the seed decides.
//!
//! Time stands still while anybody has something to do; then it jumps to the next timer. Each task
//! belongs to a *group* (the clients, or one life of one server) and works for an *operation*, both
//! inherited by the tasks it spawns: a group can be ended at once, as a crash does, and whatever
//! happens in a store can be put down to the operation that caused it.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::task::Context;
use std::task::Poll;
use std::task::Wake;
use std::task::Waker;
use std::time::Duration;

use futures::future::BoxFuture;
use lakehold_clock::Clock;
use lakehold_clock::Runtime;
use lakehold_clock::SeededRandom;
use lakehold_clock::Spawner;
use lakehold_clock::Timestamp;

use super::dice::Dice;
use super::trace::Trace;

/// What every clock shows in the beginning.
const START: Timestamp = Timestamp::from_seconds(1_700_000_000);

/// How often a task that wakes itself goes on before others may.
const MOST_POLLS: usize = 100;

/// The group of clients and of whatever is on its way through the network.
pub(crate) const OUTSIDE: u32 = 0;

/// To whom a task belongs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tag {
    /// [`OUTSIDE`], or one life of one server.
    pub(crate) group: u32,
    /// The operation that the task works for.
    pub(crate) operation: Option<usize>,
}

/// Runs tasks. Clones are the same executor.
#[derive(Clone)]
pub(crate) struct Executor(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    trace: Trace,
}

struct State {
    dice: Dice,
    tasks: BTreeMap<u64, Task>,
    ready: Vec<u64>,
    timers: BTreeMap<(Duration, u64), Waker>,
    ended: BTreeSet<u32>,
    now: Duration,
    current: Tag,
    /// Number of the step that runs or ran last, and the task that runs.
    steps: u64,
    polled: Option<u64>,
    /// Whether that task was woken while it ran.
    is_self_woken: bool,
    /// To be woken after this step.
    yielded: Vec<Waker>,
    /// Numbers of tasks and timers.
    next: u64,
}

struct Task {
    tag: Tag,
    /// `None` while it is being polled.
    future: Option<BoxFuture<'static, ()>>,
    is_ready: bool,
}

impl fmt::Debug for Executor {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Executor").field("now", &self.now()).finish_non_exhaustive()
    }
}

impl Executor {
    pub(crate) fn new(dice: Dice, trace: Trace) -> Self {
        let state = State {
            dice,
            tasks: BTreeMap::new(),
            ready: Vec::new(),
            timers: BTreeMap::new(),
            ended: BTreeSet::new(),
            now: Duration::ZERO,
            current: Tag::default(),
            steps: 0,
            polled: None,
            is_self_woken: false,
            yielded: Vec::new(),
            next: 0,
        };
        Self(Arc::new(Shared { state: Mutex::new(state), trace }))
    }

    /// What happened so far.
    pub(crate) fn trace(&self) -> &Trace {
        &self.0.trace
    }

    /// A runtime whose tasks belong to `group`.
    pub(crate) fn runtime(&self, group: u32, seed: u64) -> Runtime {
        let clock = Arc::new(VirtualClock(self.clone()));
        let spawner = Arc::new(GroupSpawner { executor: self.clone(), group });
        Runtime::new(clock, Arc::new(SeededRandom::new(seed)), spawner)
    }

    /// Adds a task; one of a group that was ended is dropped at once.
    pub(crate) fn spawn(&self, tag: Tag, future: BoxFuture<'static, ()>) -> u64 {
        let mut state = self.state();
        let id = state.number();
        if !state.ended.contains(&tag.group) {
            state.tasks.insert(id, Task { tag, future: Some(future), is_ready: true });
            state.ready.push(id);
        }
        id
    }

    /// Lets one task run up to its next wait, or time pass up to the next timer. Returns whether
    /// there was anything to do.
    pub(crate) fn step(&self) -> bool {
        let Some((id, tag, mut future)) = self.state().take_ready() else { return self.advance() };
        self.0.trace.count(id);
        let done = self.poll(id, &mut future);
        let mut state = self.state();
        state.current = Tag::default();
        let task = match done {
            true => state.tasks.remove(&id),
            false => {
                if let Some(task) = state.tasks.get_mut(&id) {
                    task.future = Some(future);
                }
                None
            }
        };
        drop(state);
        // Dropping a task may wake others.
        self.drop_as(tag, task);
        self.wake_yielded();
        true
    }

    /// Runs a task up to its next wait.
    ///
    /// One that wakes itself goes on at once, for it may do so without need, and at times that are no
    /// matter of the seed: a cache tidies itself up now and then by the real clock, and whoever it
    /// does that in is woken. Who lets others go first waits for [`Executor::yield_now`].
    fn poll(&self, id: u64, future: &mut BoxFuture<'static, ()>) -> bool {
        let waker = Waker::from(Arc::new(TaskWaker { executor: self.clone(), id }));
        let mut is_woken = true;
        for _ in 0..MOST_POLLS {
            if future.as_mut().poll(&mut Context::from_waker(&waker)).is_ready() {
                self.state().polled = None;
                return true;
            }
            is_woken = std::mem::take(&mut self.state().is_self_woken);
            if !is_woken {
                break;
            }
        }
        let mut state = self.state();
        state.polled = None;
        if is_woken {
            state.wake(id);
        }
        false
    }

    fn wake_yielded(&self) {
        let yielded = std::mem::take(&mut self.state().yielded);
        yielded.into_iter().for_each(Waker::wake);
    }

    /// Lets others run first, perhaps.
    pub(crate) fn yield_now(&self) -> YieldNow {
        YieldNow { executor: self.clone(), since: None }
    }

    /// Drops a task: what it waits for is not waited for any more.
    pub(crate) fn abort(&self, id: u64) {
        let task = self.state().remove(id);
        if let Some(task) = task {
            self.drop_as(task.tag, task);
        }
    }

    /// Drops all tasks of a group, now and in future.
    pub(crate) fn end_group(&self, group: u32) {
        let mut state = self.state();
        state.ended.insert(group);
        let of_group = |(id, task): (&u64, &Task)| (task.tag.group == group).then_some(*id);
        let ids: Vec<u64> = state.tasks.iter().filter_map(of_group).collect();
        let tasks: Vec<Task> = ids.into_iter().filter_map(|id| state.remove(id)).collect();
        drop(state);
        for task in tasks {
            self.drop_as(task.tag, task);
        }
    }

    /// Drops everything: tasks hold the executor, and it holds them.
    pub(crate) fn end(&self) {
        let mut state = self.state();
        let tasks = std::mem::take(&mut state.tasks);
        let timers = std::mem::take(&mut state.timers);
        let groups: Vec<u32> = tasks.values().map(|task| task.tag.group).collect();
        state.ended.extend(groups);
        drop(state);
        drop((tasks, timers));
    }

    /// To whom the task belongs that runs at this moment.
    pub(crate) fn current(&self) -> Tag {
        self.state().current
    }

    pub(crate) fn is_ended(&self, group: u32) -> bool {
        self.state().ended.contains(&group)
    }

    /// Time since the beginning.
    pub(crate) fn now(&self) -> Duration {
        self.state().now
    }

    /// Completes once `duration` has passed.
    pub(crate) fn sleep(&self, duration: Duration) -> Sleep {
        let mut state = self.state();
        let timer = (state.now + duration, state.number());
        drop(state);
        Sleep { executor: self.clone(), timer }
    }

    fn advance(&self) -> bool {
        let mut state = self.state();
        let Some(((at, _), waker)) = state.timers.pop_first() else { return false };
        state.now = state.now.max(at);
        drop(state);
        waker.wake();
        true
    }

    fn drop_as<T>(&self, tag: Tag, dropped: T) {
        let before = std::mem::replace(&mut self.state().current, tag);
        drop(dropped);
        self.state().current = before;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().expect("no code panics while holding the lock")
    }
}

impl State {
    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    fn take_ready(&mut self) -> Option<(u64, Tag, BoxFuture<'static, ()>)> {
        while !self.ready.is_empty() {
            let place = self.dice.below(self.ready.len());
            let id = self.ready.swap_remove(place);
            // One that was dropped, or woken while it ran and has ended.
            let Some(task) = self.tasks.get_mut(&id) else { continue };
            task.is_ready = false;
            let Some(future) = task.future.take() else { continue };
            self.current = task.tag;
            self.steps += 1;
            (self.polled, self.is_self_woken) = (Some(id), false);
            return Some((id, task.tag, future));
        }
        None
    }

    fn remove(&mut self, id: u64) -> Option<Task> {
        self.ready.retain(|ready| *ready != id);
        self.tasks.remove(&id)
    }

    fn wake(&mut self, id: u64) {
        if self.polled == Some(id) {
            self.is_self_woken = true;
            return;
        }
        if let Some(task) = self.tasks.get_mut(&id)
            && !task.is_ready
        {
            task.is_ready = true;
            self.ready.push(id);
        }
    }
}

struct TaskWaker {
    executor: Executor,
    id: u64,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.executor.state().wake(self.id);
    }
}

/// See [`Executor::sleep`].
#[derive(Debug)]
pub(crate) struct Sleep {
    executor: Executor,
    timer: (Duration, u64),
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut state = self.executor.state();
        if state.now >= self.timer.0 {
            return Poll::Ready(());
        }
        let replaced = state.timers.insert(self.timer, context.waker().clone());
        drop(state);
        drop(replaced);
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        let removed = self.executor.state().timers.remove(&self.timer);
        drop(removed);
    }
}

/// See [`Executor::yield_now`].
#[derive(Debug)]
pub(crate) struct YieldNow {
    executor: Executor,
    /// The step in which others were let first.
    since: Option<u64>,
}

impl Future for YieldNow {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let executor = self.executor.clone();
        let mut state = executor.state();
        let since = *self.since.get_or_insert(state.steps);
        if state.steps > since {
            return Poll::Ready(());
        }
        state.yielded.push(context.waker().clone());
        Poll::Pending
    }
}

#[derive(Debug)]
struct VirtualClock(Executor);

impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        START.plus(self.0.now())
    }

    fn monotonic(&self) -> Duration {
        self.0.now()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(self.0.sleep(duration))
    }
}

#[derive(Debug)]
struct GroupSpawner {
    executor: Executor,
    group: u32,
}

impl Spawner for GroupSpawner {
    fn spawn(&self, _name: &'static str, task: BoxFuture<'static, ()>) {
        let operation = self.executor.current().operation;
        self.executor.spawn(Tag { group: self.group, operation }, task);
    }

    fn blocking(&self, work: Box<dyn FnOnce() + Send + 'static>) {
        self.spawn("blocking", Box::pin(async move { work() }));
    }
}

//! A whole simulation: servers, clients, an operator who kills servers, and the end.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use lakehold_block::Address;
use lakehold_block::BlockStore as _;
use lakehold_block::MemBlockStore;
use lakehold_catalog::StorageNamespace;
use lakehold_clock::Runtime;
use lakehold_kv::MemStore;
use lakehold_kv::Store as _;
use lakehold_tree::Trees;
use tokio::sync::oneshot;

use super::SimulationSettings;
use super::choose::Chooser;
use super::choose::KEYS;
use super::choose::PONDS;
use super::choose::ROLES;
use super::choose::Role;
use super::dice::Dice;
use super::executor::Executor;
use super::executor::OUTSIDE;
use super::executor::Tag;
use super::ledger::Book;
use super::ledger::staged_entries;
use super::perform::LAKE;
use super::perform::new_repository;
use super::perform::perform;
use super::request::Paging;
use super::request::Request;
use super::request::Val;
use super::sabotage::Saboteur;
use super::server::Server;
use super::server::Stores;
use super::server::small_ranges;
use super::trace::Trace;
use super::weather::Weather;

/// The longest a client thinks before its next request, in microseconds: now and then long enough for
/// what another server remembers to become too old.
const LONGEST_THOUGHT_MICROS: [usize; 4] = [1_000, 20_000, 1_000_000, 4_000_000];

/// The longest time between two crashes, in microseconds, of which a seed has one, and how many there
/// are at most.
const RESTS_MICROS: [usize; 3] = [20_000, 1_000_000, 20_000_000];
const MOST_CRASHES: usize = 8;

/// How many files go, where files go.
const MOST_THEFTS: usize = 3;

/// How long a server may believe what it knows of rules that another server changes.
const STALENESS: Duration = Duration::from_secs(5);

/// A simulation. Clones are the same one.
#[derive(Clone)]
pub(crate) struct World(Arc<Parts>);

struct Parts {
    stores: Stores,
    trace: Trace,
    state: Mutex<State>,
}

struct State {
    dice: Dice,
    servers: Vec<Server>,
    /// Number of lives that were begun.
    lives: u32,
    crashes: u64,
    /// Requests that may still be made.
    requests_left: usize,
    clients: usize,
    next_value: u64,
}

impl World {
    /// A world in which nothing has happened yet.
    pub(crate) fn new(settings: SimulationSettings) -> Self {
        let SimulationSettings { seed, requests, trace, sabotage } = settings;
        let mut dice = Dice::new(seed);
        let trace = Trace::new(trace);
        let executor = Executor::new(dice.fork(), trace.clone());
        let is_shared = dice.below(2) == 1;
        let kv = Arc::new(if is_shared { MemStore::shared() } else { MemStore::new() });
        let observer = executor.runtime(OUTSIDE, 0);
        let blocks = Arc::new(MemBlockStore::with_runtime(observer.clone()));
        let weather = Weather::new(dice.fork(), executor.clone());
        let staleness = if is_shared { STALENESS } else { Duration::ZERO };
        let book = new_book(&blocks, observer, staleness, weather.slowest());
        let saboteur = Saboteur::new(sabotage, seed);
        let stores = Stores { kv, blocks, executor, weather, book, saboteur };
        let state = State {
            dice,
            servers: Vec::new(),
            lives: 0,
            crashes: 0,
            requests_left: requests,
            clients: 0,
            next_value: 0,
        };
        let world = Self(Arc::new(Parts { stores, trace, state: Mutex::new(state) }));
        for _ in 0..if is_shared { 2 } else { 1 } {
            let server = world.start_server();
            world.state().servers.push(server);
        }
        world
    }

    pub(crate) fn stores(&self) -> &Stores {
        &self.0.stores
    }

    pub(crate) fn trace(&self) -> &Trace {
        &self.0.trace
    }

    /// How many servers were killed.
    pub(crate) fn crashes(&self) -> u64 {
        self.state().crashes
    }

    /// How many clients have not come to their end.
    pub(crate) fn clients(&self) -> usize {
        self.state().clients
    }

    /// Runs `work` as a client.
    pub(crate) fn spawn(&self, work: BoxFuture<'static, ()>) {
        self.0.stores.executor.spawn(Tag { group: OUTSIDE, operation: None }, work);
    }

    /// The repository that all work on, with a branch beside `main`.
    pub(crate) async fn set_up(self) {
        let server = self.server();
        let new = new_repository(LAKE, &format!("mem://{LAKE}"));
        if let Err(error) = server.catalog.create_repository(new).await {
            self.accuse(format!("the repository is not created: {error}"));
        }
        for _ in 0..8 {
            let mut dice = self.state().dice.fork();
            let request = self.choose(&mut dice, Role::Writer);
            self.call(request, None).await;
        }
        self.call(Request::Commit { branch: "main".to_owned() }, None).await;
        for name in ["dev-1", "dev-2"] {
            let source = "main".to_owned();
            self.call(Request::CreateBranch { branch: name.to_owned(), source }, None).await;
        }
    }

    /// Sends clients and an operator on their way.
    pub(crate) fn begin(&self) {
        self.0.stores.weather.set_calm(false);
        for role in ROLES {
            let dice = self.state().dice.fork();
            self.state().clients += 1;
            self.spawn(self.clone().client(dice, role).boxed());
        }
        let dice = self.state().dice.fork();
        self.spawn(self.clone().operator(dice).boxed());
        if self.0.stores.saboteur.takes_files() {
            let dice = self.state().dice.fork();
            self.spawn(self.clone().thief(dice).boxed());
        }
    }

    async fn client(self, mut dice: Dice, role: Role) {
        let longest_thought = *dice.pick(&LONGEST_THOUGHT_MICROS);
        while self.take_turn() {
            if dice.below(3) == 0 {
                self.0.stores.executor.sleep(dice.micros(longest_thought)).await;
            }
            let request = self.choose(&mut dice, role);
            let patience = dice.per_mille(40).then(|| dice.micros(50_000));
            // Who merges into a branch sees to it that nothing is staged there.
            if request.is_merge_like() && dice.per_mille(700) {
                let branch = request.branch().unwrap_or_default().to_owned();
                self.call(Request::Commit { branch }, None).await;
            }
            self.call(request.clone(), patience).await;
            let next = self.chooses(|value, commits| {
                Chooser { dice: &mut dice, value, commits }.follow_up(&request)
            });
            if let Some(next) = next {
                self.call(next, None).await;
            }
        }
        self.state().clients -= 1;
    }

    /// Takes files of trees away.
    async fn thief(self, mut dice: Dice) {
        let namespace = namespace();
        for _ in 0..MOST_THEFTS {
            self.0.stores.executor.sleep(dice.micros(1_000_000)).await;
            let blocks = &self.0.stores.blocks;
            let files = blocks.list(&namespace, "_lakefs/", "", 1_000).await.unwrap_or_default();
            if !files.is_empty() {
                let stolen = Address::relative(&namespace, &*dice.pick(&files).name);
                if let Err(error) = blocks.delete(&stolen).await {
                    self.accuse(format!("memory refuses: {error}"));
                }
            }
        }
    }

    /// Kills a server now and then, at whatever it is.
    async fn operator(self, mut dice: Dice) {
        let rest = *dice.pick(&RESTS_MICROS);
        for _ in 0..dice.below(MOST_CRASHES + 1) {
            self.0.stores.executor.sleep(dice.micros(rest)).await;
            if self.clients() == 0 {
                return;
            }
            let count = self.state().servers.len();
            self.kill_server(dice.below(count));
        }
    }

    /// Kills a server and starts another one in its place.
    pub(crate) fn kill_server(&self, place: usize) {
        let group = self.state().servers[place].group;
        self.0.trace.tell(|| format!("server {group} is killed"));
        self.0.stores.executor.end_group(group);
        let server = self.start_server();
        let mut state = self.state();
        state.servers[place] = server;
        state.crashes += 1;
    }

    fn start_server(&self) -> Server {
        let mut state = self.state();
        state.lives += 1;
        let (group, seed) = (OUTSIDE + state.lives, state.dice.throw());
        drop(state);
        Server::start(&self.0.stores, group, seed)
    }

    /// Sends a request to some server, and waits for the answer, or as long as the client likes.
    pub(crate) async fn call(&self, request: Request, patience: Option<Duration>) {
        let Stores { executor, book, .. } = &self.0.stores;
        let server = self.server();
        let operation = book.lock().invoked(executor.now(), request.clone());
        let group = server.group;
        self.0.trace.tell(|| format!("{operation}: server {group} is asked for {request:?}"));
        let (tell, told) = oneshot::channel();
        let (book, trace) = (book.clone(), self.0.trace.clone());
        let work = async move {
            let answer = perform(&server, request).await;
            let line = format!("{operation}: {answer:?}");
            trace.take(line.as_bytes());
            trace.tell(|| line);
            book.lock().answered(operation, &answer);
            // A client that has gone away is no error.
            let _told = tell.send(());
        };
        let task = executor.spawn(Tag { group, operation: Some(operation) }, work.boxed());
        self.wait(operation, task, told, patience).await;
    }

    async fn wait(
        &self,
        operation: usize,
        task: u64,
        told: oneshot::Receiver<()>,
        patience: Option<Duration>,
    ) {
        let Stores { executor, book, .. } = &self.0.stores;
        let is_told = match patience {
            None => told.await.is_ok(),
            Some(patience) => tokio::select! {
                biased;
                told = told => told.is_ok(),
                () = executor.sleep(patience) => {
                    executor.abort(task);
                    false
                }
            },
        };
        if !is_told {
            self.0.trace.tell(|| format!("{operation}: no answer"));
            book.lock().gave_up(operation);
        }
    }

    /// Everything once more, in fine weather and by a server that knows nothing: what can be seen is
    /// what the book says, can be committed, and is then in the commit.
    pub(crate) async fn finish(self) {
        let servers = self.state().servers.len();
        (0..servers).for_each(|place| self.kill_server(place));
        self.call(Request::Protect { branches: [].into() }, None).await;
        self.0.stores.executor.sleep(2 * STALENESS).await;
        let book = &self.0.stores.book;
        let branches = book.lock().branch_names();
        for branch in branches {
            let list = |at| Request::List { at, paging: Paging::everything() };
            self.call(list(branch.clone()), None).await;
            self.call(Request::Commit { branch: branch.clone() }, None).await;
            self.call(list(format!("{branch}@")), None).await;
            self.call(Request::Log { at: branch }, None).await;
        }
        self.finish_ponds().await;
        self.compare_tokens();
        let Stores { executor, blocks, book, .. } = &self.0.stores;
        let trees = Trees::new(blocks.clone(), executor.runtime(OUTSIDE, 0), small_ranges());
        book.lock().read_again(trees);
    }

    /// Repositories that come and go have what was put there, and can be deleted.
    async fn finish_ponds(&self) {
        for pond in PONDS.map(str::to_owned) {
            for key in KEYS.map(str::to_owned) {
                self.call(Request::ReadPond { pond: pond.clone(), key }, None).await;
            }
            self.call(Request::DeletePond { pond }, None).await;
        }
    }

    /// What the book knows of staged entries must be what is stored.
    fn compare_tokens(&self) {
        let Stores { kv, book, .. } = &self.0.stores;
        let named = book.lock().named_tokens();
        for (token, entries) in named {
            let stored = kv.scan(token.clone(), bytes::Bytes::new(), 1_000).now_or_never();
            let stored = stored.and_then(Result::ok).map(|page| staged_entries(page.entries));
            if stored.as_ref() != Some(&entries) {
                self.accuse(format!("{token:?} has {stored:?}, the book has {entries:?}"));
            }
        }
    }

    fn choose(&self, dice: &mut Dice, role: Role) -> Request {
        self.chooses(|value, commits| Chooser { dice, value, commits }.choose(role))
    }

    /// Chooses with a value that nobody has written, and all commits.
    fn chooses<T>(&self, choice: impl FnOnce(Val, Vec<String>) -> T) -> T {
        let mut state = self.state();
        state.next_value += 1;
        let value = state.next_value;
        drop(state);
        let commits = self.0.stores.book.lock().commit_ids().to_vec();
        choice(value, commits)
    }

    fn take_turn(&self) -> bool {
        let mut state = self.state();
        let is_left = state.requests_left > 0;
        state.requests_left = state.requests_left.saturating_sub(1);
        is_left
    }

    fn server(&self) -> Server {
        let mut state = self.state();
        let count = state.servers.len();
        let place = state.dice.below(count);
        state.servers[place].clone()
    }

    pub(crate) fn accuse(&self, what: String) {
        self.0.stores.book.lock().accuse(what);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().expect("no code panics while holding the lock")
    }
}

/// A book that reads trees without weather.
fn new_book(
    blocks: &Arc<MemBlockStore>,
    observer: Runtime,
    staleness: Duration,
    slowest: Duration,
) -> Book {
    let trees = Trees::new(blocks.clone(), observer, small_ranges());
    Book::new(trees, namespace(), staleness, slowest)
}

fn namespace() -> StorageNamespace {
    StorageNamespace::from_stored(&format!("mem://{LAKE}"))
}

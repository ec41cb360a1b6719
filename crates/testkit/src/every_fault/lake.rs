//! A server over copies of prepared stores, run to the end of all that it has to do.

use std::hash::DefaultHasher;
use std::hash::Hash as _;
use std::hash::Hasher as _;
use std::sync::Arc;
use std::sync::Mutex;

use bytes::Bytes;
use futures::FutureExt as _;
use lakehold_actions::Actions;
use lakehold_auth::Auth;
use lakehold_auth::AuthSettings;
use lakehold_auth::DEFAULT_LOGIN_DURATION;
use lakehold_block::BlockStore;
use lakehold_block::MemBlockStore;
use lakehold_catalog::Address;
use lakehold_catalog::Catalog;
use lakehold_catalog::CatalogSettings;
use lakehold_catalog::Engine;
use lakehold_catalog::StorageNamespace;
use lakehold_engine::NoHooks;
use lakehold_gc::Gc;
use lakehold_kv::Entry;
use lakehold_kv::MemStore;
use lakehold_kv::Ownership;
use lakehold_kv::Precondition;
use lakehold_kv::Store;
use lakehold_kv::Write;
use lakehold_tree::TreeSettings;
use lakehold_tree::Trees;

use super::Nth;
use super::Place;
use super::operations::Operation;
use super::operations::Outcome;
use crate::fates::FatedBlocks;
use crate::fates::FatedStore;
use crate::simulation::Dice;
use crate::simulation::Executor;
use crate::simulation::Tag;
use crate::simulation::Trace;

/// Namespaces that anything is ever stored in.
const NAMESPACES: [&str; 3] = ["mem://lake", "mem://pond", "mem://elsewhere"];

/// More than there is of anything.
const ALL: usize = 10_000;

/// All that a server does, without its protocols.
#[derive(Clone, Debug)]
pub(super) struct Lake {
    pub(super) catalog: Catalog,
    pub(super) auth: Auth,
    pub(super) gc: Gc,
    pub(super) actions: Actions,
    /// For what a start does beside the catalog.
    pub(super) engine: Engine,
}

/// What is stored.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    pub(super) kv: MemStore,
    pub(super) blocks: Arc<MemBlockStore>,
}

impl Stored {
    /// Nothing, over an empty store.
    pub(super) fn nothing(kv: MemStore) -> Self {
        Self { kv, blocks: Arc::new(MemBlockStore::new().allowing_imports()) }
    }

    /// The same once more.
    pub(super) fn copy(&self) -> Self {
        let kv = match self.kv.ownership() {
            Ownership::Exclusive => MemStore::new(),
            Ownership::Shared => MemStore::shared(),
        };
        for (partition, entries) in self.records() {
            let write = |entry: Entry| Write {
                partition: partition.clone(),
                key: entry.key,
                value: Some(entry.value),
                precondition: Precondition::Always,
            };
            let writes = entries.into_iter().map(write).collect();
            drop(at_once(kv.write(writes)).expect("written"));
        }
        let blocks = MemBlockStore::new().allowing_imports();
        for (address, bytes) in self.bodies() {
            at_once(blocks.put(&address, bytes.into())).expect("stored");
        }
        Self { kv, blocks: Arc::new(blocks) }
    }

    /// A number that follows from all that is stored.
    pub(super) fn hash(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        for (partition, entries) in self.records() {
            for Entry { key, value } in entries {
                (&partition, key, value).hash(&mut hasher);
            }
        }
        for (address, bytes) in self.bodies() {
            (address.to_string(), bytes).hash(&mut hasher);
        }
        hasher.finish()
    }

    fn records(&self) -> Vec<(Bytes, Vec<Entry>)> {
        let names = at_once(self.kv.partitions(Bytes::new(), ALL)).expect("names").names;
        let of = |partition: Bytes| {
            let page = at_once(self.kv.scan(partition.clone(), Bytes::new(), ALL));
            (partition, page.expect("a page").entries)
        };
        names.into_iter().map(of).collect()
    }

    fn bodies(&self) -> Vec<(Address, Bytes)> {
        let mut bodies = Vec::new();
        for namespace in NAMESPACES.map(StorageNamespace::from_stored) {
            for found in at_once(self.blocks.list(&namespace, "", "", ALL)).expect("a list") {
                let address = Address::relative(&namespace, found.name);
                let body = at_once(self.blocks.get(&address, None)).expect("a body");
                let bytes = at_once(body.collect(usize::MAX)).expect("bytes");
                bodies.push((address, bytes));
            }
        }
        bodies
    }
}

/// A machine to run one server on, once.
pub(super) struct Bench {
    executor: Executor,
    life: Life,
}

/// Which server of those that work on a state, one after the other. No two of them may take the same
/// names for fresh ones.
#[derive(Clone, Copy, Debug)]
pub(super) enum Life {
    /// It makes what all operations begin with.
    Preparation = 1,
    /// It adds what one of them begins with.
    Addition,
    /// It runs an operation so that it is cut off.
    CutOff,
    /// It runs the operation.
    Run,
    /// It repeats it.
    Repetition,
    /// It looks.
    Look,
}

impl Bench {
    pub(super) fn new(life: Life) -> Self {
        let executor = Executor::new(Dice::new(1), Trace::new(false));
        Self { executor, life }
    }

    pub(super) fn executor(&self) -> &Executor {
        &self.executor
    }

    /// Runs `operation` on a fresh server, and all that it leaves to be done beside the caller.
    pub(super) fn run(
        &self,
        operation: &Operation,
        stored: &Stored,
        place: Place,
        fates: Arc<Nth>,
    ) -> Outcome {
        let mut kv: Arc<dyn Store> = Arc::new(stored.kv.clone());
        let mut blocks: Arc<dyn BlockStore> = stored.blocks.clone();
        match place {
            Place::Records => kv = Arc::new(FatedStore::new(kv, fates)),
            Place::Blocks => blocks = Arc::new(FatedBlocks::new(blocks, fates)),
        }
        self.complete((operation.run)(self.server(kv, blocks)))
    }

    /// A server without faults.
    pub(super) fn plain(&self, stored: &Stored) -> Lake {
        self.server(Arc::new(stored.kv.clone()), stored.blocks.clone())
    }

    /// Runs `work` to its end, and everything else, too.
    pub(super) fn complete<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> T {
        let done = Arc::new(Mutex::new(None));
        let keep = done.clone();
        let work = async move {
            let result = work.await;
            *keep.lock().expect("nobody panics while holding the lock") = Some(result);
        };
        self.executor.spawn(Tag::default(), work.boxed());
        while self.executor.step() {}
        self.executor.end();
        let mut done = done.lock().expect("nobody panics while holding the lock");
        done.take().expect("it came to an end")
    }

    fn server(&self, kv: Arc<dyn Store>, blocks: Arc<dyn BlockStore>) -> Lake {
        let runtime = self.executor.runtime(1, self.life as u64);
        // A handful of objects makes several ranges.
        let settings =
            TreeSettings { max_range_bytes: 400, raggedness: 3, ..TreeSettings::default() };
        let trees = Trees::new(blocks.clone(), runtime.clone(), settings);
        let engine = Engine::new(kv.clone(), trees, Arc::new(NoHooks), runtime.clone());
        let settings =
            CatalogSettings { signing_key: b"signing key".to_vec(), ensure_readable_root: true };
        let secret_key = b"a secret key of the server".to_vec();
        let auth = AuthSettings { secret_key, login_duration: DEFAULT_LOGIN_DURATION };
        Lake {
            gc: Gc::new(engine.clone(), blocks.clone()),
            actions: Actions::new(engine.clone(), blocks.clone()),
            catalog: Catalog::new(engine.clone(), blocks, runtime.clone(), settings),
            auth: Auth::new(kv, runtime, auth),
            engine,
        }
    }
}

/// What never has to wait.
pub(super) fn at_once<T>(work: impl Future<Output = T>) -> T {
    work.now_or_never().expect("memory answers at once")
}

//! A PostgreSQL server of the tests' own.
//!
//! [`shared`] is started once in a test process, unless `LAKEHOLD_TEST_POSTGRES` is the URL of a
//! superuser on a server where databases may be created. [`Server::start`] starts another one, to be
//! stopped and killed. Each lives in a temporary directory and listens on the loopback only.
//!
//! A watchdog sees to it that server and directory go away with the tests, however these end: a
//! shell in a process group of its own that reads from a pipe. Nobody writes to it; when it is
//! closed, which the kernel does for a process that was killed, the shell cleans up.

use std::ffi::OsString;
use std::net::TcpListener;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::ChildStdin;
use std::process::Command;
use std::process::Stdio;
use std::sync::Mutex;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;

use lakehold_clock::Runtime;
use rustix::process::Pid;
use rustix::process::Signal;
use tokio::sync::OnceCell;
use tokio_postgres::Client;
use tokio_postgres::NoTls;

use crate::support::until;

/// Names a server to use for what needs no server of its own.
const OVERRIDE: &str = "LAKEHOLD_TEST_POSTGRES";

const MISSING: &str = "PostgreSQL is not installed: apt-get install postgresql";

/// Stops the server of a directory and removes both, once its input ends.
const WATCHDOG: &str = r#"
trap '' HUP INT TERM
read -r nothing
pid=$(head -n 1 "$1/data/postmaster.pid" 2>/dev/null)
if [ -n "$pid" ]; then
    kill -QUIT "$pid" 2>/dev/null
    waited=0
    while kill -0 "$pid" 2>/dev/null && [ "$waited" -lt 100 ]; do
        sleep 0.1
        waited=$((waited + 1))
    done
    kill -KILL "$pid" 2>/dev/null
fi
rm -rf "$1"
"#;

/// A database of one test.
#[derive(Debug)]
pub(crate) struct Database {
    /// Where a store may be opened.
    pub(crate) url: String,
    /// Its name, which needs no quotes.
    pub(crate) name: String,
    /// URL of the server, where databases have to be removed again.
    server: Option<String>,
}

impl Database {
    /// A fresh one on the server that the tests share.
    pub(crate) async fn new() -> Self {
        match std::env::var_os(OVERRIDE).and_then(|url| url.into_string().ok()) {
            Some(url) => {
                let mut database = Self::on(&url).await;
                database.server = Some(url);
                database
            }
            None => Self::on(&shared().await.url("postgres")).await,
        }
    }

    /// A fresh one on the server of `url`.
    pub(crate) async fn on(url: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("lakehold_test_{}_{number}", std::process::id());
        let create = format!("CREATE DATABASE {name} TEMPLATE template0");
        client(url).await.batch_execute(&create).await.expect("create a database");
        Self { url: with_database(url, &name), name, server: None }
    }

    /// Where a store may be opened with further parameters, `key=value&...`.
    pub(crate) fn url_with(&self, parameters: &str) -> String {
        let separator = if self.url.contains('?') { '&' } else { '?' };
        format!("{}{separator}{parameters}", self.url)
    }

    /// A connection beside the store's.
    pub(crate) async fn client(&self) -> Client {
        client(&self.url).await
    }

    /// Ends the sessions of all stores on it and returns how many there were.
    pub(crate) async fn terminate(&self, client: &Client) -> u64 {
        let text = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                    WHERE datname = current_database() AND application_name = 'lakehold'";
        client.execute(text, &[]).await.expect("terminate")
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let Some(server) = self.server.take() else { return };
        let text = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        let removing = std::thread::spawn(move || {
            let tokio = tokio::runtime::Runtime::new().expect("a runtime");
            tokio.block_on(async { client(&server).await.batch_execute(&text).await })
        });
        removing.join().expect("no panic").expect("remove the database");
    }
}

/// The server that tests share. Goes away with the process.
async fn shared() -> &'static Server {
    static SHARED: OnceCell<Server> = OnceCell::const_new();
    SHARED.get_or_init(|| Server::start(&[])).await
}

/// Connects with the library alone.
pub(crate) async fn client(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("connect");
    Runtime::real().spawn("test", async move { drop(connection.await) });
    client
}

/// A server that a test starts, stops and kills.
#[derive(Debug)]
pub(crate) struct Server {
    directory: PathBuf,
    programs: PathBuf,
    owner: Option<(u32, u32)>,
    port: u16,
    arguments: Vec<String>,
    process: Mutex<Option<Child>>,
    /// Closing the pipe is what starts the watchdog's work.
    watchdog: Option<(Child, ChildStdin)>,
}

impl Server {
    /// Makes and starts a server; `arguments` are further ones of `postgres`.
    pub(crate) async fn start(arguments: &[&str]) -> Self {
        let server = Self::create(arguments);
        server.start_again().await;
        server
    }

    /// Makes a server that is not started yet.
    pub(crate) fn create(arguments: &[&str]) -> Self {
        let programs = programs();
        let owner = owner();
        let directory = tempfile::Builder::new().prefix("lakehold-postgres-").tempdir();
        let directory = directory.expect("temporary directory").keep();
        let watchdog = Some(watch(&directory));
        let open = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(&directory, open).expect("permissions");
        let server = Self {
            directory,
            programs,
            owner,
            port: free_port(),
            arguments: arguments.iter().map(ToString::to_string).collect(),
            process: Mutex::new(None),
            watchdog,
        };
        server.give(&server.directory);
        let mut initdb = server.command("initdb");
        initdb.args(["--no-sync", "--auth=trust", "--username=postgres", "--encoding=UTF8"]);
        initdb.args(["--locale=C", "--pgdata"]).arg(server.data());
        let done = initdb.output().expect("start initdb");
        assert!(done.status.success(), "initdb: {}", String::from_utf8_lossy(&done.stderr));
        server
    }

    /// Where `database` of this server is.
    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The directory of the cluster.
    pub(crate) fn data(&self) -> PathBuf {
        self.directory.join("data")
    }

    /// Copies a file into the cluster as its owner's.
    pub(crate) fn install(&self, from: &Path, name: &str) {
        let target = self.data().join(name);
        std::fs::copy(from, &target).expect("copy");
        std::fs::set_permissions(&target, std::fs::Permissions::from_mode(0o600)).expect("chmod");
        self.give(&target);
    }

    /// Starts it, after [`Server::stop`] or [`Server::kill`] too, and waits until it answers.
    pub(crate) async fn start_again(&self) {
        let log = std::fs::File::options().create(true).append(true).open(self.log());
        let log = log.expect("open the log");
        let mut postgres = self.command("postgres");
        postgres.arg("-D").arg(self.data()).args(["-p", &self.port.to_string(), "-k"]);
        postgres.arg(&self.directory).args(["-c", "listen_addresses=127.0.0.1"]);
        // The machine does not lose power here, so that nothing needs to reach the disk.
        postgres.args(["-c", "fsync=off", "-c", "max_connections=200"]).args(&self.arguments);
        postgres.process_group(0).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        *self.lock() = Some(postgres.spawn().expect("start postgres"));
        let answers = || async {
            let ended = self.lock().as_mut().and_then(|child| child.try_wait().ok().flatten());
            assert!(ended.is_none(), "postgres ended: {}", self.read_log());
            tokio_postgres::connect(&self.url("postgres"), NoTls).await.is_ok()
        };
        until("postgres does not answer", answers).await;
    }

    /// Stops it in order: sessions are told, everything is written.
    pub(crate) async fn stop(&self) {
        self.end(Signal::INT).await;
    }

    /// Ends it at once, as a crash would.
    pub(crate) async fn kill(&self) {
        self.end(Signal::QUIT).await;
    }

    async fn end(&self, signal: Signal) {
        let Some(process) = self.lock().take() else { return };
        send(&process, signal);
        let process = Mutex::new(process);
        let ended = || async {
            let mut process = process.lock().expect("no panic under the lock");
            process.try_wait().expect("wait").is_some()
        };
        until("postgres does not stop", ended).await;
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.programs.join(program));
        command.current_dir(&self.directory).env("LC_ALL", "C");
        if let Some((user, group)) = self.owner {
            command.uid(user).gid(group);
        }
        command
    }

    fn give(&self, path: &Path) {
        if let Some((user, group)) = self.owner {
            chown(path, Some(user), Some(group)).expect("chown");
        }
    }

    fn log(&self) -> PathBuf {
        self.directory.join("log")
    }

    fn read_log(&self) -> String {
        std::fs::read_to_string(self.log()).unwrap_or_default()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Child>> {
        self.process.lock().expect("no panic under the lock")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut process) = self.lock().take() {
            send(&process, Signal::QUIT);
            drop(process.wait());
        }
        if let Some((mut watchdog, pipe)) = self.watchdog.take() {
            drop(pipe);
            drop(watchdog.wait());
        }
    }
}

fn send(process: &Child, signal: Signal) {
    let pid = i32::try_from(process.id()).ok().and_then(Pid::from_raw).expect("a process id");
    rustix::process::kill_process(pid, signal).expect("send a signal");
}

fn watch(directory: &Path) -> (Child, ChildStdin) {
    let mut shell = Command::new("sh");
    shell.args(["-c", WATCHDOG, "watchdog"]).arg(directory).current_dir("/").process_group(0);
    shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut watchdog = shell.spawn().expect("start the watchdog");
    let pipe = watchdog.stdin.take().expect("its input is a pipe");
    (watchdog, pipe)
}

/// The directory that has `initdb` and `postgres`: of the search path, or the newest that Debian
/// installed.
fn programs() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut installed: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .map(|found| found.flatten().map(|entry| entry.path().join("bin")).collect())
        .unwrap_or_default();
    let version = |path: &PathBuf| {
        let name: Option<OsString> = path.parent().and_then(Path::file_name).map(Into::into);
        name.and_then(|name| name.to_str()?.parse::<u32>().ok())
    };
    installed.sort_by_key(version);
    let mut places = std::env::split_paths(&path).chain(installed.into_iter().rev());
    let found = places.find(|place| ["initdb", "postgres"].iter().all(|p| place.join(p).is_file()));
    found.expect(MISSING)
}

/// PostgreSQL refuses to run as root: then somebody else's user and group.
fn owner() -> Option<(u32, u32)> {
    let is_root = std::fs::metadata("/proc/self").expect("own process").uid() == 0;
    if !is_root {
        return None;
    }
    let users = std::fs::read_to_string("/etc/passwd").expect("users");
    let find = |name: &str| {
        let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
        let ids: Vec<u32> = line.split(':').skip(2).take(2).flat_map(str::parse).collect();
        Some((*ids.first()?, *ids.get(1)?))
    };
    Some(find("postgres").or_else(|| find("nobody")).expect("a user other than root"))
}

/// A port below those that the system hands out to connections, so that it is still free when the
/// server is started again.
fn free_port() -> u16 {
    let start = std::process::id() as u16 % 10_000;
    let mut ports = (0..10_000).map(|number| 20_000 + (start + number) % 10_000);
    let is_free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    static TAKEN: Mutex<Vec<u16>> = Mutex::new(Vec::new());
    let mut taken = TAKEN.lock().expect("no panic under the lock");
    let port = ports.find(|port| !taken.contains(port) && is_free(port)).expect("a free port");
    taken.push(port);
    port
}

/// `url` with another database in it.
fn with_database(url: &str, database: &str) -> String {
    let (place, query) = url.split_once('?').map_or((url, None), |(place, q)| (place, Some(q)));
    let host = place.find("://").map_or(0, |at| at + 3);
    let end = place[host..].find('/').map_or(place.len(), |at| host + at);
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    format!("{}/{database}{query}", &place[..end])
}

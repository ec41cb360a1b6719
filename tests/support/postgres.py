"""A PostgreSQL server of the tests' own, for those that talk to Lakehold from outside.

Standard library only. `Postgres` starts a server from an installed PostgreSQL in a temporary directory, listening
on the loopback; `stop`, `start` and `kill` are for fault tests. Where LAKEHOLD_TEST_POSTGRES names a server on which
databases may be created, `database` makes one there instead (needs `psql`), and nothing is started.

    with Postgres() as postgres:
        serve(postgres.url)

A watchdog sees to it that server and directory go away with the tests, however these end: a shell in a session of
its own that reads from a pipe. Nobody writes to it; when it is closed, which the kernel does for a process that was
killed, the shell cleans up.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.parse
from collections.abc import Iterable, Iterator
from pathlib import Path

OVERRIDE = "LAKEHOLD_TEST_POSTGRES"
START_LIMIT = 60.0
STOP_LIMIT = 60.0

_WATCHDOG = r"""
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
"""
_numbers = itertools.count()


class Postgres:
    """A server and one database on it. Use as a context manager, or call `start` and `close`.

    `durable` lets it sync its writes to the disk, for measurements and power cuts; otherwise a crash of the machine,
    and only that, may damage it. `arguments` are further ones of `postgres`.
    """

    def __init__(self, *, database: str = "lakehold", durable: bool = False, arguments: Iterable[str] = (),
                 temporary_in: Path | str | None = None) -> None:
        self.database = database
        self.host, self.port = "127.0.0.1", _free_port()
        self._programs, self._owner = _programs(), _owner()
        self.directory = Path(tempfile.mkdtemp(prefix="lakehold-postgres-", dir=temporary_in))
        self._watchdog = subprocess.Popen(["sh", "-c", _WATCHDOG, "watchdog", str(self.directory)], cwd="/",
                                          stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                          stderr=subprocess.DEVNULL, start_new_session=True)
        self._durable, self._arguments = durable, list(arguments)
        self.process: subprocess.Popen[bytes] | None = None
        self.directory.chmod(0o755)
        if self._owner:
            os.chown(self.directory, self._owner.pw_uid, self._owner.pw_gid)
        try:
            self._run("initdb", "--no-sync", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C",
                      "--pgdata", str(self.directory / "data"))
        except BaseException:
            self.close()
            raise

    @property
    def url(self) -> str:
        """Where the database is, as a server's connection string."""
        return self.url_of(self.database)

    def url_of(self, database: str) -> str:
        return f"postgres://postgres@{self.host}:{self.port}/{database}?sslmode=disable"

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def start(self) -> "Postgres":
        """Starts it, after `stop` or `kill` too, and returns once it answers and has the database."""
        command = [str(self._programs / "postgres"), "-D", str(self.directory / "data"), "-p", str(self.port),
                   "-k", str(self.directory), "-c", f"listen_addresses={self.host}", "-c", "max_connections=200",
                   *([] if self._durable else ["-c", "fsync=off"]), *self._arguments]
        with open(self.directory / "log", "ab") as log:
            self.process = subprocess.Popen(command, cwd=self.directory, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, start_new_session=True, **self._as_owner())
        limit = time.monotonic() + START_LIMIT
        while time.monotonic() < limit:
            if self.process.poll() is not None:
                raise AssertionError(f"postgres ended with {self.process.returncode}:\n{self.output()}")
            if self._program("psql", self.url_of("postgres"), "-qAtc", "SELECT 1").returncode == 0:
                self._create_database()
                return self
            time.sleep(0.05)
        self.kill()
        raise AssertionError(f"postgres does not answer after {START_LIMIT} s:\n{self.output()}")

    def stop(self) -> None:
        """Stops it in order: sessions are ended, everything is written."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """Ends it at once, as a crash would; the next start recovers."""
        self._end(signal.SIGQUIT)

    def terminate_sessions(self) -> int:
        """Ends all sessions on the database but its own, and says how many there were."""
        text = ("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()")
        return int(self.query(text))

    def query(self, text: str, database: str | None = None) -> str:
        """What psql answers, without header and alignment."""
        url = self.url_of(database or self.database)
        done = self._program("psql", url, "-v", "ON_ERROR_STOP=1", "-qAt", "-f", "-", text=text)
        if done.returncode != 0:
            raise AssertionError(f"psql: {done.stderr.decode(errors='replace')}")
        return done.stdout.decode().strip()

    def output(self) -> str:
        log = self.directory / "log"
        return log.read_text(errors="replace") if log.exists() else ""

    def close(self) -> None:
        """Ends it and removes everything."""
        with contextlib.suppress(AssertionError):
            self.kill()
        assert self._watchdog.stdin is not None
        self._watchdog.stdin.close()
        self._watchdog.wait(STOP_LIMIT)

    def __enter__(self) -> "Postgres":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    def _end(self, how: signal.Signals) -> None:
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(how)
        try:
            self.process.wait(STOP_LIMIT)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"postgres did not stop within {STOP_LIMIT} s:\n{self.output()}") from None
        self.process = None

    def _create_database(self) -> None:
        if self.query(f"SELECT count(*) FROM pg_database WHERE datname = '{self.database}'", "postgres") == "0":
            self.query(f'CREATE DATABASE "{self.database}"', "postgres")

    def _run(self, program: str, *arguments: str) -> None:
        done = self._program(program, *arguments)
        if done.returncode != 0:
            raise AssertionError(f"{program}: {done.stderr.decode(errors='replace')}")

    def _program(self, program: str, *arguments: str, text: str | None = None) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run([str(self._programs / program), *arguments], cwd=self.directory, capture_output=True,
                              input=None if text is None else text.encode(), check=False, **self._as_owner())

    def _as_owner(self) -> dict:
        if self._owner is None:
            return {}
        return {"user": self._owner.pw_uid, "group": self._owner.pw_gid, "extra_groups": []}


@contextlib.contextmanager
def database() -> Iterator[str]:
    """Yields the URL of an empty database: on the server that LAKEHOLD_TEST_POSTGRES names, else on one of its own."""
    server = os.environ.get(OVERRIDE)
    if server is None:
        with Postgres() as postgres:
            yield postgres.url
        return
    name = f"lakehold_test_{os.getpid()}_py{next(_numbers)}"
    psql = [str(_programs("psql") / "psql"), server, "-v", "ON_ERROR_STOP=1", "-qc"]
    subprocess.run([*psql, f"CREATE DATABASE {name}"], check=True)
    try:
        yield urllib.parse.urlsplit(server)._replace(path=f"/{name}").geturl()
    finally:
        subprocess.run([*psql, f"DROP DATABASE {name} WITH (FORCE)"], check=True)


def _programs(*names: str) -> Path:
    """The directory that has the programs: of the search path, or the newest that Debian installed."""
    names = names or ("initdb", "postgres", "psql")
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: _version(path.parent.name))
    path = [Path(place) for place in os.environ.get("PATH", "").split(os.pathsep) if place]
    for place in [*path, *reversed(installed)]:
        if all(shutil.which(name, path=str(place)) for name in names):
            return place
    raise AssertionError(f"PostgreSQL is not installed: apt-get install postgresql, or name a server in {OVERRIDE}")


def _version(name: str) -> int:
    return int(name) if name.isdigit() else -1


def _owner() -> pwd.struct_passwd | None:
    """PostgreSQL refuses to run as root: then somebody else."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise AssertionError("there is no user but root to run PostgreSQL as")


def _free_port() -> int:
    """Below those that the system hands out to connections, so that it is still free when it is started again."""
    start = os.getpid() + 37 * next(_numbers)
    for number in range(10_000):
        port = 20_000 + (start + number) % 10_000
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("no port is free")

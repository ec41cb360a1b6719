"""Three servers on one PostgreSQL and one S3 store, of which one after the other is killed.

Clients write, commit and read the heads of branches through whichever server they like; meanwhile servers
are killed and started again, and the sessions on the database are cut. Afterwards every acknowledged
write must be there, nothing may be there that nobody wrote, the history of every branch's head must be
linearizable (linearizable.py), and `lakehold doctor` must find nothing wrong, of the servers in use and
after their end.

    python tests/reliability/three_servers.py --seconds 20
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import math
import random
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))

from doctor import ensure_nothing_is_wrong, summary  # noqa: E402
from linearizable import Seen, check_the_checker, violations  # noqa: E402
from moto import Moto  # noqa: E402
from postgres import Postgres  # noqa: E402
from server import Answer, Server, Unreachable, ensure  # noqa: E402

REPOSITORY = "/repositories/shared"
BRANCHES = ("main", "left", "right")
WRITERS, READERS = 6, 2
SECRETS = {"LAKEHOLD_AUTH_ENCRYPT_SECRET_KEY": "three-servers-encrypt", "LAKEHOLD_SIGNING_SECRET_KEY": "three-servers-sign"}
RESTART_LIMIT = 60.0


@dataclasses.dataclass
class Attempt:
    """A commit that somebody asked for, told from others by its message."""

    branch: str
    called: float
    answered: float = math.inf
    commit: str | None = None
    refused: bool = False


class History:
    """What was asked and what was answered. Guarded by one lock."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.objects: dict[tuple[str, str], str] = {}  # branch and path -> MD5
        self.attempts: dict[str, Attempt] = {}  # by message
        self.reads: list[tuple[str, Seen]] = []
        self.refusals: dict[int, int] = {}
        self.failures: dict[str, int] = {}  # what answers of status 500 and more said

    def note(self, answer: Answer) -> None:
        with self.lock:
            self.refusals[answer.status] = self.refusals.get(answer.status, 0) + 1
            if answer.status >= 500:
                said = f"{answer.status}: {answer.body[:300].decode(errors='replace')}"
                self.failures[said] = self.failures.get(said, 0) + 1


class Client(threading.Thread):
    """Goes from server to server. An error that is not about the servers ends the test."""

    def __init__(self, name: str, servers: list[Server], history: History, stop: threading.Event, seed: int) -> None:
        super().__init__(name=name, daemon=True)
        self.servers, self.history, self.stop_event = servers, history, stop
        self.random = random.Random(f"{seed} {name}")
        self.failure: BaseException | None = None

    def run(self) -> None:
        try:
            number = 0
            while not self.stop_event.is_set():
                number += 1
                connection = self.random.choice(self.servers).connect(timeout=30)
                try:
                    for step in range(20):
                        if self.stop_event.is_set():
                            break
                        self.step(connection, f"{self.name}-{number}-{step}")
                except Unreachable:
                    time.sleep(0.05)
                finally:
                    connection.close()
        except BaseException as failure:  # noqa: BLE001 - shown by the main thread
            self.failure = failure

    def step(self, connection, label: str) -> None:
        raise NotImplementedError


class Writer(Client):
    def step(self, connection, label: str) -> None:
        branch = self.random.choice(BRANCHES)
        body = f"{label} {self.random.random()}".encode()
        path = f"objects/{label}"
        answer = connection.request("POST", f"{REPOSITORY}/branches/{branch}/objects?path={path}", body)
        if answer.status == 201:
            with self.history.lock:
                self.history.objects[branch, path] = hashlib.md5(body).hexdigest()
        else:
            self.history.note(answer)
        if self.random.random() < 0.5:
            self.commit(connection, branch, label)

    def commit(self, connection, branch: str, message: str) -> None:
        attempt = Attempt(branch, time.monotonic())
        with self.history.lock:
            self.history.attempts[message] = attempt
        answer = connection.request("POST", f"{REPOSITORY}/branches/{branch}/commits", {"message": message})
        attempt.answered = time.monotonic()
        if answer.status == 201:
            attempt.commit = answer.json()["id"]
        elif answer.status < 500:
            attempt.refused = True
            self.history.note(answer)
        else:
            attempt.answered = math.inf
            self.history.note(answer)


class Reader(Client):
    def step(self, connection, label: str) -> None:
        branch = self.random.choice(BRANCHES)
        called = time.monotonic()
        answer = connection.request("GET", f"{REPOSITORY}/branches/{branch}")
        if answer.status != 200:
            self.history.note(answer)
            return
        seen = Seen(answer.json()["commit_id"], called, time.monotonic(), False)
        with self.history.lock:
            self.history.reads.append((branch, seen))


class Chaos(threading.Thread):
    """Kills servers and cuts sessions, one thing at a time."""

    def __init__(self, servers: list[Server], postgres: Postgres, stop: threading.Event, seed: int) -> None:
        super().__init__(name="chaos", daemon=True)
        self.servers, self.postgres, self.stop_event = servers, postgres, stop
        self.random = random.Random(seed)
        self.kills = self.cuts = 0
        self.failure: BaseException | None = None

    def run(self) -> None:
        try:
            while not self.stop_event.wait(self.random.uniform(0.3, 1.5)):
                if self.random.random() < 0.6:
                    server = self.random.choice(self.servers)
                    server.kill()
                    self.kills += 1
                    server.start()
                else:
                    self.postgres.terminate_sessions()
                    self.cuts += 1
        except BaseException as failure:  # noqa: BLE001 - shown by the main thread
            self.failure = failure


def chain_of(connection, branch: str) -> list[tuple[str, str]]:
    """Commit and message of each head that the branch had, the oldest first."""
    chain, after = [], ""
    while True:
        page = ensure(connection.request(
            "GET", f"{REPOSITORY}/refs/{branch}/commits?first_parent=true&amount=1000&after={after}"), 200).json()
        chain += [(commit["id"], commit["message"]) for commit in page["results"]]
        if not page["pagination"]["has_more"]:
            return chain[::-1]
        after = page["pagination"]["next_offset"]


def check_branch(connection, branch: str, history: History) -> list[str]:
    chain = chain_of(connection, branch)
    ids = [commit for commit, _ in chain]
    problems = []
    seen = [read for of, read in history.reads if of == branch]
    at = {commit: message for commit, message in chain}
    for message, attempt in history.attempts.items():
        if attempt.branch != branch:
            continue
        if attempt.commit is not None:
            if at.get(attempt.commit) != message:
                problems.append(f"{branch}: acknowledged commit {attempt.commit} is not on the branch")
            seen.append(Seen(attempt.commit, attempt.called, attempt.answered, True))
            continue
        found = [commit for commit, text in chain if text == message]
        if attempt.refused and found:
            problems.append(f"{branch}: commit {found[0]} was refused and is there all the same")
        seen += [Seen(commit, attempt.called, math.inf, True) for commit in found]
    for commit, message in chain[1:]:
        if history.attempts.get(message, Attempt("", 0)).branch != branch and message not in SETUP_MESSAGES:
            problems.append(f"{branch}: nobody made commit {commit} ({message!r})")
    return problems + [f"{branch}: {problem}" for problem in violations(ids, seen)]


SETUP_MESSAGES = ("Repository created", "before")


def check_objects(connection, history: History) -> list[str]:
    problems = []
    for (branch, path), checksum in history.objects.items():
        answer = connection.request("GET", f"{REPOSITORY}/refs/{branch}/objects/stat?path={path}")
        if answer.status != 200 or answer.json()["checksum"] != checksum:
            problems.append(f"acknowledged object {path} on {branch}: {answer}")
    return problems


def set_up(server: Server) -> None:
    connection = server.connect()
    ensure(connection.request("POST", "/repositories", {
        "name": "shared", "storage_namespace": "s3://lake/shared", "default_branch": "main"}), 201)
    ensure(connection.request("POST", f"{REPOSITORY}/branches/main/objects?path=before", b"before"), 201)
    ensure(connection.request("POST", f"{REPOSITORY}/branches/main/commits", {"message": "before"}), 201)
    for branch in BRANCHES[1:]:
        ensure(connection.request("POST", f"{REPOSITORY}/branches", {"name": branch, "source": "main"}), 201)
    connection.close()


def run(seconds: float, seed: int) -> int:
    with Postgres() as postgres, Moto() as moto:
        moto.create_bucket("lake")
        environment = {**moto.environment, **SECRETS, "LAKEHOLD_DATABASE_TYPE": "postgres",
                       "LAKEHOLD_DATABASE_POSTGRES_CONNECTION_STRING": postgres.url}
        servers = [Server(environment=environment) for _ in range(3)]
        try:
            servers[0].start()
            set_up(servers[0])
            for server in servers[1:]:
                server.start()
            status = let_loose(servers, postgres, seconds, seed)
            ensure_nothing_is_wrong(servers[0])
            for server in servers:
                server.stop()
            print(summary(ensure_nothing_is_wrong(servers[0], "--deep")))
            return status
        finally:
            for server in servers:
                server.kill()


def let_loose(servers: list[Server], postgres: Postgres, seconds: float, seed: int) -> int:
    history, stop = History(), threading.Event()
    clients: list[Client] = [Writer(f"writer{n}", servers, history, stop, seed) for n in range(WRITERS)]
    clients += [Reader(f"reader{n}", servers, history, stop, seed) for n in range(READERS)]
    chaos = Chaos(servers, postgres, stop, seed)
    threads: list[threading.Thread] = [*clients, chaos]
    for thread in threads:
        thread.start()
    until = time.monotonic() + seconds
    while time.monotonic() < until and all(thread.failure is None for thread in [*clients, chaos]):
        time.sleep(0.2)
    stop.set()
    for thread in threads:
        thread.join(RESTART_LIMIT)
    for thread in [*clients, chaos]:
        if thread.failure is not None:
            raise thread.failure
    connection = servers[1].connect()
    problems = check_objects(connection, history)
    for branch in BRANCHES:
        problems += check_branch(connection, branch, history)
    commits = sum(attempt.commit is not None for attempt in history.attempts.values())
    unknown = sum(attempt.commit is None and not attempt.refused for attempt in history.attempts.values())
    print(f"{len(history.objects)} objects and {commits} commits acknowledged, {unknown} commits without an answer, "
          f"{len(history.reads)} heads read; {chaos.kills} servers killed, sessions cut {chaos.cuts} times; "
          f"refusals by status: {dict(sorted(history.refusals.items()))}")
    for said, times in sorted(history.failures.items())[:20]:
        print(f"{times} times {said}")
    if chaos.kills == 0 or commits == 0:
        problems.append("too little happened for this to say anything")
    for problem in problems[:20]:
        print(f"PROBLEM: {problem}")
    return 1 if problems else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--seed", type=int, default=None)
    arguments = parser.parse_args()
    seed = arguments.seed if arguments.seed is not None else random.randrange(1 << 32)
    print(f"three servers for {arguments.seconds:g} s (seed {seed})", flush=True)
    check_the_checker()
    return run(arguments.seconds, seed)


if __name__ == "__main__":
    sys.exit(main())

"""What the crash tests let loose on a server, and what they hold it to afterwards.

Threads of this process upload, link, delete, commit, branch, tag and merge, and note in a `Ledger` what
the server acknowledged. After it was stopped, however rudely, and has started again, `verify` asks for
all of it. A request whose answer did not arrive may have been carried out or not; nothing else is
excused. What is found then is settled: from then on it must stay as it is.
"""

from __future__ import annotations

import hashlib
import os
import random
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))

from server import Connection, Server, Unreachable, ensure, quote  # noqa: E402

REPOSITORY = "crash"
BASE = f"/repositories/{REPOSITORY}"
SIZES = (0, 10, 10, 10, 1_000, 20_000, 70_000, 300_000)
SAMPLE_OF_OLD = 300
SAMPLE_OF_COMMITS = 30
PAUSE = 0.02


class Ledger:
    """What the server acknowledged, and what it may have done. Guarded by one lock."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.objects: dict[str, str | None] = {}  # path on main -> MD5, None: deleted
        self.unsure: set[str] = set()  # paths whose last write has no answer
        self.refs: dict[str, str | None] = {}  # "branches/x" or "tags/x" -> commit, None: deleted
        self.unsure_refs: set[str] = set()
        self.commits: list[str] = []  # on main
        self.merges: list[str] = []  # on trunk
        self.merged: dict[str, str] = {}  # path on trunk -> MD5
        self.checked: set[str] = set()

    def counts(self) -> str:
        return (f"{len(self.objects)} objects, {len(self.commits)} commits, {len(self.refs)} branches and tags, "
                f"{len(self.merges)} merges")


class Worker:
    """One thread's connection, and how it keeps the ledger."""

    def __init__(self, server: Server, name: str, ledger: Ledger, stop: threading.Event) -> None:
        self.connection, self.name, self.ledger, self.stop = server.connect(timeout=30), name, ledger, stop

    def numbers(self) -> Iterator[int]:
        number = 0
        while not self.stop.is_set():
            number += 1
            yield number

    def ask(self, method: str, path: str, body=None, *statuses: int):
        return ensure(self.connection.request(method, BASE + path, body), *statuses)

    def store(self, path: str, act: Callable[[], str | None]) -> None:
        """Notes what `act` makes of a path of main."""
        with self.ledger.lock:
            self.ledger.unsure.add(path)
        checksum = act()
        with self.ledger.lock:
            self.ledger.objects[path] = checksum
            self.ledger.unsure.discard(path)

    def refer(self, ref: str, act: Callable[[], str | None]) -> None:
        """Notes what `act` makes of a branch or tag."""
        with self.ledger.lock:
            self.ledger.unsure_refs.add(ref)
        commit = act()
        with self.ledger.lock:
            self.ledger.refs[ref] = commit
            self.ledger.unsure_refs.discard(ref)

    def upload(self, branch: str, path: str) -> str:
        data = body_of(path)
        stats = self.ask("POST", f"/branches/{branch}/objects?path={quote(path)}", data, 201).json()
        if stats["checksum"] != md5(data) or stats["size_bytes"] != len(data):
            raise AssertionError(f"{path}: wrong checksum or size in {stats}")
        return stats["checksum"]


def body_of(path: str) -> bytes:
    """The bytes stored under a path: they follow from it, so the ledger needs only their MD5."""
    dice = random.Random(path)
    return dice.randbytes(dice.choice(SIZES))


def md5(data: bytes) -> str:
    return hashlib.md5(data).hexdigest()


def writer(worker: Worker) -> None:
    mine: list[str] = []
    for number in worker.numbers():
        if mine and random.random() < 0.1:
            path = mine.pop(random.randrange(len(mine)))
            delete = f"/branches/main/objects?path={quote(path)}"
            worker.store(path, lambda: worker.ask("DELETE", delete, None, 204) and None)
        else:
            path = f"{worker.name}/{number:06}"
            worker.store(path, lambda: worker.upload("main", path))
            mine.append(path)


def linker(worker: Worker) -> None:
    """A client that stores bytes by itself, next to the server, and then links them."""
    for number in worker.numbers():
        path = f"{worker.name}/{number:06}"
        backing = f"/branches/main/staging/backing?path={quote(path)}"
        address = worker.ask("GET", backing, None, 200).json()["physical_address"]
        data = body_of(path)
        place_durably(Path(address.removeprefix("local://")), data)
        link = {"staging": {"physical_address": address}, "checksum": md5(data), "size_bytes": len(data)}
        worker.store(path, lambda: worker.ask("PUT", backing, link, 200).json()["checksum"])
        time.sleep(random.random() * PAUSE)


def place_durably(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    for folder in list(path.parents)[:4]:  # up to the block folder
        descriptor = os.open(folder, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)


def committer(worker: Worker) -> None:
    for number in worker.numbers():
        answer = worker.ask("POST", "/branches/main/commits", {"message": f"{worker.name} {number}"}, 201, 400)
        if answer.status == 201:
            with worker.ledger.lock:
                worker.ledger.commits.append(answer.json()["id"])
        time.sleep(random.random() * PAUSE)


def brancher(worker: Worker) -> None:
    mine: list[str] = []
    for number in worker.numbers():
        if mine and random.random() < 0.1:
            branch = mine.pop(random.randrange(len(mine)))
            worker.refer(f"branches/{branch}", lambda: worker.ask("DELETE", f"/branches/{branch}", None, 204) and None)
        else:
            branch = f"{worker.name}-{number}"
            new = {"name": branch, "source": "main"}
            worker.refer(f"branches/{branch}", lambda: worker.ask("POST", "/branches", new, 201).body.decode().strip())
            mine.append(branch)


def tagger(worker: Worker) -> None:
    mine: list[str] = []
    for number in worker.numbers():
        if mine and random.random() < 0.2:
            tag = mine.pop(random.randrange(len(mine)))
            worker.refer(f"tags/{tag}", lambda: worker.ask("DELETE", f"/tags/{tag}", None, 204) and None)
        else:
            tag = f"{worker.name}-{number}"
            worker.refer(f"tags/{tag}", lambda: worker.ask("POST", "/tags", {"id": tag, "ref": "main"}, 201).json()["commit_id"])
            mine.append(tag)
        time.sleep(random.random() * PAUSE)


def merger(worker: Worker) -> None:
    for number in worker.numbers():
        branch, path = f"{worker.name}-m{number}", f"merged/{worker.name}/{number:06}"
        worker.ask("POST", "/branches", {"name": branch, "source": "trunk"}, 201)
        checksum = worker.upload(branch, path)
        worker.ask("POST", f"/branches/{branch}/commits", {"message": path}, 201)
        answer = worker.ask("POST", f"/refs/{branch}/merge/trunk", {}, 200)
        with worker.ledger.lock:
            worker.ledger.merges.append(answer.json()["reference"])
            worker.ledger.merged[path] = checksum


WORKERS: tuple[Callable[[Worker], None], ...] = (
    writer, writer, writer, writer, linker, committer, brancher, tagger, merger)


def prepare(connection: Connection) -> None:
    new = {"name": REPOSITORY, "storage_namespace": f"local://{REPOSITORY}"}
    ensure(connection.request("POST", "/repositories", new), 201)
    ensure(connection.request("POST", f"{BASE}/branches", {"name": "trunk", "source": "main"}), 201)


def work(server: Server, ledger: Ledger, number: int, seconds: float,
         before_kill: Callable[[], None] = lambda: None) -> None:
    """Lets all workers loose and kills the server in the middle."""
    stop, ending, failures = threading.Event(), threading.Event(), []

    def run(act: Callable[[Worker], None], name: str) -> None:
        try:
            act(Worker(server, name, ledger, stop))
        except Unreachable:
            pass  # the kill
        except Exception as error:  # noqa: BLE001 - told to the main thread
            if not ending.is_set():
                failures.append(f"{name}: {error}")

    threads = [threading.Thread(target=run, args=(act, f"r{number}-{act.__name__}{index}"))
               for index, act in enumerate(WORKERS)]
    for thread in threads:
        thread.start()
    time.sleep(seconds)
    ending.set()
    before_kill()
    server.kill()
    stop.set()
    for thread in threads:
        thread.join(60)
    if failures:
        raise AssertionError("while the server was alive:\n" + "\n".join(failures))


def verify(server: Server, ledger: Ledger, everything: bool) -> None:
    """Asks for what is new since the last time and a sample of the rest, or for everything."""
    connection = server.connect()
    seen = listing(connection, "main")
    check_objects(connection, "main", ledger.objects, ledger, seen, everything)
    settle_objects(connection, ledger, seen)
    for path in seen:
        if path not in ledger.objects:
            raise AssertionError(f"{path} came from nowhere")
    check_objects(connection, "trunk", ledger.merged, ledger, listing(connection, "trunk"), everything)
    check_refs(connection, ledger, everything)
    for branch, commits in (("main", ledger.commits), ("trunk", ledger.merges)):
        check_commits(connection, branch, commits, ledger, everything)


def check_objects(connection: Connection, branch: str, expected: dict[str, str | None], ledger: Ledger,
                  seen: dict[str, dict], everything: bool) -> None:
    known = [path for path in expected if path not in ledger.unsure]
    for path in due(known, ledger, everything):
        checksum = expected[path]
        if (path in seen) != (checksum is not None):
            raise AssertionError(f"{path} on {branch}: acknowledged {checksum}, listed {seen.get(path)}")
        if checksum is not None:
            if seen[path]["checksum"] != checksum:
                raise AssertionError(f"{path} on {branch}: acknowledged {checksum}, listed {seen[path]}")
            whole(connection, branch, path)


def due(names: list[str], ledger: Ledger, everything: bool) -> list[str]:
    """Those never checked, and a sample of the others; notes them as checked."""
    old = [name for name in names if name in ledger.checked]
    again = old if everything else random.sample(old, min(SAMPLE_OF_OLD, len(old)))
    new = [name for name in names if name not in ledger.checked]
    ledger.checked.update(new)
    return new + again


def settle_objects(connection: Connection, ledger: Ledger, seen: dict[str, dict]) -> None:
    """What has no answer is there, whole, or not; from now on it must stay so."""
    for path in ledger.unsure:
        if path in seen:
            whole(connection, "main", path)
        ledger.objects[path] = seen[path]["checksum"] if path in seen else None
    ledger.unsure.clear()


def whole(connection: Connection, branch: str, path: str) -> None:
    answer = ensure(connection.request("GET", f"{BASE}/refs/{branch}/objects?path={quote(path)}"), 200)
    if answer.body != body_of(path):
        raise AssertionError(f"{path} on {branch}: {len(answer.body)} bytes that are not what was uploaded")


def check_refs(connection: Connection, ledger: Ledger, everything: bool) -> None:
    def find(ref: str) -> str | None:
        answer = ensure(connection.request("GET", f"{BASE}/{ref}"), 200, 404)
        return answer.json()["commit_id"] if answer.status == 200 else None

    for ref in ledger.unsure_refs:
        ledger.refs[ref] = find(ref)
        if ledger.refs[ref] is not None:
            ensure(connection.request("GET", f"{BASE}/commits/{ledger.refs[ref]}"), 200)
    ledger.unsure_refs.clear()
    for ref in due(list(ledger.refs), ledger, everything):
        found = find(ref)
        if found != ledger.refs[ref]:
            raise AssertionError(f"{ref} is at {found}, acknowledged at {ledger.refs[ref]}")


def check_commits(connection: Connection, branch: str, commits: list[str], ledger: Ledger, everything: bool) -> None:
    missing = set(commits) - log(connection, branch)
    if missing:
        raise AssertionError(f"acknowledged commits of {branch} are not in its log: {sorted(missing)[:3]}")
    new = [commit for commit in commits if commit not in ledger.checked]
    ledger.checked.update(new)
    again = random.sample(commits, min(SAMPLE_OF_COMMITS if everything else 3, len(commits)))
    for commit in {*new[-3:], *again}:
        listing(connection, commit)


def listing(connection: Connection, ref: str) -> dict[str, dict]:
    found, after = {}, ""
    for _ in range(100_000):
        page = ensure(connection.request("GET", f"{BASE}/refs/{ref}/objects/ls?amount=1000&after={quote(after)}"), 200).json()
        found.update({row["path"]: row for row in page["results"]})
        if not page["pagination"]["has_more"]:
            return found
        after = page["pagination"]["next_offset"]
    raise AssertionError("a listing without end")


def log(connection: Connection, branch: str) -> set[str]:
    found, after = set(), ""
    for _ in range(100_000):
        query = "amount=1000" + (f"&after={after}" if after else "")
        page = ensure(connection.request("GET", f"{BASE}/refs/{branch}/commits?{query}"), 200).json()
        found.update(row["id"] for row in page["results"])
        if not page["pagination"]["has_more"]:
            return found
        after = page["pagination"]["next_offset"]
    raise AssertionError("a log without end")

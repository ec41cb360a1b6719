"""Kill -9 in the middle of everything, again and again: what was acknowledged is there, whole.

    python crash.py --rounds 20

Threads of this process upload, delete, commit, branch and merge, and note what the server acknowledged.
After a moment the server is killed, started again on the same directory, and asked for all of it. A
request whose answer did not arrive may have been carried out or not; nothing else is excused.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))

from server import Connection, Server, Unreachable, ensure, quote  # noqa: E402

REPOSITORY = "crash"
BASE = f"/repositories/{REPOSITORY}"
SIZES = (0, 10, 10, 10, 1_000, 20_000, 70_000, 300_000)
SAMPLE_OF_OLD = 300


class Ledger:
    """What the server acknowledged, and what it may have done. Guarded by one lock."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.objects: dict[str, str | None] = {}  # path on main -> MD5, None: deleted
        self.unsure: set[str] = set()  # paths whose last write has no answer
        self.commits: list[str] = []  # on main
        self.merges: list[str] = []  # on trunk
        self.merged: dict[str, str] = {}  # path on trunk -> MD5
        self.branches: dict[str, str] = {}
        self.checked: set[str] = set()

    def counts(self) -> str:
        return (f"{len(self.objects)} objects, {len(self.commits)} commits, {len(self.branches)} branches, "
                f"{len(self.merges)} merges")


def body_of(path: str) -> bytes:
    """The bytes stored under a path: they follow from it, so the ledger needs only their MD5."""
    dice = random.Random(path)
    return dice.randbytes(dice.choice(SIZES))


def md5(data: bytes) -> str:
    return hashlib.md5(data).hexdigest()


def upload(connection: Connection, branch: str, path: str) -> str:
    data = body_of(path)
    answer = connection.request("POST", f"{BASE}/branches/{branch}/objects?path={quote(path)}", data)
    stats = ensure(answer, 201).json()
    if stats["checksum"] != md5(data) or stats["size_bytes"] != len(data):
        raise AssertionError(f"{path}: wrong checksum or size in {stats}")
    return stats["checksum"]


def writer(name: str, connection: Connection, ledger: Ledger, stop: threading.Event) -> None:
    mine: list[str] = []
    number = 0
    while not stop.is_set():
        number += 1
        delete = mine and random.random() < 0.1
        path = mine.pop(random.randrange(len(mine))) if delete else f"{name}/{number:06}"
        with ledger.lock:
            ledger.unsure.add(path)
        if delete:
            ensure(connection.request("DELETE", f"{BASE}/branches/main/objects?path={quote(path)}"), 204)
            checksum = None
        else:
            checksum = upload(connection, "main", path)
            mine.append(path)
        with ledger.lock:
            ledger.objects[path] = checksum
            ledger.unsure.discard(path)


def committer(name: str, connection: Connection, ledger: Ledger, stop: threading.Event) -> None:
    number = 0
    while not stop.is_set():
        number += 1
        answer = connection.request("POST", f"{BASE}/branches/main/commits", {"message": f"{name} {number}"})
        if ensure(answer, 201, 400).status == 201:
            with ledger.lock:
                ledger.commits.append(answer.json()["id"])
        time.sleep(random.random() * 0.02)


def brancher(name: str, connection: Connection, ledger: Ledger, stop: threading.Event) -> None:
    number = 0
    while not stop.is_set():
        number += 1
        branch = f"{name}-{number}"
        new = {"name": branch, "source": "main"}
        answer = ensure(connection.request("POST", f"{BASE}/branches", new), 201)
        with ledger.lock:
            ledger.branches[branch] = answer.body.decode().strip()


def merger(name: str, connection: Connection, ledger: Ledger, stop: threading.Event) -> None:
    number = 0
    while not stop.is_set():
        number += 1
        branch, path = f"{name}-m{number}", f"merged/{name}/{number:06}"
        ensure(connection.request("POST", f"{BASE}/branches", {"name": branch, "source": "trunk"}), 201)
        checksum = upload(connection, branch, path)
        ensure(connection.request("POST", f"{BASE}/branches/{branch}/commits", {"message": path}), 201)
        answer = ensure(connection.request("POST", f"{BASE}/refs/{branch}/merge/trunk", {}), 200)
        with ledger.lock:
            ledger.merges.append(answer.json()["reference"])
            ledger.merged[path] = checksum


WORKERS: tuple[Callable[..., None], ...] = (writer, writer, writer, writer, committer, brancher, merger)


def work(server: Server, ledger: Ledger, number: int, seconds: float) -> None:
    """Lets all workers loose and kills the server in the middle."""
    stop, failures = threading.Event(), []

    def run(worker: Callable[..., None], name: str) -> None:
        connection = server.connect(timeout=30)
        try:
            worker(name, connection, ledger, stop)
        except Unreachable:
            pass  # the kill
        except Exception as error:  # noqa: BLE001 - told to the main thread
            if not stop.is_set():
                failures.append(f"{name}: {error}")

    threads = [threading.Thread(target=run, args=(worker, f"r{number}-{worker.__name__}{index}"))
               for index, worker in enumerate(WORKERS)]
    for thread in threads:
        thread.start()
    time.sleep(seconds)
    server.kill()
    stop.set()
    for thread in threads:
        thread.join(60)
    if failures:
        raise AssertionError("while the server was alive:\n" + "\n".join(failures))


def verify(server: Server, ledger: Ledger, everything: bool) -> None:
    connection = server.connect()
    seen = listing(connection, "main")
    check_objects(connection, "main", ledger.objects, ledger, seen, everything)
    for path in seen:
        if path not in ledger.objects and path not in ledger.unsure:
            raise AssertionError(f"{path} came from nowhere")
    check_objects(connection, "trunk", ledger.merged, ledger, listing(connection, "trunk"), everything)
    for branch, expected in ledger.branches.items():
        if branch in ledger.checked and not everything:
            continue
        found = ensure(connection.request("GET", f"{BASE}/branches/{branch}"), 200).json()["commit_id"]
        if found != expected:
            raise AssertionError(f"branch {branch} is at {found}, acknowledged at {expected}")
        ledger.checked.add(branch)
    for branch, commits in (("main", ledger.commits), ("trunk", ledger.merges)):
        missing = set(commits) - log(connection, branch)
        if missing:
            raise AssertionError(f"acknowledged commits of {branch} are not in its log: {sorted(missing)[:3]}")


def check_objects(connection: Connection, branch: str, expected: dict[str, str | None], ledger: Ledger,
                  seen: dict[str, dict], everything: bool) -> None:
    old = [path for path in expected if path in ledger.checked]
    again = old if everything else random.sample(old, min(SAMPLE_OF_OLD, len(old)))
    for path in [path for path in expected if path not in ledger.checked] + again:
        checksum = expected[path]
        if path in ledger.unsure:
            if path in seen:
                whole(connection, branch, path)
            continue
        if (path in seen) != (checksum is not None):
            raise AssertionError(f"{path} on {branch}: acknowledged {checksum}, listed {seen.get(path)}")
        if checksum is not None:
            if seen[path]["checksum"] != checksum:
                raise AssertionError(f"{path} on {branch}: acknowledged {checksum}, listed {seen[path]}")
            whole(connection, branch, path)
        ledger.checked.add(path)
    for path in ledger.unsure & seen.keys():
        whole(connection, branch, path)


def whole(connection: Connection, branch: str, path: str) -> None:
    answer = ensure(connection.request("GET", f"{BASE}/refs/{branch}/objects?path={quote(path)}"), 200)
    if answer.body != body_of(path):
        raise AssertionError(f"{path} on {branch}: {len(answer.body)} bytes that are not what was uploaded")


def listing(connection: Connection, branch: str) -> dict[str, dict]:
    found, after = {}, ""
    for _ in range(100_000):
        page = ensure(connection.request("GET", f"{BASE}/refs/{branch}/objects/ls?amount=1000&after={quote(after)}"), 200).json()
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


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=None, help="decides how long each round lasts")
    arguments = parser.parse_args()
    seed = arguments.seed if arguments.seed is not None else random.randrange(1 << 32)
    print(f"seed {seed}", flush=True)
    dice, ledger = random.Random(seed), Ledger()
    with tempfile.TemporaryDirectory(prefix="lakehold-crash-") as folder:
        for number in range(1, arguments.rounds + 1):
            with Server(folder) as server:
                if number == 1:
                    prepare(server.connect())
                else:
                    verify(server, ledger, everything=False)
                work(server, ledger, number, dice.uniform(0.2, 1.5))
            print(f"round {number}: {ledger.counts()}", flush=True)
        with Server(folder) as server:
            verify(server, ledger, everything=True)
            if status := server.stop():
                raise AssertionError(f"a clean stop ended with {status}:\n{server.output()}")
        with Server(folder) as server:
            verify(server, ledger, everything=True)
    print(f"crash: {arguments.rounds} passed, 0 failed")
    return 0


def prepare(connection: Connection) -> None:
    new = {"name": REPOSITORY, "storage_namespace": f"local://{REPOSITORY}"}
    ensure(connection.request("POST", "/repositories", new), 201)
    ensure(connection.request("POST", f"{BASE}/branches", {"name": "trunk", "source": "main"}), 201)


if __name__ == "__main__":
    sys.exit(main())

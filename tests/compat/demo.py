"""Version a real directory tree with the official lakefs-sdk, as a data engineer would.

    python demo.py --server target/release/lakehold

Takes the standard library and site-packages of this Python installation (at least 10,000 files), uploads
them, commits, branches, changes, compares, merges, reads the log, and reads everything back by checksum.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import lakefs_sdk
from lakefs_sdk import models
from lakefs_sdk.client import LakeFSClient

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))

from server import ACCESS_KEY, SECRET, Server  # noqa: E402

REPOSITORY = "demo"
THREADS = 8
AT_LEAST, AT_MOST = 10_000, 20_000
CHANGED, ADDED, REMOVED = 50, 20, 10

Item = TypeVar("Item")


def files() -> list[tuple[str, Path]]:
    """Files of this Python installation as (path in the repository, file), sorted."""
    found: dict[str, Path] = {}
    for name in ("stdlib", "purelib", "platstdlib"):
        root = Path(sysconfig.get_paths()[name])
        for file in root.rglob("*"):
            if file.is_file() and not file.is_symlink():
                found.setdefault(f"{name}/{file.relative_to(root).as_posix()}", file)
    return sorted(found.items())


def each(what: str, items: list[Item], act: Callable[[Item], int]) -> None:
    """Runs `act` on every item in threads, with a progress bar; it returns the bytes it moved."""
    started, moved, shown = time.monotonic(), 0, 0.0
    with ThreadPoolExecutor(THREADS) as pool:
        for number, size in enumerate(pool.map(act, items), 1):
            moved += size
            if time.monotonic() - shown > 0.1 or number == len(items):
                shown = time.monotonic()
                bar = "#" * (30 * number // len(items))
                print(f"\r{what:10} [{bar:30}] {number}/{len(items)}", end="", flush=True)
    seconds = time.monotonic() - started
    print(f"  {len(items) / seconds:,.0f} files/s, {moved / seconds / 1e6:,.1f} MB/s")


def step(what: str, started: float, detail: str) -> None:
    print(f"{what:10} {(time.monotonic() - started) * 1e3:,.1f} ms  {detail}")


def listing(client: LakeFSClient, ref: str) -> dict[str, models.ObjectStats]:
    return {row.path: row for page in pages(client, ref) for row in page}


def pages(client: LakeFSClient, ref: str) -> Iterable[list[models.ObjectStats]]:
    after = ""
    while True:
        page = client.objects_api.list_objects(REPOSITORY, ref, amount=1000, after=after)
        yield page.results
        if not page.pagination.has_more:
            return
        after = page.pagination.next_offset


def count_changes(client: LakeFSClient, left: str, right: str) -> dict[str, int]:
    counts, after = {"added": 0, "changed": 0, "removed": 0}, ""
    while True:
        page = client.refs_api.diff_refs(REPOSITORY, left, right, amount=1000, after=after)
        for row in page.results:
            counts[row.type] += 1
        if not page.pagination.has_more:
            return counts
        after = page.pagination.next_offset


def walk(client: LakeFSClient, limit: int) -> None:
    tree = files()[:limit]
    if len(tree) < AT_LEAST:
        print(f"note: this Python installation has {len(tree)} files; the demo is meant for {AT_LEAST:,} and more")
    checksums: dict[str, str] = {}

    def upload(item: tuple[str, Path], branch: str = "main") -> int:
        path, file = item
        data = file.read_bytes()
        checksums[path] = hashlib.md5(data).hexdigest()
        client.objects_api.upload_object(REPOSITORY, branch, path, content=str(file) if data else b"")
        return len(data)

    def compare(path: str) -> int:
        data = client.objects_api.get_object(REPOSITORY, "main", path)
        if hashlib.md5(data).hexdigest() != checksums[path]:
            raise AssertionError(f"{path} came back different")
        return len(data)

    creation = models.RepositoryCreation(name=REPOSITORY, storage_namespace=f"local://{REPOSITORY}")
    client.repositories_api.create_repository(creation)
    each("upload", tree, upload)
    started = time.monotonic()
    commit = client.commits_api.commit(REPOSITORY, "main", models.CommitCreation(message="a Python installation"))
    step("commit", started, f"{len(tree)} files as {commit.id[:12]}")
    started = time.monotonic()
    client.branches_api.create_branch(REPOSITORY, models.BranchCreation(name="work", source="main"))
    step("branch", started, "nothing is copied")
    change(client, tree, checksums, upload)
    started = time.monotonic()
    counts = count_changes(client, "main", "work")
    step("diff", started, str(counts))
    assert counts == {"added": ADDED, "changed": CHANGED, "removed": REMOVED}, counts
    started = time.monotonic()
    merged = client.refs_api.merge_into_branch(REPOSITORY, "work", "main")
    step("merge", started, merged.reference[:12])
    for row in client.refs_api.log_commits(REPOSITORY, "main").results:
        print(f"{'log':10} {row.id[:12]} {row.message}")
    found = listing(client, "main")
    assert {path: row.checksum for path, row in found.items()} == checksums, "the listing differs from what was uploaded"
    each("read back", sorted(checksums), compare)
    print(f"demo: {len(checksums)} files compared, all equal")


def change(client: LakeFSClient, tree: list[tuple[str, Path]], checksums: dict[str, str],
           upload: Callable[[tuple[str, Path], str], int]) -> None:
    """Changes, adds and removes some files on branch `work`, and commits."""
    with tempfile.TemporaryDirectory() as folder:
        for path, _ in tree[:CHANGED]:
            file = Path(folder) / "changed"
            file.write_text(f"changed: {path}")
            upload((path, file), "work")
    for path, file in tree[-ADDED:]:
        upload((f"added/{path}", file), "work")
    removed = [path for path, _ in tree[CHANGED:CHANGED + REMOVED]]
    client.objects_api.delete_objects(REPOSITORY, "work", models.PathList(paths=removed))
    for path in removed:
        del checksums[path]
    client.commits_api.commit(REPOSITORY, "work", models.CommitCreation(message="some changes"))


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--server", type=Path, required=True, help="the server's binary")
    parser.add_argument("--limit", type=int, default=AT_MOST, help="at most so many files")
    arguments = parser.parse_args()
    with Server(binary=arguments.server) as server:
        configuration = lakefs_sdk.Configuration(host=f"{server.endpoint}/api/v1", username=ACCESS_KEY, password=SECRET)
        configuration.connection_pool_maxsize = THREADS
        print(f"server at {server.endpoint}, data in {server.data_dir} (removed afterwards)")
        walk(LakeFSClient(configuration), arguments.limit)
    return 0


if __name__ == "__main__":
    sys.exit(main())

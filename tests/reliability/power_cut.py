"""The power goes off under a working server, again and again: what was acknowledged is there, whole.

    python power_cut.py --rounds 20 [--mode ext4|strict|both] [--seed N] [--sabotage]

The server's data lies on a file system that knows what was synced (crates/testkit/src/power_cut.rs).
Each round lets the threads of workload.py loose; after a moment the server is killed and the power is
cut: nothing that was not synced survives, or pieces of it do. (In 15 % of the rounds it was about to
stop by itself, in 15 % it is killed and the power stays on.) In 30 % of the rounds that happens once more
while the server starts. Then it must start without help and have everything that was acknowledged. The
same directory goes on to the next round; after some rounds, and a clean stop, a new one begins. In a
quarter of the rounds, and at the end of each directory's life, `lakehold doctor` examines it as well.

With --sabotage the server, or the disk, does not sync, and the test fails unless that is noticed.
Without /dev/fuse nothing is tested, and the exit status is 77.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import mmap
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from workload import Ledger, Server, prepare, verify, work

from disk import Disk, Skipped, SyncfsCalls, without_syncs
from doctor import ensure_nothing_is_wrong, summary

SKIPPED = 77
ROUNDS_OF_A_DIRECTORY = 40
SABOTAGE_ROUNDS = 18
SABOTAGE_ROUNDS_OF_A_DIRECTORY = 3
EXAMINED = 0.25  # of the rounds: in the others the server finishes by itself what was cut off


class Bench:
    """A disk, the server on it, and what the cuts did."""

    def __init__(self, disk: Disk, dice: random.Random, server_syncs: bool = True) -> None:
        self.disk, self.dice, self.server_syncs = disk, dice, server_syncs
        self.ledger = Ledger()
        self.cuts = self.second_cuts = self.acknowledged = self.examinations = 0
        self.last_cuts: list[str] = []
        self.survival: str | None = None  # None: by chance
        self.totals = dict.fromkeys(("pages_kept", "pages_lost", "names_kept", "names_lost"), 0)

    @contextlib.contextmanager
    def server(self) -> Iterator[Server]:
        """A server that has not been started; at the end it must have stopped."""
        with SyncfsCalls(self.disk) as calls:
            prefix = calls.prefix if self.server_syncs else without_syncs()
            server = Server(self.disk.mount / "data", prefix=prefix)
            try:
                yield server
            finally:
                server.kill()

    def cut(self) -> None:
        seed = self.dice.randrange(1 << 32)
        survival = self.survival or self.dice.choice(("nothing", "nothing", "10", "50", "90"))
        report = self.disk.command("cut", seed, survival)
        self.cuts += 1
        for name in self.totals:
            self.totals[name] += report[name]
        self.last_cuts = [*self.last_cuts[-2:], f"cut {seed} {survival}: {report}"]

    def disturb_start(self) -> None:
        """Kills a server that starts, and mostly cuts the power as well."""
        with self.server() as server:
            server.launch()
            time.sleep(self.dice.uniform(0.0, 0.4))
        if self.dice.random() < 0.8:
            self.cut()
            self.second_cuts += 1

    def examine(self, *arguments: str) -> dict:
        with self.server() as server:
            self.examinations += 1
            return ensure_nothing_is_wrong(server, *arguments)

    def begin_stop(self, server: Server) -> None:
        """Asks the server to stop, and gives it some time for that, often too little."""
        server.process.terminate()
        time.sleep(self.dice.uniform(0.0, 0.2))

    def begin_directory(self, disturbed: bool = True) -> None:
        self.disk.command("clear")
        self.ledger, self.last_cuts = Ledger(), []
        for _ in range(self.dice.choice((0, 0, 1, 3)) if disturbed else 0):
            self.disturb_start()

    def round(self, number: int, is_first: bool) -> None:
        if not is_first and self.dice.random() < EXAMINED:
            self.examine()
        with self.server() as server:
            server.start()
            if is_first:
                prepare(server.connect())
            else:
                verify(server, self.ledger, everything=False)
            seconds, end = self.dice.uniform(0.05, 1.2), self.dice.random()
            before_kill = (lambda: self.begin_stop(server)) if end < 0.15 else (lambda: None)
            work(server, self.ledger, number, seconds, before_kill)
        if end < 0.85:
            self.cut()
        if self.dice.random() < 0.3:
            self.disturb_start()

    def end_directory(self) -> None:
        with self.server() as server:
            server.start()
            verify(server, self.ledger, everything=True)
            if status := server.stop():
                raise AssertionError(f"a clean stop ended with {status}:\n{server.output()}")
        self.cut()
        with self.server() as server:
            server.start()
            verify(server, self.ledger, everything=True)
            server.stop()
        print(summary(self.examine("--deep")), flush=True)
        self.acknowledged += sum(map(len, (self.ledger.objects, self.ledger.refs, self.ledger.commits, self.ledger.merges)))


def run(mode: str, rounds: int, seed: int) -> None:
    start = time.monotonic()
    with Disk(mode) as disk:
        behaves_as_a_file_system(disk)
        bench = Bench(disk, random.Random(f"{mode} {seed}"))
        for number in range(1, rounds + 1):
            is_first = number % ROUNDS_OF_A_DIRECTORY == 1
            try:
                if is_first:
                    bench.begin_directory()
                bench.round(number, is_first)
                if number % ROUNDS_OF_A_DIRECTORY == 0 or number == rounds:
                    bench.end_directory()
            except AssertionError as error:
                raise AssertionError(f"{mode}, seed {seed}, round {number}: {error}\n{evidence(bench)}") from error
            if number % 10 == 0 or number == rounds:
                print(f"{mode}, round {number}: {bench.ledger.counts()}", flush=True)
    print(f"{mode}: {rounds} rounds, {bench.cuts} cuts ({bench.second_cuts} of them while starting), {bench.acknowledged} "
          f"acknowledged writes, {bench.examinations} examinations; unsynced pages: {bench.totals['pages_kept']} kept, {bench.totals['pages_lost']} lost; unsynced "
          f"names: {bench.totals['names_kept']} kept, {bench.totals['names_lost']} lost; {time.monotonic() - start:.0f} s")


def evidence(bench: Bench) -> str:
    """What the last cuts did; what the last one left is copied to a folder that stays."""
    lines = list(bench.last_cuts)
    if bench.cuts:
        folder = Path(tempfile.mkdtemp(prefix="lakehold-power-cut-failed-"))
        bench.disk.command("export", folder)
        lines.append(f"what the last cut left: {folder}/data")
    return "\n".join(lines)


# Syncs that do not happen: the server's, or those that the disk ignores, everywhere or below a path.
SABOTAGE = (
    ("ext4", "the server"),
    ("strict", "the server"),
    ("ext4", "volume"),
    ("strict", "volume"),
    ("ext4", "files"),
    ("strict", "files"),
    ("ext4", "files data/kv"),
    ("ext4", "files data/block-journal"),
    ("ext4", "files data/block-journal/tmp"),
    ("ext4", "files data/secrets.json.new"),
    ("strict", "folders"),
    ("strict", "folders data/kv"),
    ("strict", "folders data/kv/lsm/keyspaces"),
    ("strict", "folders data/block-journal"),
    ("strict", "folders data/block"),
)


def sabotage(seed: int) -> None:
    """Each way not to sync is noticed within a few rounds."""
    for mode, what in SABOTAGE:
        with Disk(mode) as disk:
            bench = Bench(disk, random.Random(f"{mode} {what} {seed}"), server_syncs=what != "the server")
            bench.survival = "nothing"
            if what != "the server":
                disk.command("ignore", what)
            number = rounds_until_noticed(bench)
        print(f"{mode}, not synced: {what}: noticed in round {number}", flush=True)


def rounds_until_noticed(bench: Bench) -> int:
    """A name that survived until the file system as a whole was synced can be lost in a new directory only."""
    for number in range(1, SABOTAGE_ROUNDS + 1):
        is_first = number % SABOTAGE_ROUNDS_OF_A_DIRECTORY == 1
        try:
            if is_first:
                bench.begin_directory(disturbed=False)
            bench.round(number, is_first)
        except AssertionError as error:
            if is_first:
                raise  # nothing is lost yet
            print(f"    {str(error).splitlines()[0][:150]}")
            return number
    raise AssertionError(f"{SABOTAGE_ROUNDS} rounds without syncs, and nothing was noticed")


def behaves_as_a_file_system(disk: Disk) -> None:
    """What servers need of it works, before anything is concluded from it."""
    folder = disk.mount / "check"
    folder.mkdir()
    path, data = folder / "file", os.urandom(1_000_000)
    with path.open("w+b") as file:
        file.write(data)
        file.flush()
        assert os.pread(file.fileno(), 5_000, 4_000) == data[4_000:9_000]
        os.pwrite(file.fileno(), b"here", 10)
        with mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as mapped:
            assert mapped[:20] == data[:10] + b"here" + data[14:20]
        with mmap.mmap(file.fileno(), 0) as mapped:
            mapped[100_000:100_004] = b"mmap"
            mapped.flush()
        assert os.pread(file.fileno(), 4, 100_000) == b"mmap"
        os.posix_fallocate(file.fileno(), 0, 1_200_000)
        assert os.fstat(file.fileno()).st_size == 1_200_000
        file.truncate(10)
        os.fsync(file.fileno())
        os.fdatasync(file.fileno())
        fcntl.flock(file, fcntl.LOCK_EX)
        with path.open("r+b") as other:
            try:
                fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
                raise AssertionError("two have the lock")
            except BlockingIOError:
                fcntl.lockf(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    with path.open("ab") as file:
        file.write(b"tail")
    assert path.read_bytes() == data[:10] + b"tail"
    os.link(path, folder / "same")
    os.symlink("same", folder / "link")
    assert (folder / "link").read_bytes() == path.read_bytes() and path.stat().st_nlink == 2
    for number in range(3_000):
        (folder / f"entry {number}").touch()
    assert len(os.listdir(folder)) == 3_003
    os.rename(folder / "entry 1", folder / "entry 0")
    with (folder / "entry 2").open() as unlinked:
        os.unlink(folder / "entry 2")
        assert os.fstat(unlinked.fileno()).st_nlink == 0
    assert os.statvfs(folder).f_bavail > 1_000
    descriptor = os.open(folder, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)
    disk.command("syncfs")
    (folder / "file").write_bytes(b"not synced")
    disk.command("cut", 1, "nothing")
    assert path.read_bytes() == data[:10] + b"tail" and len(os.listdir(folder)) == 3_001
    disk.command("clear")
    assert os.listdir(disk.mount) == []


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=20, help="in each mode")
    parser.add_argument("--mode", choices=("ext4", "strict", "both"), default="both", help="when names are durable")
    parser.add_argument("--seed", type=int, default=None, help="decides when the cuts come and what survives them")
    parser.add_argument("--sabotage", action="store_true", help="show that a server without syncs is noticed")
    arguments = parser.parse_args()
    seed = arguments.seed if arguments.seed is not None else random.randrange(1 << 32)
    modes = ("ext4", "strict") if arguments.mode == "both" else (arguments.mode,)
    print(f"seed {seed}", flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that nothing stays mounted
    try:
        if arguments.sabotage:
            sabotage(seed)
        else:
            for mode in modes:
                run(mode, arguments.rounds, seed)
    except Skipped as reason:
        print(f"power cuts: 0 passed, 0 failed, 1 skipped: {reason}")
        return SKIPPED
    print("power cuts: all passed")
    return 0


if __name__ == "__main__":
    sys.exit(main())

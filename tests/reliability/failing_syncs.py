"""A sync fails under a working server: nobody is told that a write is done which is not.

    python failing_syncs.py --rounds 3 [--seed N]

The server's data lies on the file system of crates/testkit/src/power_cut.rs. While the threads of
workload.py are at it, one sync of a file fails, of the embedded store or of the journal of bodies; what it
was for is lost, and later syncs succeed all the same, as on Linux. From then on requests may fail, reads go
on, and a write that is acknowledged nevertheless must survive: the power is cut, nothing that was not
synced is left, and after the next start everything that was acknowledged is there, whole.

Without /dev/fuse nothing is tested, and the exit status is 77.
"""

from __future__ import annotations

import argparse
import random
import signal
import sys
import time

from power_cut import SKIPPED, Bench, behaves_as_a_file_system, evidence
from workload import BASE, Server, prepare, verify, work

from disk import Disk, Skipped
from server import ensure

# Where a sync fails, and whether the server takes no more writes afterwards.
PLACES = (("data/kv", True), ("data/block-journal", False))
LIMIT = 20.0


def fail(bench: Bench, server: Server, place: str, is_final: bool) -> None:
    """Has a sync fail, and looks at what the server does then."""
    before = bench.disk.command("stats")["failed_syncs"]
    bench.disk.command("fail", place)
    end = time.monotonic() + LIMIT
    while bench.disk.command("stats")["failed_syncs"] == before:
        if time.monotonic() > end:
            raise AssertionError(f"nothing below {place} was synced in {LIMIT:g} s of work")
        time.sleep(0.01)
    time.sleep(0.3)  # the others go on, as far as they can
    connection = server.connect()
    ensure(connection.request("GET", f"{BASE}/refs/main/objects/ls"), 200)
    refused = connection.request("POST", f"{BASE}/branches", {"name": "afterwards", "source": "main"})
    if is_final and (refused.status < 500 or b"restart the server" not in refused.body):
        raise AssertionError(f"after a failed sync a write is answered {refused}")


def rounds(bench: Bench, place: str, is_final: bool, count: int) -> None:
    bench.begin_directory(disturbed=False)
    bench.survival = "nothing"
    for number in range(1, count + 1):
        with bench.server() as server:
            server.start()
            if number == 1:
                prepare(server.connect())
            else:
                verify(server, bench.ledger, everything=True)
            work(server, bench.ledger, number, bench.dice.uniform(0.1, 0.6),
                 lambda: fail(bench, server, place, is_final))
        bench.cut()
    bench.end_directory()


def run(mode: str, count: int, seed: int) -> None:
    with Disk(mode) as disk:
        behaves_as_a_file_system(disk)
        for place, is_final in PLACES:
            bench = Bench(disk, random.Random(f"{mode} {place} {seed}"))
            try:
                rounds(bench, place, is_final, count)
            except AssertionError as error:
                raise AssertionError(f"{mode}, {place}, seed {seed}: {error}\n{evidence(bench)}") from error
            print(f"{mode}: {count} syncs failed below {place}; {bench.acknowledged} acknowledged writes are there", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3, help="for each place in each mode")
    parser.add_argument("--seed", type=int, default=None, help="decides when the syncs fail")
    arguments = parser.parse_args()
    seed = arguments.seed if arguments.seed is not None else random.randrange(1 << 32)
    print(f"seed {seed}", flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that nothing stays mounted
    try:
        for mode in ("ext4", "strict"):
            run(mode, arguments.rounds, seed)
    except Skipped as reason:
        print(f"failing syncs: 0 passed, 0 failed, 1 skipped: {reason}")
        return SKIPPED
    print("failing syncs: all passed")
    return 0


if __name__ == "__main__":
    sys.exit(main())

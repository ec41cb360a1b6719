"""The power goes off under the embedded store alone, while it writes and merges tables all the time.

    python power_cut_store.py --rounds 20 [--mode ext4|strict|both] [--seed N]

As power_cut.py, but on the disk runs crates/testkit/examples/power_cut_store.rs: writers with counters,
over a store whose memtables are so small that a second has more of what can go wrong in the library
below than a day of a server. After each cut every step up to the last acknowledged counter is there,
whole, and at most one more.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))

from disk import PROGRAM, Disk, Skipped  # noqa: E402

WRITER = PROGRAM.with_name("power_cut_store")
ROUNDS_OF_A_DIRECTORY = 40
SKIPPED = 77


def write_and_cut(disk: Disk, dice: random.Random, counters: dict[str, str]) -> dict:
    """Lets the writers loose for a moment, cuts the power, and notes what was acknowledged."""
    with tempfile.TemporaryFile("w+") as output:
        writers = subprocess.Popen([WRITER, disk.mount / "store", "write"], stdout=output, stderr=output)
        limit = time.monotonic() + (60 if dice.random() < 0.7 else 0)  # else the cut may hit the opening
        while time.monotonic() < limit and writers.poll() is None and not os.fstat(output.fileno()).st_size:
            time.sleep(0.01)
        time.sleep(dice.uniform(0.05, 1.2))
        if (status := writers.poll()) is not None:
            output.seek(0)
            raise AssertionError(f"the writers ended with {status}: {output.read()[-2_000:]}")
        writers.kill()
        writers.wait(60)
        report = disk.command("cut", dice.randrange(1 << 32), dice.choice(("nothing", "nothing", "10", "50", "90")))
        output.seek(0)
        for line in output.read().rpartition("\n")[0].splitlines():
            writer, _, counter = line.partition(" ")
            if writer.isdigit():
                counters[writer] = counter
    return report


def check(disk: Disk, counters: dict[str, str]) -> None:
    known = [counters.get(str(writer), "0") for writer in range(4)]
    done = subprocess.run([WRITER, disk.mount / "store", "check", *known], capture_output=True, text=True, timeout=120, check=False)
    if done.returncode:
        raise AssertionError(f"acknowledged {known}: {done.stdout}{done.stderr}")
    for line in done.stdout.splitlines()[1:]:
        writer, _, counter = line.partition(" ")
        counters[writer] = counter


def run(mode: str, rounds: int, seed: int) -> None:
    dice, counters, cuts, steps, start = random.Random(f"{mode} {seed}"), {}, 0, 0, time.monotonic()
    with Disk(mode) as disk:
        for number in range(1, rounds + 1):
            if number % ROUNDS_OF_A_DIRECTORY == 1:
                disk.command("clear")
                steps += sum(map(int, counters.values()))
                counters = {}
            reports = []
            try:
                for _ in range(2 if dice.random() < 0.3 else 1):
                    reports.append(write_and_cut(disk, dice, counters))
                    cuts += 1
                check(disk, counters)
            except AssertionError as error:
                folder = tempfile.mkdtemp(prefix="lakehold-power-cut-failed-")
                disk.command("export", folder)
                raise AssertionError(f"{mode}, seed {seed}, round {number}: {error}\n{reports}\n"
                                     f"what the last cut left: {folder}/store") from error
            if number % 10 == 0 or number == rounds:
                tables = sum(1 for _ in (disk.mount / "store").glob("lsm/keyspaces/*/tables/*"))
                print(f"{mode}, round {number}: steps {' '.join(counters.values())}, {tables} tables", flush=True)
    steps += sum(map(int, counters.values()))
    print(f"{mode}: {rounds} rounds, {cuts} cuts, {steps} acknowledged steps; {time.monotonic() - start:.0f} s")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=20, help="in each mode")
    parser.add_argument("--mode", choices=("ext4", "strict", "both"), default="both", help="when names are durable")
    parser.add_argument("--seed", type=int, default=None, help="decides when the cuts come and what survives them")
    arguments = parser.parse_args()
    seed = arguments.seed if arguments.seed is not None else random.randrange(1 << 32)
    print(f"seed {seed}", flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that nothing stays mounted
    try:
        for mode in ("ext4", "strict") if arguments.mode == "both" else (arguments.mode,):
            run(mode, arguments.rounds, seed)
    except Skipped as reason:
        print(f"power cuts of the store: 0 passed, 0 failed, 1 skipped: {reason}")
        return SKIPPED
    print("power cuts of the store: all passed")
    return 0


if __name__ == "__main__":
    sys.exit(main())

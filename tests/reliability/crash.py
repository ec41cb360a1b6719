"""Kill -9 in the middle of everything, again and again: what was acknowledged is there, whole.

    python crash.py --rounds 20

Each round lets the threads of workload.py loose, kills the server after a moment, starts it again on the
same directory, and asks for everything that was acknowledged. After some of the kills `lakehold doctor` comes
before the server, and it has the last word.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile

from workload import Ledger, Server, prepare, verify, work

from doctor import ensure_nothing_is_wrong, summary

EXAMINED = 0.2  # of the kills: in the others the server finishes by itself what was cut off


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
                if dice.random() < EXAMINED:
                    ensure_nothing_is_wrong(server)
            print(f"round {number}: {ledger.counts()}", flush=True)
        with Server(folder) as server:
            verify(server, ledger, everything=True)
            if status := server.stop():
                raise AssertionError(f"a clean stop ended with {status}:\n{server.output()}")
        with Server(folder) as server:
            verify(server, ledger, everything=True)
            server.stop()
            print(summary(ensure_nothing_is_wrong(server, "--deep")))
    print(f"crash: {arguments.rounds} passed, 0 failed")
    return 0


if __name__ == "__main__":
    sys.exit(main())

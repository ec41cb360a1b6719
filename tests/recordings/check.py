"""Replay the recordings against a fresh server and hold the result against the committed list.

    python check.py                 # starts the servers itself
    python check.py --only 'refs/*'

There are two: one as it comes, and one that allows imports for the scenarios that need them.

`pending.json` names every scenario that is not expected to pass yet, with the reason. A scenario that
fails and is not listed fails the run; so does one that passes and is still listed.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))

from server import ACCESS_KEY, SECRET, Server  # noqa: E402


ALLOWING_IMPORTS = {"LAKEHOLD_BLOCKSTORE_LOCAL_IMPORT_ENABLED": "true"}


def replay_all(only: str) -> tuple[dict[str, dict], dict[str, str]]:
    """Runs the replay program against both servers; returns results and skipped scenarios by name."""
    results, skipped = replay(only, {})
    again = {name for name, reason in skipped.items() if "import_support" in reason}
    for name in sorted(again):
        more, _ = replay(name, ALLOWING_IMPORTS)
        results.update(more)
    return results, {name: reason for name, reason in skipped.items() if name not in results}


def replay(only: str, environment: dict[str, str]) -> tuple[dict[str, dict], dict[str, str]]:
    """Runs the replay program; returns results and skipped scenarios by name."""
    # A run of everything sets its server up by itself.
    setup = ["--setup", "manual"] if only == "*" else []
    with tempfile.TemporaryDirectory() as folder, Server(arguments=setup, environment=environment) as server:
        report = Path(folder) / "report.json"
        command = [sys.executable, str(HERE / "replay.py"), "check", "--endpoint", server.endpoint,
                   "--access-key", ACCESS_KEY, "--secret", SECRET, "--jobs", "2", "--only", only,
                   "--json", str(report), str(HERE / "answers")]
        done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
        if not report.exists():
            sys.exit(f"the replay program failed:\n{done.stdout}\n{done.stderr}\n{server.output()}")
        found = json.loads(report.read_text())
        return found["results"], found["skipped"]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", default="*", help="names of scenarios, or op:GLOB for operations")
    parser.add_argument("--verbose", action="store_true", help="differences of pending scenarios too")
    arguments = parser.parse_args()
    pending = json.loads((HERE / "pending.json").read_text())
    results, skipped = replay_all(arguments.only)
    wrong = 0
    for name, result in sorted(results.items()):
        listed = name in pending
        if result["passed"] and listed:
            print(f"PASSES but is listed in pending.json: {name}")
            wrong += 1
        elif not result["passed"] and (not listed or arguments.verbose):
            print("\n".join([f"FAIL {name}", *result["differences"]]))
            wrong += not listed
    passed = sum(result["passed"] for result in results.values())
    waiting = sum(not result["passed"] and name in pending for name, result in results.items())
    for name, reason in sorted(skipped.items()):
        print(f"skipped {name}: {reason}")
    print(f"recordings: {passed} passed, {wrong} failed, {len(skipped) + waiting} skipped")
    print(f"({waiting} of the skipped are listed in pending.json)")
    return 1 if wrong or not passed else 0


if __name__ == "__main__":
    sys.exit(main())

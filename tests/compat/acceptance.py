"""Run a folder of scripts with the official packages against a fresh server, and show a table.

    python acceptance.py --server target/release/lakehold DIR

Each script `s*.py` gets LAKEHOLD_HOST, ACCESS, SECRET and LAKEHOLD_NS in its environment and says by its
exit status how it went: 0 passed, 77 skipped, anything else failed.

LAKEHOLD_NS says where the scripts make repositories, local://acceptance unless it is set. Where it begins with
s3:// the server keeps its blocks in S3: the one that LAKEHOLD_BLOCKSTORE_TYPE=s3 and LAKEHOLD_BLOCKSTORE_S3_...
name, or, where they are not set, in moto.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))

from moto import Moto  # noqa: E402
from server import ACCESS_KEY, SECRET, Server  # noqa: E402


def outcome(script: Path, environment: dict[str, str]) -> tuple[str, str]:
    try:
        done = subprocess.run([sys.executable, script.name], cwd=script.parent, env=environment,
                              capture_output=True, text=True, timeout=300, check=False)
    except subprocess.TimeoutExpired:
        return "FAIL", "not done after 300 s"
    state = {0: "PASS", 77: "SKIP"}.get(done.returncode, "FAIL")
    lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    return state, "" if state == "PASS" or not lines else lines[-1]


@contextlib.contextmanager
def serving(binary: Path, namespace: str) -> Iterator[Server]:
    """A fresh server that can have repositories in `namespace`."""
    if not namespace.startswith("s3://") or "LAKEHOLD_BLOCKSTORE_TYPE" in os.environ:
        with Server(binary=binary) as server:
            yield server
        return
    with Moto() as moto:
        moto.create_bucket(namespace.removeprefix("s3://").partition("/")[0])
        with Server(binary=binary, environment=moto.environment) as server:
            yield server


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--server", type=Path, required=True, help="the server's binary")
    parser.add_argument("folder", type=Path, help="folder of scripts named s*.py")
    arguments = parser.parse_args()
    scripts = sorted(arguments.folder.glob("s*.py"))
    if not scripts:
        print(f"no scripts named s*.py in {arguments.folder}", file=sys.stderr)
        return 2
    counts = {"PASS": 0, "FAIL": 0, "SKIP": 0}
    namespace = os.environ.get("LAKEHOLD_NS", "local://acceptance")
    with serving(arguments.server, namespace) as server:
        environment = {**os.environ, "LAKEHOLD_HOST": server.endpoint, "ACCESS": ACCESS_KEY, "SECRET": SECRET,
                       "LAKEHOLD_NS": namespace}
        for script in scripts:
            state, detail = outcome(script, environment)
            counts[state] += 1
            print(f"{state}  {script.name:46} {detail[:150]}", flush=True)
    print(f"{counts['PASS']} passed, {counts['FAIL']} failed, {counts['SKIP']} skipped")
    return 1 if counts["FAIL"] else 0


if __name__ == "__main__":
    sys.exit(main())

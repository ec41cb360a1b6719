"""Runs every command of docs/OPERATIONS.md, in its order, in one shell.

The folders, ports and addresses of the text are replaced by those of a PostgreSQL, a stand-in for S3 and a
folder of the test's own. A command that fails, or takes too long, fails the test.

    python tests/operations/commands.py
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests" / "support"))

from moto import ACCESS_KEY, SECRET, Moto  # noqa: E402
from postgres import Postgres  # noqa: E402
from server import BINARY, free_port  # noqa: E402

GUIDE = ROOT / "docs" / "OPERATIONS.md"
TIME_LIMIT = 300
PORTS = ("8001", "8011", "8012", "8013")
EXPECTED = ("hello", "from the second")


def commands(text: str) -> str:
    """All commands, each block announced by the line it stands at."""
    blocks = []
    for found in re.finditer(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        line = text.count("\n", 0, found.start()) + 2
        blocks.append(f"echo '--- line {line}' >&2\n{found.group(1)}")
    return "\n".join(blocks)


def replaced(script: str, folder: str, postgres: Postgres, moto: Moto) -> str:
    here = {
        "/srv/lakehold": folder,
        "postgres://lakehold@127.0.0.1:5432/lakehold": postgres.url,
        "postgres://lakehold@127.0.0.1:5432/cluster": postgres.url_of("cluster"),
        "http://127.0.0.1:9000": moto.endpoint,
        "KEY-OF-THE-BUCKET": ACCESS_KEY,
        "SECRET-OF-THE-BUCKET": SECRET,
    }
    for shown, actual in here.items():
        if shown not in script:
            raise AssertionError(f"{GUIDE.name} does not name {shown} any more")
        script = script.replace(shown, actual)
    for port in PORTS:
        script = re.sub(rf"(?<!\d){port}(?!\d)", str(free_port()), script)
    return script


def run(script: str) -> tuple[int, str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("LAKEHOLD_", "LAKEFS_"))}
    environment["PATH"] = f"{BINARY.resolve().parent}{os.pathsep}{environment['PATH']}"
    shell = subprocess.Popen(["bash", "-euo", "pipefail", "-c", script], env=environment, text=True,
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             start_new_session=True)
    try:
        output, _ = shell.communicate(timeout=TIME_LIMIT)
    except subprocess.TimeoutExpired:
        output = f"not done after {TIME_LIMIT} s"
    finally:
        # The servers that the commands left running are in its session.
        try:
            os.killpg(shell.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    return shell.wait(), output


def main() -> int:
    with Postgres() as postgres, Moto() as moto, tempfile.TemporaryDirectory(prefix="lakehold-operations-") as folder:
        postgres.query('CREATE DATABASE "cluster"')
        moto.create_bucket("lake")
        status, output = run(replaced(commands(GUIDE.read_text()), folder, postgres, moto))
        missing = [text for text in EXPECTED if text not in output]
        if status == 0 and not missing:
            print(f"all commands of {GUIDE.name} work")
            return 0
        print(output)
        for log in sorted(Path(folder).glob("log*")):
            print(f"--- {log.name}\n{log.read_text(errors='replace')[-2000:]}")
        print(f"exit status {status}, missing in the output: {missing}")
        return 1


if __name__ == "__main__":
    sys.exit(main())

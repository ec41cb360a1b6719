"""`lakehold doctor`, which has the last word in tests that are unkind to servers.

    report = ensure_nothing_is_wrong(server)       # running or stopped; AssertionError unless it holds
    status, report = examine(server, "--deep")
"""

from __future__ import annotations

import json
import subprocess

from server import Server

LIMIT = 600.0
WARNINGS, ERRORS = 3, 4


def examine(server: Server, *arguments: str) -> tuple[int, dict]:
    """Examines what `server` serves: through it if it runs on a data directory, else without it. Returns the exit
    status, 0, `WARNINGS` or `ERRORS`, and the report."""
    command = [*server.command("doctor"), "--json", *arguments]
    done = subprocess.run(command, env=server.environment, capture_output=True, text=True, timeout=LIMIT, check=False)
    if done.returncode not in (0, WARNINGS, ERRORS) or "panicked" in done.stderr:
        raise AssertionError(f"doctor ended with {done.returncode}: {done.stderr[-2_000:]}")
    return done.returncode, json.loads(done.stdout)


def ensure_nothing_is_wrong(server: Server, *arguments: str) -> dict:
    """Everything is there and nothing is that nobody knows. What was cut off may have left behind what the doctor
    itself calls harmless."""
    status, report = examine(server, *arguments)
    findings = [finding for finding in report["findings"] if finding["severity"] != "info"]
    if status or findings or report["errors"] or report["warnings"] or report["not_examined"]:
        shown = "\n".join(json.dumps(line) for line in [*report["not_examined"], *findings[:20]])
        raise AssertionError(f"doctor ended with {status}; {report['errors']} errors, {report['warnings']} warnings:\n{shown}")
    if not report["examined"]["commits"] or not report["examined"]["objects"]:
        raise AssertionError(f"doctor found nothing to examine: {report['examined']}")
    return report


def summary(report: dict) -> str:
    """What was examined, in a line."""
    examined = report["examined"]
    return (f"doctor: nothing is wrong with {examined['commits']} commits, {examined['ranges']} ranges and "
            f"{examined['objects']} objects; left over: {report['kinds'] or 'nothing'}")

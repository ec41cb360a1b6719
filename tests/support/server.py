"""A Lakehold server in a process of its own, for the tests that talk to it from outside.

Standard library only. `Server` starts the binary on a data directory and a free port, waits until it is
healthy, and stops, kills or restarts it by its process id.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import tempfile
import time
import urllib.parse
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
BINARY = Path(os.environ.get("LAKEHOLD_BINARY", ROOT / "target" / "release" / "lakehold"))
ACCESS_KEY = "AKIAJTESTSOFLAKEHLDQ"
SECRET = "tests-of-lakehold-secret-0123456789abcdef"
START_LIMIT = 60.0
STOP_LIMIT = 60.0


class Answer:
    """Status, headers (names in lower case) and body of an HTTP answer."""

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)

    def __repr__(self) -> str:
        return f"{self.status} {self.body[:300]!r}"


class Unreachable(Exception):
    """The server did not answer: whether the request was carried out is unknown."""


class Connection:
    """One keep-alive connection with credentials."""

    def __init__(self, host: str, port: int, key: str = ACCESS_KEY, secret: str = SECRET, timeout: float = 60.0) -> None:
        self._http = http.client.HTTPConnection(host, port, timeout=timeout)
        self._authorization = "Basic " + base64.b64encode(f"{key}:{secret}".encode()).decode()

    def request(self, method: str, path: str, body: bytes | dict | list | Iterable[bytes] | None = None,
                headers: dict[str, str] | None = None) -> Answer:
        sent = {"Authorization": self._authorization, **(headers or {})}
        if isinstance(body, (dict, list)):
            body = json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")
        elif body is not None:
            sent.setdefault("Content-Type", "application/octet-stream")
        try:
            self._http.request(method, "/api/v1" + path, body=body, headers=sent)
            answer = self._http.getresponse()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        except (OSError, http.client.HTTPException) as error:
            self._http.close()
            raise Unreachable(str(error)) from error

    def stream(self, path: str, headers: dict[str, str] | None = None, piece: int = 1 << 20) -> Iterator[bytes]:
        """Yields the body of a GET piece by piece; fails unless the status is 200."""
        self._http.request("GET", "/api/v1" + path, headers={"Authorization": self._authorization, **(headers or {})})
        answer = self._http.getresponse()
        if answer.status != 200:
            raise AssertionError(f"GET {path}: {answer.status} {answer.read()[:300]!r}")
        while data := answer.read(piece):
            yield data

    def close(self) -> None:
        self._http.close()


class Server:
    """The binary, running on `data_dir`. Use as a context manager."""

    def __init__(self, data_dir: Path | str | None = None, *, environment: dict[str, str] | None = None,
                 arguments: Iterable[str] = (), binary: Path = BINARY, prefix: Iterable[str] = (),
                 temporary_in: Path | str | None = None) -> None:
        self._own = tempfile.TemporaryDirectory(prefix="lakehold-", dir=temporary_in) if data_dir is None else None
        self.data_dir = Path(self._own.name if self._own else data_dir)
        self.host, self.port = "127.0.0.1", free_port()
        self._program = [*prefix, str(binary)]
        self._arguments = ["--listen", f"{self.host}:{self.port}", *arguments]
        self.environment = {**os.environ, "LAKEHOLD_ACCESS_KEY_ID": ACCESS_KEY,
                            "LAKEHOLD_SECRET_ACCESS_KEY": SECRET, **(environment or {})}
        self.log = tempfile.NamedTemporaryFile(prefix="lakehold-log-", suffix=".txt")
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint(self) -> str:
        return f"http://{self.host}:{self.port}"

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def command(self, *words: str) -> list[str]:
        """The line that runs another command of the program on the same data."""
        return [*self._program, *words, "--data-dir", str(self.data_dir)]

    def launch(self) -> "Server":
        """Starts the process and does not wait."""
        command = [*self.command("serve"), *self._arguments]
        self.process = subprocess.Popen(command, env=self.environment, stdin=subprocess.DEVNULL,
                                        stdout=self.log, stderr=subprocess.STDOUT)
        return self

    def start(self) -> "Server":
        self.launch()
        assert self.process is not None
        limit = time.monotonic() + START_LIMIT
        while time.monotonic() < limit:
            if self.process.poll() is not None:
                raise AssertionError(f"the server ended with {self.process.returncode}:\n{self.output()}")
            with contextlib.suppress(Unreachable):
                if self.connect(timeout=5).request("GET", "/healthcheck").status == 204:
                    return self
            time.sleep(0.02)
        self.kill()
        raise AssertionError(f"the server is not healthy after {START_LIMIT} s:\n{self.output()}")

    def stop(self) -> int:
        """SIGTERM; returns the exit status."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(STOP_LIMIT)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"the server did not stop within {STOP_LIMIT} s:\n{self.output()}") from None

    def kill(self) -> None:
        """SIGKILL, as a power cut of the process."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(STOP_LIMIT)

    def output(self) -> str:
        return Path(self.log.name).read_text(errors="replace")

    def connect(self, **options) -> Connection:
        return Connection(self.host, self.port, **options)

    def memory_peak(self) -> int:
        """The most resident memory so far, in bytes."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
        raise AssertionError("no VmHWM")

    def __enter__(self) -> "Server":
        return self.start()

    def __exit__(self, *_: object) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STOP_LIMIT)
            except subprocess.TimeoutExpired:
                self.kill()
        if self._own:
            self._own.cleanup()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def quote(text: str) -> str:
    return urllib.parse.quote(text, safe="")


def ensure(answer: Answer, *statuses: int) -> Answer:
    if answer.status not in statuses:
        raise AssertionError(f"expected {statuses}, got {answer}")
    return answer

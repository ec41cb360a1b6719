"""A hostile environment: the error names the path and what to do, nothing panics, nothing is lost.

    python environment.py

Needs root for the full disk (it mounts a tmpfs of 64 MiB); without root that case counts as skipped.
"""

from __future__ import annotations

import http.client
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))

from doctor import ERRORS, ensure_nothing_is_wrong, examine  # noqa: E402
from server import BINARY, Connection, Server, ensure, free_port  # noqa: E402

BASE = "/repositories/hostile"


class Skipped(Exception):
    """This machine cannot show the case."""


def prepare(connection: Connection) -> None:
    new = {"name": "hostile", "storage_namespace": "local://hostile"}
    ensure(connection.request("POST", "/repositories", new), 201)


def put(connection: Connection, path: str, data: bytes):
    return connection.request("POST", f"{BASE}/branches/main/objects?path={path}", data)


def get(connection: Connection, path: str, ref: str = "main"):
    return connection.request("GET", f"{BASE}/refs/{ref}/objects?path={path}")


def no_panic(server: Server) -> None:
    assert "panicked" not in server.output(), server.output()


def fails_to_start(data_dir: Path, *names: str, listen: str | None = None) -> None:
    """The server must end by itself, soon, with a message on stderr that has all of `names`."""
    command = [str(BINARY), "serve", "--data-dir", str(data_dir), "--listen", listen or f"127.0.0.1:{free_port()}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode not in (0, -6, 101), f"ended with {done.returncode}: {done.stderr}"
    assert "panicked" not in done.stderr, done.stderr
    for name in names:
        assert name in done.stderr, f"{name!r} is not in: {done.stderr}"


@contextmanager
def small_disk(size: str) -> Iterator[Path]:
    if os.geteuid() != 0:
        raise Skipped("only root can mount a small disk")
    folder = Path(tempfile.mkdtemp(prefix="lakehold-small-"))
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], check=False, capture_output=True)
    if mounted.returncode != 0:
        folder.rmdir()
        raise Skipped("mount is not allowed here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False)
        folder.rmdir()


def a_full_disk_refuses_writes_and_loses_nothing() -> None:
    with small_disk("64m") as disk:
        kept: dict[str, bytes] = {}
        with Server(disk / "data") as server:
            connection = server.connect()
            prepare(connection)
            refused = None
            for number in range(2_000):
                data = os.urandom(10 if number % 3 else 200_000)
                answer = put(connection, f"o{number}", data)
                if answer.status != 201:
                    refused = answer
                    break
                kept[f"o{number}"] = data
            assert refused is not None, "the disk never filled up"
            assert refused.status in (500, 503, 507), refused
            assert refused.json()["message"], refused
            for path, data in kept.items():
                assert ensure(get(connection, path), 200).body == data, path
            no_panic(server)
            server.kill()
        (disk / "ballast").write_bytes(b"")
        with Server(disk / "data") as server:
            connection = server.connect()
            for path, data in kept.items():
                assert ensure(get(connection, path), 200).body == data, path
            no_panic(server)
            server.stop()
            ensure_nothing_is_wrong(server, "--deep")


def a_directory_that_cannot_be_written_is_named() -> None:
    with tempfile.TemporaryDirectory() as folder:
        blocked = Path(folder) / "a-file"
        blocked.write_text("not a directory")
        fails_to_start(blocked / "data", str(blocked))
    if os.geteuid() == 0 and Path("/proc/sys").exists():
        fails_to_start(Path("/proc/sys/lakehold-data"), "/proc/sys/lakehold-data")


def a_corrupt_table_is_an_error_that_names_it() -> None:
    with Server() as server:
        connection = server.connect()
        prepare(connection)
        ensure(put(connection, "a", b"alpha"), 201)
        commit = ensure(connection.request("POST", f"{BASE}/branches/main/commits", {"message": "m"}), 201).json()["id"]
        server.stop()
        tables = [path for path in (server.data_dir / "block" / "hostile" / "_lakefs").iterdir() if len(path.name) == 64]
        assert len(tables) == 2, tables
        for table in tables:
            data = bytearray(table.read_bytes())
            data[10] ^= 0xff
            table.write_bytes(data)
        status, report = examine(server)
        assert (status, report["kinds"]) == (ERRORS, {"meta_range_corrupt": 1}), report
        assert report["findings"][0]["meta_range"] in [table.name for table in tables], report
        server.start()
        answer = get(server.connect(), "a", commit)
        assert answer.status == 500 and answer.json()["message"], answer
        assert any(table.name in server.output() for table in tables), server.output()
        assert ensure(server.connect().request("GET", BASE), 200)
        no_panic(server)


def a_corrupt_key_value_file_is_an_error_that_names_it() -> None:
    with tempfile.TemporaryDirectory() as folder:
        data_dir = Path(folder) / "data"
        with Server(data_dir) as server:
            connection = server.connect()
            prepare(connection)
            for number in range(50):
                ensure(put(connection, f"o{number}", b"x" * 100), 201)
            server.stop()
        for file in sorted(path for path in (data_dir / "kv").rglob("*") if path.is_file() and path.stat().st_size > 64):
            copy = Path(folder) / "copy"
            shutil.copytree(data_dir, copy)
            target = copy / file.relative_to(data_dir)
            data = bytearray(target.read_bytes())
            middle = len(data) // 2
            data[middle:middle + 16] = bytes(byte ^ 0xff for byte in data[middle:middle + 16])
            target.write_bytes(data)
            starts_whole_or_names_it(copy, target)
            shutil.rmtree(copy)


def starts_whole_or_names_it(data_dir: Path, damaged: Path) -> None:
    server = Server(data_dir)
    try:
        server.start()
    except AssertionError as error:
        assert "panicked" not in str(error), f"{damaged}: {error}"
        assert str(data_dir) in str(error), f"{damaged}: {error}"
        return
    try:
        connection = server.connect()
        for number in range(50):
            answer = get(connection, f"o{number}")
            whole = answer.status == 200 and answer.body == b"x" * 100
            assert whole or answer.status >= 500, f"{damaged}: o{number} silently lost: {answer}"
        no_panic(server)
    finally:
        server.kill()


def a_used_port_is_named() -> None:
    with socket.socket() as holder, tempfile.TemporaryDirectory() as folder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        fails_to_start(Path(folder) / "data", str(port), listen=f"127.0.0.1:{port}")


def a_second_server_on_the_directory_is_told_who_holds_it() -> None:
    with Server() as server:
        fails_to_start(server.data_dir, str(server.pid), str(server.data_dir))
        ensure(server.connect().request("GET", "/repositories"), 200)


def broken_uploads_leave_nothing_visible() -> None:
    with Server() as server:
        connection = server.connect()
        prepare(connection)
        for size in (100, 1_000_000):
            for sent in (0, 1, size - 1):
                truncated(server, f"cut-{size}-{sent}", size, sent)
        form = {"Content-Type": "multipart/form-data; boundary=b"}
        body = b"--b\r\nContent-Disposition: form-data; name=\"content\"\r\n\r\nhalf of it"
        answer = connection.request("POST", f"{BASE}/branches/main/objects?path=form", body, form)
        assert answer.status == 400, answer
        page = ensure(server.connect().request("GET", f"{BASE}/refs/main/objects/ls"), 200).json()
        assert page["results"] == [], page
        data = server.data_dir / "block" / "hostile" / "data"
        left = [path for path in data.rglob("*") if path.is_file()] if data.exists() else []
        assert left == [], left
        ensure(put(connection, "whole", b"whole"), 201)
        ensure_nothing_is_wrong(server, "--deep")
        no_panic(server)


def truncated(server: Server, path: str, announced: int, sent: int) -> None:
    connection = server.connect(timeout=10)
    request = connection._http  # noqa: SLF001 - http.client would complete the body
    request.putrequest("POST", f"/api/v1{BASE}/branches/main/objects?path={path}")
    request.putheader("Authorization", connection._authorization)  # noqa: SLF001
    request.putheader("Content-Length", str(announced))
    request.endheaders()
    try:
        request.send(b"x" * sent)
        request.sock.shutdown(socket.SHUT_WR)
        request.getresponse().read()
    except (OSError, http.client.HTTPException):  # any answer or none will do
        pass
    connection.close()


CASES: tuple[Callable[[], None], ...] = (
    a_full_disk_refuses_writes_and_loses_nothing,
    a_directory_that_cannot_be_written_is_named,
    a_corrupt_table_is_an_error_that_names_it,
    a_corrupt_key_value_file_is_an_error_that_names_it,
    a_used_port_is_named,
    a_second_server_on_the_directory_is_told_who_holds_it,
    broken_uploads_leave_nothing_visible,
)


def main() -> int:
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    for case in CASES:
        try:
            case()
            outcome, detail = "passed", ""
        except Skipped as reason:
            outcome, detail = "skipped", str(reason)
        except Exception:  # noqa: BLE001 - shown
            outcome, detail = "failed", traceback.format_exc()
        counts[outcome] += 1
        print(f"{outcome:8} {case.__name__.replace('_', ' ')} {detail}", flush=True)
    print(f"environment: {counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())

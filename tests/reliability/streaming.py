"""A body of any size passes in bounded memory, up and down, raw and as a form.

    python streaming.py --size-mib 512 --memory-mib 256 [--s3]

With --s3 the bodies go on to a store that speaks S3 and keeps them in files (folder_s3.py). The most resident
memory that the server had is read from the kernel afterwards.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))

from doctor import ensure_nothing_is_wrong  # noqa: E402
from folder_s3 import FolderS3  # noqa: E402
from server import Server, ensure  # noqa: E402

PIECE = 1 << 20
BASE = "/repositories/streaming"
BOUNDARY = "a-boundary-that-does-not-occur"


def pieces(count: int) -> Iterator[bytes]:
    """`count` MiB that differ from each other."""
    block = bytearray(hashlib.shake_128(b"streaming").digest(PIECE))
    for number in range(count):
        block[:8] = number.to_bytes(8, "big")
        yield bytes(block)


def form(count: int) -> Iterator[bytes]:
    yield (f"--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"content\"; filename=\"f\"\r\n"
           "Content-Type: application/x-test\r\n\r\n").encode()
    yield from pieces(count)
    yield f"\r\n--{BOUNDARY}--\r\n".encode()


def digest(data: Iterator[bytes]) -> str:
    hasher = hashlib.md5()
    for piece in data:
        hasher.update(piece)
    return hasher.hexdigest()


@contextlib.contextmanager
def serving(on_s3: bool) -> Iterator[tuple[Server, str]]:
    """A server, and where its repositories lie."""
    if not on_s3:
        with Server() as server:
            yield server, "local://streaming"
        return
    with tempfile.TemporaryDirectory(prefix="lakehold-s3-") as folder, FolderS3(folder) as s3:
        s3.create_bucket("lake")
        with Server(environment=s3.environment) as server:
            yield server, "s3://lake/streaming"


def stream(server: Server, namespace: str, size: int) -> int:
    """Sends, reads and copies `size` MiB in each of the ways; returns the server's peak of memory in MiB."""
    expected = digest(pieces(size))
    connection = server.connect(timeout=600)
    ensure(connection.request("POST", "/repositories", {"name": "streaming", "storage_namespace": namespace}), 201)
    sent = {
        "raw": (pieces(size), {"Content-Length": str(size * PIECE)}),
        "chunked": (pieces(size), {}),
        "form": (form(size), {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}),
    }
    for path, (body, headers) in sent.items():
        answer = connection.request("POST", f"{BASE}/branches/main/objects?path={path}", body, headers)
        stats = ensure(answer, 201).json()
        assert stats["checksum"] == expected, f"{path}: uploaded {expected}, stored {stats}"
        read = digest(connection.stream(f"{BASE}/refs/main/objects?path={path}"))
        assert read == expected, f"{path}: uploaded {expected}, read {read}"
        copy = {"src_path": path}
        answer = connection.request("POST", f"{BASE}/branches/main/objects/copy?dest_path=copy-{path}", copy)
        assert ensure(answer, 201).json()["checksum"] == expected
        ensure(connection.request("DELETE", f"{BASE}/branches/main/objects?path={path}"), 204)
    peak = server.memory_peak() >> 20
    ensure_nothing_is_wrong(server)
    return peak


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--size-mib", type=int, default=512)
    parser.add_argument("--memory-mib", type=int, default=256)
    parser.add_argument("--s3", action="store_true", help="keep the bodies in a store that speaks S3")
    arguments = parser.parse_args()
    with serving(arguments.s3) as (server, namespace):
        peak = stream(server, namespace, arguments.size_mib)
    print(f"{arguments.size_mib} MiB up, down and copied, three ways, at {namespace}: the server had at most {peak} MiB of memory")
    if peak > arguments.memory_mib:
        print(f"streaming: 0 passed, 1 failed (more than {arguments.memory_mib} MiB)")
        return 1
    print("streaming: 1 passed, 0 failed")
    return 0


if __name__ == "__main__":
    sys.exit(main())

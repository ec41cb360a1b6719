"""A body of any size passes in bounded memory, up and down, raw and as a form.

    python streaming.py --size-mib 512 --memory-mib 256

The most resident memory that the server had is read from the kernel afterwards.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))

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


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--size-mib", type=int, default=512)
    parser.add_argument("--memory-mib", type=int, default=256)
    arguments = parser.parse_args()
    expected = digest(pieces(arguments.size_mib))
    with Server() as server:
        connection = server.connect(timeout=600)
        new = {"name": "streaming", "storage_namespace": "local://streaming"}
        ensure(connection.request("POST", "/repositories", new), 201)
        sent = {
            "raw": (pieces(arguments.size_mib), {"Content-Length": str(arguments.size_mib * PIECE)}),
            "chunked": (pieces(arguments.size_mib), {}),
            "form": (form(arguments.size_mib), {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}),
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
    print(f"{arguments.size_mib} MiB up, down and copied, three ways: the server had at most {peak} MiB of memory")
    if peak > arguments.memory_mib:
        print(f"streaming: 0 passed, 1 failed (more than {arguments.memory_mib} MiB)")
        return 1
    print("streaming: 1 passed, 0 failed")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""As much of S3 as Lakehold needs, with bodies in files: for objects that are larger than memory.

    with FolderS3(folder) as s3:
        s3.endpoint             # http://127.0.0.1:PORT

Standard library only. It checks no signatures. Objects are lists of pieces of files, so that copies and
uploads in parts move no bytes; names are in memory, and gone at the end. The entity tag of a copied part is not
its MD5. Nothing is removed from the folder.
"""

from __future__ import annotations

import datetime
import hashlib
import os
import re
import sys
import threading
import urllib.parse
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from xml.sax.saxutils import escape

from s3 import S3Process

PIECE = 1 << 20
LISTED = 1_000


class FolderS3(S3Process):
    """The server. Use as a context manager."""

    def __init__(self, folder: Path | str) -> None:
        super().__init__([sys.executable, __file__, str(folder)], "the S3 of a folder did not start")


@dataclass
class Piece:
    """Bytes of a file."""

    path: str
    start: int
    length: int


@dataclass
class Stored:
    """An object, or a part of one."""

    pieces: list[Piece]
    etag: str
    metadata: dict[str, str] = field(default_factory=dict)
    modified: float = 0.0

    @property
    def size(self) -> int:
        return sum(piece.length for piece in self.pieces)


@dataclass
class Upload:
    key: str
    metadata: dict[str, str]
    parts: dict[int, Stored] = field(default_factory=dict)


class Store:
    """Names. Guarded by one lock."""

    def __init__(self, folder: str) -> None:
        self.folder, self.lock = folder, threading.Lock()
        self.buckets: set[str] = set()
        self.objects: dict[str, Stored] = {}  # by bucket and key
        self.uploads: dict[str, Upload] = {}


class Refused(Exception):
    """An answer that is no success."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status, self.code = status, code


def cut(pieces: list[Piece], start: int, end: int) -> list[Piece]:
    """The bytes from `start` to before `end`."""
    found, at = [], 0
    for piece in pieces:
        first, last = max(start, at), min(end, at + piece.length)
        if first < last:
            found.append(Piece(piece.path, piece.start + first - at, last - first))
        at += piece.length
    return found


class Handler(BaseHTTPRequestHandler):
    """One request after the other of one connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    store: Store

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:  # noqa: N802 - named by the method
        self.answered(self.get)

    do_HEAD = do_GET  # noqa: N815

    def do_PUT(self) -> None:  # noqa: N802
        self.answered(self.put)

    def do_POST(self) -> None:  # noqa: N802
        self.answered(self.post)

    def do_DELETE(self) -> None:  # noqa: N802
        self.answered(self.delete)

    def answered(self, act) -> None:
        path, _, query = self.path.partition("?")
        self.query = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
        self.name = urllib.parse.unquote(path[1:])
        self.bucket, _, self.key = self.name.partition("/")
        try:
            act()
        except Refused as refused:
            text = f"<Error><Code>{refused.code}</Code><Message>{refused.code}</Message></Error>"
            self.document(text, refused.status)

    def document(self, text: str, status: int = 200) -> None:
        self.respond(status, {"Content-Type": "application/xml"}, f'<?xml version="1.0"?>{text}'.encode())

    def respond(self, status: int, headers: dict[str, str], body: bytes = b"") -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def body(self) -> Iterator[bytes]:
        if "aws-chunked" not in self.headers.get("Content-Encoding", ""):
            yield from self.read(int(self.headers.get("Content-Length") or 0))
            return
        while length := int(self.rfile.readline().split(b";")[0], 16):
            yield from self.read(length)
            self.rfile.readline()
        self.rfile.readline()

    def read(self, length: int) -> Iterator[bytes]:
        while length:
            data = self.rfile.read(min(length, PIECE))
            if not data:
                raise ConnectionError("the body broke off")
            length -= len(data)
            yield data

    def received(self) -> Stored:
        path, digest, size = os.path.join(self.store.folder, uuid.uuid4().hex), hashlib.md5(), 0
        with open(path, "xb") as file:
            for data in self.body():
                digest.update(data)
                size += file.write(data)
        return Stored([Piece(path, 0, size)] if size else [], digest.hexdigest(), self.metadata(), now())

    def metadata(self) -> dict[str, str]:
        return {name.lower(): value for name, value in self.headers.items() if name.lower().startswith("x-amz-meta-")}

    def source(self) -> Stored:
        """What a copy is made of."""
        name = urllib.parse.unquote(self.headers["x-amz-copy-source"]).removeprefix("/")
        found = self.found(name)
        if asked := self.headers.get("x-amz-copy-source-range"):
            first, last = map(int, asked.removeprefix("bytes=").split("-"))
            pieces = cut(found.pieces, first, last + 1)
            return Stored(pieces, hashlib.md5(repr(pieces).encode()).hexdigest(), {}, now())
        return Stored(found.pieces, found.etag, found.metadata, now())

    def found(self, name: str) -> Stored:
        with self.store.lock:
            if name not in self.store.objects:
                raise Refused(404, "NoSuchKey")
            return self.store.objects[name]

    def upload(self) -> Upload:
        with self.store.lock:
            found = self.store.uploads.get(self.query["uploadId"])
        if found is None or found.key != self.name:
            raise Refused(404, "NoSuchUpload")
        return found

    def place(self, stored: Stored) -> None:
        with self.store.lock:
            if self.headers.get("If-None-Match") and self.name in self.store.objects:
                raise Refused(412, "PreconditionFailed")
            self.store.objects[self.name] = stored

    def put(self) -> None:
        if not self.key:
            self.store.buckets.add(self.bucket)
            self.respond(200, {})
            return
        is_copy = "x-amz-copy-source" in self.headers
        stored = self.source() if is_copy else self.received()
        if "uploadId" in self.query:
            self.upload().parts[int(self.query["partNumber"])] = stored
        else:
            self.place(stored)
        if is_copy:
            self.document(f'<CopyResult><ETag>"{stored.etag}"</ETag><LastModified>{iso(stored.modified)}</LastModified></CopyResult>')
        else:
            self.respond(200, {"ETag": f'"{stored.etag}"'})

    def post(self) -> None:
        if "uploads" in self.query:
            number = uuid.uuid4().hex
            with self.store.lock:
                self.store.uploads[number] = Upload(self.name, self.metadata())
            self.document(f"<InitiateMultipartUploadResult><UploadId>{number}</UploadId></InitiateMultipartUploadResult>")
            return
        chosen = [int(number) for number in re.findall(r"<PartNumber>(\d+)", b"".join(self.body()).decode())]
        upload = self.upload()
        if any(number not in upload.parts for number in chosen):
            raise Refused(400, "InvalidPart")
        parts = [upload.parts[number] for number in chosen]
        digest = hashlib.md5(b"".join(bytes.fromhex(part.etag.partition("-")[0]) for part in parts)).hexdigest()
        pieces = [piece for part in parts for piece in part.pieces]
        stored = Stored(pieces, f"{digest}-{len(parts)}", upload.metadata, now())
        self.place(stored)
        with self.store.lock:
            del self.store.uploads[self.query["uploadId"]]
        self.document(f'<CompleteMultipartUploadResult><ETag>"{stored.etag}"</ETag></CompleteMultipartUploadResult>')

    def delete(self) -> None:
        if "uploadId" in self.query:
            self.upload()
        with self.store.lock:
            self.store.uploads.pop(self.query.get("uploadId", ""), None)
            if "uploadId" not in self.query:
                self.store.objects.pop(self.name, None)
        self.respond(204, {})

    def get(self) -> None:
        if self.key:
            self.get_object()
        elif self.bucket not in self.store.buckets:
            raise Refused(404, "NoSuchBucket")
        elif "list-type" in self.query:
            self.list()
        else:
            self.respond(200, {"x-amz-bucket-region": "us-east-1"})

    def get_object(self) -> None:
        stored = self.found(self.name)
        size, pieces, status = stored.size, stored.pieces, 200
        headers = {"ETag": f'"{stored.etag}"', "Last-Modified": formatdate(stored.modified, usegmt=True), **stored.metadata}
        if asked := re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", "")):
            first, last = int(asked[1]), min(int(asked[2] or size), size - 1)
            if first > last:
                raise Refused(416, "InvalidRange")
            pieces, status = cut(pieces, first, last + 1), 206
            headers["Content-Range"] = f"bytes {first}-{last}/{size}"
        headers["Content-Length"] = str(sum(piece.length for piece in pieces))
        self.respond(status, headers)
        if self.command != "HEAD":
            self.send(pieces)

    def send(self, pieces: list[Piece]) -> None:
        self.wfile.flush()
        for piece in pieces:
            with open(piece.path, "rb") as file:
                at, end = piece.start, piece.start + piece.length
                while at < end:
                    at += os.sendfile(self.connection.fileno(), file.fileno(), at, end - at)

    def list(self) -> None:
        below, after = f"{self.bucket}/{self.query.get('prefix', '')}", self.query.get("start-after", "")
        after = f"{self.bucket}/{self.query.get('continuation-token') or after}"
        limit = min(int(self.query.get("max-keys", LISTED)), LISTED)
        with self.store.lock:
            names = sorted(name for name in self.store.objects if name.startswith(below) and name > after)
            rows = [(name.partition("/")[2], self.store.objects[name]) for name in names[:limit]]
        contents = "".join(
            f"<Contents><Key>{urllib.parse.quote(key)}</Key><Size>{stored.size}</Size>"
            f"<LastModified>{iso(stored.modified)}</LastModified></Contents>" for key, stored in rows)
        more = f"<NextContinuationToken>{escape(rows[-1][0])}</NextContinuationToken>" if len(names) > limit else ""
        self.document(f"<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>{str(bool(more)).lower()}</IsTruncated>"
                      f"{more}{contents}</ListBucketResult>")


def now() -> float:
    return datetime.datetime.now(datetime.timezone.utc).timestamp()


def iso(moment: float) -> str:
    return datetime.datetime.fromtimestamp(moment, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def main() -> None:
    Handler.store = Store(sys.argv[1])
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()

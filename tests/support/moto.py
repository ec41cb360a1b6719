"""moto, a stand-in for S3 (it checks no signatures), in a process of its own.

    with Moto() as moto:
        moto.endpoint             # http://127.0.0.1:PORT
        moto.create_bucket("lake")

Run by itself, `python tests/support/moto.py [--tls]`, it prints its endpoint and serves until its standard
input is closed, so that it never outlives whoever started it.
"""

from __future__ import annotations

import json
import os
import sys
import urllib.request
from pathlib import Path

from s3 import ACCESS_KEY, SECRET, S3Process

ROOT = Path(__file__).resolve().parent.parent.parent
PYTHON = ROOT / ".venv" / "bin" / "python"
INSTALL = "moto is missing. Run: tests/run venv"


class Moto(S3Process):
    """A moto server. Use as a context manager."""

    def __init__(self, *, tls: bool = False) -> None:
        python = str(PYTHON if PYTHON.exists() else sys.executable)
        super().__init__([python, __file__, *(["--tls"] if tls else [])], INSTALL)

    def reset(self) -> None:
        """Forgets everything that was stored."""
        request = urllib.request.Request(f"{self.endpoint}/moto-api/reset", method="POST")
        assert json.load(urllib.request.urlopen(request, timeout=30))["status"] == "ok"


def stricter(application):
    """What S3 does and moto does not: to decide between writers, and to refuse uploads that it does not know."""
    import threading
    import urllib.parse
    from moto.s3.models import s3_backends
    deciding = threading.Lock()

    def is_known(path: str, upload: str) -> bool:
        bucket, _, key = urllib.parse.unquote(path.split("?")[0])[1:].partition("/")
        buckets = [backend.buckets.get(bucket) for account in s3_backends.values() for backend in account.values()]
        return any(found and upload in found.multiparts and found.multiparts[upload].key_name == key
                   for found in buckets)

    def answer(environ, start_response):
        upload = urllib.parse.parse_qs(environ.get("QUERY_STRING", "")).get("uploadId")
        if upload and not is_known(environ["RAW_URI"], upload[0]):
            environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            start_response("404 Not Found", [("Content-Type", "application/xml")])
            return [b"<Error><Code>NoSuchUpload</Code><Message>The upload does not exist.</Message></Error>"]
        if environ.get("HTTP_IF_NONE_MATCH") and environ["REQUEST_METHOD"] in ("PUT", "POST"):
            with deciding:
                return application(environ, start_response)
        return application(environ, start_response)

    return answer


def serve(tls: bool) -> None:
    """Serves until the standard input is closed."""
    import logging
    import threading
    # This file's folder comes first, and in it this file would be taken for the package.
    sys.path = [folder for folder in sys.path if Path(folder).resolve() != Path(__file__).resolve().parent]
    # It must neither ask the environment who it is, nor send anything anywhere.
    os.environ.update(AWS_ACCESS_KEY_ID=ACCESS_KEY, AWS_SECRET_ACCESS_KEY=SECRET, AWS_EC2_METADATA_DISABLED="true")
    try:
        from moto.moto_server.utilities import RegexConverter
        from moto.server import DomainDispatcherApplication, create_backend_app
        from werkzeug.serving import make_server
    except ImportError:
        sys.exit(INSTALL)
    # S3 takes keys with line ends; a dot in moto's patterns does not.
    take = RegexConverter.__init__
    RegexConverter.__init__ = lambda self, urls, *items: take(self, urls, items[0].replace(".+", r"[\s\S]+"))
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    application = stricter(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, application, threaded=True, ssl_context="adhoc" if tls else None)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}", flush=True)
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    serve("--tls" in sys.argv)

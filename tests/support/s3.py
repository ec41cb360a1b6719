"""A store that speaks S3, in a process of its own: what `Moto` and `FolderS3` have in common.

Standard library only. The program prints its endpoint and serves until its standard input is closed, so that
it never outlives whoever started it.
"""

from __future__ import annotations

import subprocess
import urllib.request

ACCESS_KEY, SECRET = "AKIAMOTOMOTOMOTOMOTO", "moto-takes-any-secret"


class S3Process:
    """A stand-in for S3. Use as a context manager."""

    def __init__(self, command: list[str], if_it_fails: str) -> None:
        self._command, self._if_it_fails = command, if_it_fails
        self._process: subprocess.Popen[str] | None = None
        self.endpoint = ""

    def start(self):
        self._process = subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.endpoint = self._process.stdout.readline().strip()
        if not self.endpoint.startswith("http"):
            self.stop()
            raise AssertionError(self._if_it_fails)
        return self

    def stop(self) -> None:
        if self._process is not None:
            assert self._process.stdin is not None
            self._process.stdin.close()
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(20)

    @property
    def environment(self) -> dict[str, str]:
        """What a server needs to find it."""
        return {"LAKEHOLD_BLOCKSTORE_TYPE": "s3", "LAKEHOLD_BLOCKSTORE_S3_ENDPOINT": self.endpoint,
                "LAKEHOLD_BLOCKSTORE_S3_FORCE_PATH_STYLE": "true",
                "LAKEHOLD_BLOCKSTORE_S3_CREDENTIALS_ACCESS_KEY_ID": ACCESS_KEY,
                "LAKEHOLD_BLOCKSTORE_S3_CREDENTIALS_SECRET_ACCESS_KEY": SECRET}

    def create_bucket(self, name: str) -> None:
        scope = f"{ACCESS_KEY}/20260101/us-east-1/s3/aws4_request"
        authorization = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature={'0' * 64}"
        request = urllib.request.Request(f"{self.endpoint}/{name}", method="PUT",
                                         headers={"Authorization": authorization})
        urllib.request.urlopen(request, timeout=30).read()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

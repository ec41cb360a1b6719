"""Ceph's S3 (RGW), which checks signatures and races for real, as processes of its own.

    with Rgw() as rgw:            # some 40 s
        rgw.endpoint              # http://127.0.0.1:PORT, path style
        rgw.create_bucket("lake")

Needs Debian's packages: apt-get install -y --no-install-recommends radosgw ceph-mon ceph-osd ceph-mgr.
One monitor, one manager, one store in memory (`SIZE` bytes), one gateway; all on loopback, all ended by their
process ids. Run by itself it serves until its standard input is closed, having printed endpoint and keys.
"""

from __future__ import annotations

import datetime
import hashlib
import hmac
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path

ACCESS_KEY, SECRET = "AKIARGWRGWRGWRGWRGWQ", "tests-of-lakehold-rgw-secret"
PACKAGES = "radosgw ceph-mon ceph-osd ceph-mgr"
INSTALL = f"Ceph is missing. Run: apt-get install -y --no-install-recommends {PACKAGES}"
SIZE = 6 << 30
START_LIMIT = 180.0
STOP_LIMIT = 30.0

CONFIG = """\
[global]
fsid = {fsid}
keyring = {home}/admin.keyring
mon host = [v2:127.0.0.1:{mon},v1:127.0.0.1:{mon_v1}]
mon initial members = a
auth cluster required = cephx
auth service required = cephx
auth client required = cephx
osd pool default size = 1
osd pool default min size = 1
mon allow pool size one = true
osd pool default pg num = 8
osd crush chooseleaf type = 0
auth allow insecure global id reclaim = false
run dir = {home}/run
admin socket = {home}/run/$cluster-$name.asok
pid file = {home}/run/$name.pid
log file = {home}/log/$name.log
mon data = {home}/mon.$id
osd data = {home}/osd.$id
mgr data = {home}/mgr.$id
public addr = 127.0.0.1
ms bind port min = {first}
ms bind port max = {last}
[osd]
osd objectstore = memstore
memstore device bytes = {size}
[client.rgw]
rgw frontends = beast endpoint=127.0.0.1:{port}
rgw dns name = rgw.localhost
rgw data = {home}/rgw
# What was deleted or replaced would else take room for two hours.
rgw gc obj min wait = 1
rgw gc processor period = 5
rgw gc processor max time = 5
"""


class Rgw:
    """A Ceph cluster of one with its gateway. Use as a context manager."""

    def __init__(self, size: int = SIZE) -> None:
        self._size = size
        self._home = Path(tempfile.mkdtemp(prefix="lakehold-rgw-"))
        self._processes: list[subprocess.Popen[bytes]] = []
        self.port = free_port()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> "Rgw":
        if not all(shutil.which(tool) for tool in ("ceph-mon", "ceph-osd", "ceph-mgr", "radosgw", "ceph")):
            raise AssertionError(INSTALL)
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def _start(self) -> None:
        home, fsid = self._home, str(uuid.uuid4())
        mon, mon_v1, first = free_port(), free_port(), free_port()
        for folder in ("run", "log", "mon.a", "osd.0", "mgr.x", "rgw"):
            (home / folder).mkdir()
        (home / "ceph.conf").write_text(CONFIG.format(
            home=home, fsid=fsid, mon=mon, mon_v1=mon_v1, first=first, last=first + 50, size=self._size, port=self.port))
        every = ["--cap", "mon", "allow *", "--cap", "osd", "allow *", "--cap", "mgr", "allow *"]
        monitor, admin = str(home / "mon.keyring"), str(home / "admin.keyring")
        self._run("ceph-authtool", "--create-keyring", monitor, "--gen-key", "-n", "mon.", "--cap", "mon", "allow *")
        self._run("ceph-authtool", "--create-keyring", admin, "--gen-key", "-n", "client.admin", *every)
        self._run("ceph-authtool", admin, "--gen-key", "-n", "client.rgw", *every)
        self._run("ceph-authtool", monitor, "--import-keyring", admin)
        addresses = f"[v2:127.0.0.1:{mon},v1:127.0.0.1:{mon_v1}]"
        self._run("monmaptool", "--create", "--clobber", "--fsid", fsid, "--addv", "a", addresses, str(home / "monmap"))
        conf = ["-c", str(home / "ceph.conf")]
        self._run("ceph-mon", *conf, "--mkfs", "-i", "a", "--monmap", str(home / "monmap"), "--keyring", monitor)
        self._serve("ceph-mon", *conf, "-i", "a", "-f")
        self._run("ceph", *conf, "auth", "get-or-create", "mgr.x", "mon", "allow profile mgr", "osd", "allow *",
                  "-o", str(home / "mgr.x" / "keyring"))
        osd = str(uuid.uuid4())
        keyring = str(home / "osd.0.keyring")
        self._run("ceph", *conf, "osd", "new", osd, "0")
        self._run("ceph", *conf, "auth", "get-or-create", "osd.0", "mon", "allow profile osd", "osd", "allow *",
                  "mgr", "allow *", "-o", keyring)
        self._run("ceph-osd", *conf, "-i", "0", "--mkfs", "--osd-uuid", osd, "--keyring", keyring)
        self._serve("ceph-osd", *conf, "-i", "0", "--keyring", keyring, "-f")
        self._serve("ceph-mgr", *conf, "-i", "x", "--keyring", str(home / "mgr.x" / "keyring"), "-f")
        self._run("ceph", *conf, "osd", "crush", "add", "osd.0", "1.0", "root=default", "host=localhost")
        self._run("radosgw-admin", *conf, "-n", "client.rgw", "user", "create", "--uid=t", "--display-name=t",
                  f"--access-key={ACCESS_KEY}", f"--secret-key={SECRET}")
        self._serve("radosgw", *conf, "-n", "client.rgw", "-f")
        self._wait()

    def _run(self, *command: str) -> None:
        done = subprocess.run(command, capture_output=True, text=True, timeout=START_LIMIT, check=False)
        if done.returncode != 0:
            raise AssertionError(f"{' '.join(command)}: {done.returncode}\n{done.stdout}{done.stderr}")

    def _serve(self, *command: str) -> None:
        with open(self._home / "log" / f"{command[0]}.out", "wb") as log:
            self._processes.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log))

    def _wait(self) -> None:
        limit = time.monotonic() + START_LIMIT
        while time.monotonic() < limit:
            ended = [process.args for process in self._processes if process.poll() is not None]
            if ended:
                raise AssertionError(f"ended early: {ended}\n{self.output()}")
            try:
                urllib.request.urlopen(self.endpoint, timeout=5).read()
                return
            except OSError:
                time.sleep(0.3)
        raise AssertionError(f"RGW does not answer after {START_LIMIT} s\n{self.output()}")

    def output(self) -> str:
        """The ends of all logs."""
        logs = sorted((self._home / "log").glob("*"))
        return "\n".join(f"== {log.name}\n{log.read_text(errors='replace')[-2000:]}" for log in logs)

    @property
    def environment(self) -> dict[str, str]:
        """What the tests of the S3 driver need to use it."""
        return {"LAKEHOLD_TEST_S3": self.endpoint, "LAKEHOLD_TEST_S3_ACCESS_KEY": ACCESS_KEY,
                "LAKEHOLD_TEST_S3_SECRET": SECRET}

    def create_bucket(self, name: str) -> None:
        now = datetime.datetime.now(datetime.timezone.utc)
        stamp, day = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d")
        empty, host = hashlib.sha256(b"").hexdigest(), f"127.0.0.1:{self.port}"
        scope, names = f"{day}/us-east-1/s3/aws4_request", "host;x-amz-content-sha256;x-amz-date"
        canonical = (f"PUT\n/{name}\n\nhost:{host}\nx-amz-content-sha256:{empty}\nx-amz-date:{stamp}\n\n"
                     f"{names}\n{empty}")
        text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        key = f"AWS4{SECRET}".encode()
        for part in (day, "us-east-1", "s3", "aws4_request"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
        authorization = f"AWS4-HMAC-SHA256 Credential={ACCESS_KEY}/{scope}, SignedHeaders={names}, Signature={signature}"
        request = urllib.request.Request(f"{self.endpoint}/{name}", method="PUT", headers={
            "Authorization": authorization, "x-amz-date": stamp, "x-amz-content-sha256": empty})
        try:
            urllib.request.urlopen(request, timeout=30).read()
        except urllib.error.HTTPError as error:
            raise AssertionError(f"bucket {name}: {error.code} {error.read()!r}") from error

    def stop(self) -> None:
        for process in reversed(self._processes):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self._processes:
            try:
                process.wait(STOP_LIMIT)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(STOP_LIMIT)
        shutil.rmtree(self._home, ignore_errors=True)

    def __enter__(self) -> "Rgw":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


if __name__ == "__main__":
    with Rgw() as server:
        for variable, value in server.environment.items():
            print(f"{variable}={value}")
        print(f"pid {os.getpid()}", flush=True)
        sys.stdin.read()

"""A real installation of lakeFS (tests/golden/real-install), opened in place.

Three forms of its records: in the embedded store, in the Badger directory of a single machine, and on
PostgreSQL. Each is served as its configuration says, asked everything that its own server was asked, and
looked at again when the server has stopped. The installation lies at /srv/lakefs; so that nothing has to
be there, the server sees a temporary folder as /srv (a mount of its own).
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from postgres import Postgres
from server import BINARY, Connection, Server, ensure, quote

GOLDEN = Path(__file__).resolve().parent.parent / "golden" / "real-install"
KEYS = {"key": "AKIAIOSFOLQUICKSTART", "secret": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}
CONFIG = """
database: %s
blockstore:
  type: local
  local: {path: /srv/lakefs/block, import_enabled: true, allowed_external_prefixes: [/srv/lakefs/import]}
  signing: {secret_key: "signing-secret-for-tests-0123456789"}
auth: {encrypt: {secret_key: "some-secret-for-tests-0123456789"}}
committed:
  permanent: {min_range_size_bytes: 4096, max_range_size_bytes: 65536, range_raggedness_entries: 500}
actions: {lua: {net_http_enabled: true}}
"""
SEE_FOLDER_AS_SRV = 'mount --bind "$1" /srv && shift && exec "$@"'
TRUTH_LIMIT = 600
IMPORTS = {"completed": "dc0och1ksdudatmrt6u0", "failed": "dc0och9ksdudatmrt6vg", "unfinished": "dc0ock9ksdudatmrtamg"}
# Lakehold does not run hooks yet, so what a hook refused there is done here.
NEEDS_HOOKS = {"commit history/sealed (a hook refuses)": "no pre-commit hook refuses it"}

Records = dict[tuple[str, str], bytes]


def recorded() -> Records:
    """The records of the installation by partition and key."""
    lines = (GOLDEN / "kv.jsonl").read_text().splitlines()
    return {(line["partition"], line["key"]): bytes.fromhex(line["value"]) for line in map(json.loads, lines)}


class Installation:
    """A copy of the installation in a temporary folder, which servers and commands see as /srv."""

    def __init__(self, folder: Path, form: str, records: Records, postgres: Postgres | None = None) -> None:
        self.folder, self.form, self._postgres = folder, form, postgres
        (folder / "lakefs").mkdir()
        self.prefix = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"]),
                       "sh", "-c", SEE_FOLDER_AS_SRV, "sh", str(folder)]
        if subprocess.run([*self.prefix, "true"], capture_output=True, check=False).returncode != 0:
            pytest.skip("a mount of one's own is not allowed here")
        self._unpack("files.tar.gz")
        self.data_dir = folder / "data"
        {"embedded": self._load, "badger": lambda _: self._unpack("badger.tar.gz"), "postgres": self._copy}[form](records)

    @property
    def block(self) -> Path:
        return self.folder / "lakefs" / "block"

    def serve(self) -> Server:
        environment = {"LAKEHOLD_ACCESS_KEY_ID": "", "LAKEHOLD_SECRET_ACCESS_KEY": ""}
        return Server(self.data_dir, prefix=self.prefix, environment=environment, arguments=["--config", str(self._config())])

    def dump(self) -> Records:
        """All records, of a server that has stopped."""
        place = self.folder / "dump.json"
        self._command("kv", "dump", "--output", str(place))
        entries = json.loads(place.read_text())["entries"]
        return {(entry["partition"], entry["key"]): base64.b64decode(entry["value"]) for entry in entries}

    def files(self) -> dict[str, str]:
        """The block folder: names and checksums."""
        found = (path for path in self.block.rglob("*") if path.is_file())
        return {str(path.relative_to(self.block)): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}

    def _config(self) -> Path:
        database = {"embedded": f"{{type: local, local: {{path: {self.data_dir}/kv}}}}",
                    "badger": "{type: local, local: {path: /srv/lakefs/metadata}}",
                    "postgres": f"{{type: postgres, postgres: {{connection_string: \"{self._postgres and self._postgres.url}\"}}}}"}
        place = self.folder / "config.yaml"
        place.write_text(CONFIG % database[self.form])
        return place

    def _unpack(self, name: str) -> None:
        subprocess.run(["tar", "-xzf", str(GOLDEN / name), "-C", str(self.folder / "lakefs")], check=True)

    def _load(self, records: Records) -> None:
        entries = [{"partition": partition, "key": key, "value": base64.b64encode(value).decode()}
                   for (partition, key), value in records.items()]
        place = self.folder / "load.json"
        place.write_text(json.dumps({"version": "1.0", "timestamp": "2026-11-21T12:00:00Z", "entries": entries}))
        self._command("kv", "load", str(place))

    def _copy(self, _: Records) -> None:
        assert self._postgres is not None
        copy = subprocess.run([sys.executable, str(GOLDEN / "load.py"), str(GOLDEN / "kv.jsonl")],
                              capture_output=True, text=True, check=True).stdout
        self._postgres.query((GOLDEN / "schema.sql").read_text() + copy)

    def _command(self, *words: str) -> None:
        where = ["--config", str(self._config()), "--data-dir", str(self.data_dir)]
        done = subprocess.run([*self.prefix, str(BINARY), *words, *where], capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, done.stderr


@pytest.fixture(params=["embedded", "badger", "postgres"])
def installation(request, tmp_path) -> Iterator[Installation]:
    if request.param != "postgres":
        yield Installation(tmp_path, request.param, recorded())
        return
    with Postgres() as postgres:
        yield Installation(tmp_path, request.param, recorded(), postgres)


def check_truth(server: Server) -> None:
    command = [sys.executable, str(GOLDEN / "truth.py"), "--endpoint", server.endpoint, "--skip-extra", "check",
               str(GOLDEN / "truth.json")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=TRUTH_LIMIT, check=False)
    assert done.stdout == "0 differences\n", done.stdout + done.stderr + server.output()[-3000:]


def is_passing(partition: str, key: str) -> bool:
    """Whether a record is removed when it is more than a day old, by lakeFS as well."""
    return key.startswith(("imports/", "tasks/")) or (partition, key[:10]) == ("catalog", "instances/")


def check_unchanged(before: Records, after: Records) -> None:
    """What is there is what was there, but for partitions of our own and for what expires."""
    own = {name for name in after if name[0].startswith("lakehold")}
    passing = {name for name in before if is_passing(*name)}
    assert set(after) - own - set(before) == set()
    assert set(before) - set(after) - passing == set()
    # The Badger form says of itself that it is local; servers rewrite that when they start.
    describing = {("auth", "installation_metadata/lakefs_kv_type")}
    assert {name for name in set(after) & set(before) - describing if after[name] != before[name]} == set()


def test_it_answers_what_its_own_server_answered_and_nothing_is_changed(installation):
    before = installation.files()
    for _ in range(2):  # the second start finds what the first left
        with installation.serve() as server:
            check_truth(server)
            assert server.stop() == 0
    check_unchanged(recorded(), installation.dump())
    assert installation.files() == before


def test_changes_come_out_as_they_do_there(tmp_path):
    installation = Installation(tmp_path, "embedded", recorded())
    expected = json.loads((GOLDEN / "after.json").read_text())
    with installation.serve() as server:
        done = subprocess.run([sys.executable, str(GOLDEN / "after.py"), "--endpoint", server.endpoint],
                              capture_output=True, text=True, timeout=TRUTH_LIMIT, check=True)
        assert server.stop() == 0
    got = json.loads(done.stdout)
    different = {name: got.get(name) for name in expected if got.get(name) != expected[name]}
    assert set(different) == set(NEEDS_HOOKS), different
    assert got.keys() == expected.keys()
    before, after = recorded(), installation.dump()
    gone = {name for name in before if name not in after and not is_passing(*name)}
    # What was staged is committed: only entries of those branches, and nothing else, went.
    assert {partition.split(":")[0] for partition, _ in gone} <= {"tables-main", "history-main", "history-sealed", "frozen-main"}
    added = {name for name in after if name not in before and not name[0].startswith("lakehold")}
    assert {key.split("/")[0] for _, key in added} <= {"commits"}, added


UNKNOWN = b"\xa2\x06\x08survived"  # field 100, a text


def test_fields_that_are_not_known_survive_what_is_done(tmp_path):
    records = recorded()
    history = next(partition for partition, _ in records if partition.startswith("history-") and ":" not in partition)
    request = next(key for partition, key in records if partition == history and key.startswith("pulls/")
                   and b"open request" in records[partition, key])
    marked = [(history, "branches/main"), (history, "branches/pr-open"), (history, request), (history, "repo-metadata"),
              (history, "settings/protected_branches"), ("graveler", "repos/history"), ("basicAuth", "users/superAdmin")]
    for name in marked:
        records[name] += UNKNOWN
    installation = Installation(tmp_path, "embedded", records)
    rules = installation.block / "nested/place/history/_lakefs/retention/gc/rules/config.json"
    rules.write_bytes(rules.read_bytes() + UNKNOWN)
    with installation.serve() as server:
        lake = server.connect(**KEYS)
        root = "/repositories/history"
        ensure(lake.request("POST", f"{root}/branches/pr-open/objects?path=new", b"new"), 201)
        ensure(lake.request("POST", f"{root}/branches/pr-open/commits", {"message": "new"}), 201)
        ensure(lake.request("POST", f"{root}/branches/main/commits", {"message": "what was staged"}), 201)
        ensure(lake.request("PATCH", f"{root}/{request}", {"title": "another"}), 204)
        ensure(lake.request("PUT", f"{root}/{request}/merge"), 200)
        ensure(lake.request("POST", f"{root}/metadata", {"metadata": {"more": "of it"}}), 204)
        ensure(lake.request("PUT", f"{root}/settings/branch_protection", [{"pattern": "stable"}]), 204)
        ensure(lake.request("PUT", f"{root}/settings/gc_rules", {"default_retention_days": 3, "branches": []}), 204)
        assert server.stop() == 0
    after = installation.dump()
    for name in marked:
        assert after[name].endswith(UNKNOWN), name
        assert after[name] != records[name] or name[0] in ("graveler", "basicAuth"), name
    assert rules.read_bytes() == b"\x08\x03" + UNKNOWN


def varint(number: int) -> bytes:
    low = number & 0x7F
    return bytes([low | 0x80]) + varint(number >> 7) if number > 0x7F else bytes([low])


def import_record(name: str, seconds: int, rest: bytes = b"") -> bytes:
    moment = b"\x08" + varint(seconds)
    return b"\x0a\x14" + name.encode() + b"\x1a" + bytes([len(moment)]) + moment + rest


def test_an_import_that_was_cut_off_runs_no_more_and_stands_in_nobodys_way(tmp_path):
    records = recorded()
    tables = next(partition for partition, key in records if key == f"imports/{IMPORTS['unfinished']}")
    now = int(time.time())
    # As if the server had been killed a minute ago; the others more than a day ago and just now.
    records[tables, f"imports/{IMPORTS['unfinished']}"] = import_record(IMPORTS["unfinished"], now - 60)
    records[tables, f"imports/{IMPORTS['completed']}"] = import_record(IMPORTS["completed"], now - 90_000, b"\x10\x01")
    records[tables, f"imports/{IMPORTS['failed']}"] = import_record(IMPORTS["failed"], now)
    installation = Installation(tmp_path, "embedded", records)
    with installation.serve() as server:
        lake = server.connect(**KEYS)
        branch = "/repositories/tables/branches/importing"
        status = lambda which: lake.request("GET", f"{branch}/import?id={IMPORTS[which]}")  # noqa: E731
        found = ensure(status("unfinished"), 200).json()
        assert (found["completed"], found["error"]) == (False, {"message": "import error: interrupted, start it again"})
        assert "error" not in ensure(status("failed"), 200).json()
        ensure(lake.request("POST", f"{branch}/objects?path={quote('after the crash')}", b"1"), 201)
        ensure(lake.request("POST", f"{branch}/commits", {"message": "after the crash"}), 201)
        sealed = ensure(lake.request("GET", "/repositories/history/branches/sealed/diff"), 200).json()
        assert len(sealed["results"]) == 4
        limit = time.monotonic() + 30
        while status("completed").status != 404:
            assert time.monotonic() < limit, "an expired import is still there"
            time.sleep(0.1)
        assert server.stop() == 0
    assert installation.dump()[tables, f"imports/{IMPORTS['unfinished']}"] == records[tables, f"imports/{IMPORTS['unfinished']}"]


def run_import(lake: Connection, branch: str, paths: list[dict], message: str, metadata: dict[str, str]) -> dict:
    """Starts an import and returns its last status."""
    body = {"paths": paths, "commit": {"message": message, "metadata": metadata}}
    started = ensure(lake.request("POST", f"{branch}/import", body), 202).json()["id"]
    limit = time.monotonic() + 60
    while True:
        status = ensure(lake.request("GET", f"{branch}/import?id={started}"), 200).json()
        if status["completed"] or "error" in status:
            return status
        assert time.monotonic() < limit, status
        time.sleep(0.1)


def test_an_import_that_was_cut_off_is_started_again_and_cancelled(tmp_path):
    records = recorded()
    tables = next(partition for partition, key in records if key == f"imports/{IMPORTS['unfinished']}")
    records[tables, f"imports/{IMPORTS['unfinished']}"] = import_record(IMPORTS["unfinished"], int(time.time()) - 60)
    installation = Installation(tmp_path, "embedded", records)
    slow = installation.folder / "lakefs" / "import" / "slow"
    slow.mkdir(parents=True, exist_ok=True)
    (slow / "a-big").write_bytes(bytes(20 << 20))
    with installation.serve() as server:
        lake = server.connect(**KEYS)
        branch = "/repositories/tables/branches/importing"
        source = {"type": "common_prefix", "path": "local:///srv/lakefs/import/slow/", "destination": "slow/"}
        again = run_import(lake, branch, [source], "again", {})
        assert again["completed"] and again["ingested_objects"] == len(list(slow.iterdir())), again
        found = ensure(lake.request("GET", "/repositories/tables/refs/importing/objects/stat?path=slow/a-big"), 200).json()
        assert found["checksum"] == hashlib.md5(bytes(20 << 20)).hexdigest()
        for _ in range(2):
            ensure(lake.request("DELETE", f"{branch}/import?id={IMPORTS['unfinished']}"), 204)
        told = ensure(lake.request("GET", f"{branch}/import?id={IMPORTS['unfinished']}"), 200).json()
        assert (told["completed"], told["error"]["message"]) == (False, "import error: Canceled")
        assert server.stop() == 0


def test_the_same_import_brings_the_same_objects_as_there(tmp_path):
    """What `imported` was made of, imported into a branch at the same commit. (Unpacked files have lost fractions of
    their times, which are part of a tree's ID.)"""
    installation = Installation(tmp_path, "embedded", recorded())
    with installation.serve() as server:
        lake = server.connect(**KEYS)
        root = "/repositories/tables"
        theirs = ensure(lake.request("GET", f"{root}/commits/imported"), 200).json()
        ensure(lake.request("POST", f"{root}/branches", {"name": "again", "source": theirs["parents"][0]}), 201)
        url = "local:///srv/lakefs/import/lake/"
        paths = [{"type": "common_prefix", "path": url, "destination": "lake/"},
                 {"type": "object", "path": f"{url}a/one.txt", "destination": "single.txt"}]
        ours = run_import(lake, f"{root}/branches/again", paths, theirs["message"], {"source": "folder"})
        assert ours["completed"], ours
        for field in ("parents", "message", "metadata", "committer", "generation", "version"):
            assert ours["commit"][field] == theirs[field], field
        listings = [ensure(lake.request("GET", f"{root}/refs/{ref}/objects/ls?amount=1000&prefix=lake/"), 200).json()["results"]
                    for ref in ("again", "imported")]
        for one, other in zip(*listings, strict=True):
            assert one == other
        assert server.stop() == 0

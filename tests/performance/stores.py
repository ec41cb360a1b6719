"""How much of what a store can do arrives at the HTTP API: PostgreSQL with one and three servers, and S3.

Each figure of the load tool (`cargo xtask load`) stands beside what the same store does for a bare client in
the same run: plain SELECT and INSERT over a pool of the same size, plain PUT and GET with presigned URLs and by
the driver alone, before and after (the programs `measure` of kv-postgres and block-s3).

    python tests/performance/stores.py postgres s3

An operation may need several statements; PostgreSQL's own counters say how many. The share is how much of the bare
pool's time they would take:

    requests/s x (reads a request / SELECTs a second + writes a request / INSERTs a second)

S3 is Ceph's (tests/support/rgw.py) where it is installed, else moto, which is the bottleneck by itself.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests" / "support"))

import rgw  # noqa: E402
from moto import Moto  # noqa: E402
from postgres import Postgres  # noqa: E402
from server import ACCESS_KEY, SECRET, Server  # noqa: E402

SECRETS = {"LAKEHOLD_AUTH_ENCRYPT_SECRET_KEY": "stores-encrypt", "LAKEHOLD_SIGNING_SECRET_KEY": "stores-sign"}
BINARY = ROOT / "target/dist/lakehold"
OBJECTS = 1_000
MIB = 8
LIMIT = 900
# The counters of PostgreSQL are written when a session has been idle for a second.
COUNTERS_SETTLE = 2.5
ROW = re.compile(r"^(?P<name>\S.*?\S) {2,}(?P<connections>\d+) +(?P<rate>\d+) +(?P<p50>[\d.]+) +(?P<p99>[\d.]+) +"
                 r"(?P<max>[\d.]+) +(?P<errors>\d+)", re.MULTILINE)


def program(*command: str) -> str:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT, check=False)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(command)}: {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def measure(package: str, *arguments: str) -> str:
    return program("cargo", "run", "--profile", "dist", "--locked", "--quiet", "-p", package, "--example", "measure", "--", *arguments)


def load(servers: list[Server], only: str, seconds: int, *arguments: str) -> re.Match[str]:
    """The row of one scenario."""
    table = program(str(ROOT / "target/dist/xtask"), "load", "--endpoint", ",".join(s.endpoint for s in servers),
                    "--access-key", ACCESS_KEY, "--secret", SECRET, "--server-pid", ",".join(str(s.pid) for s in servers),
                    "--objects", str(OBJECTS), "--seconds", str(seconds), "--only", only, *arguments)
    found = ROW.search(table[table.index("x plain"):])
    if found is None or found["errors"] != "0":
        raise AssertionError(table)
    return found


@contextlib.contextmanager
def running(count: int, environment: dict[str, str]) -> Iterator[list[Server]]:
    servers = [Server(environment={**SECRETS, **environment}, binary=BINARY) for _ in range(count)]
    try:
        yield [server.start() for server in servers]
    finally:
        for server in servers:
            server.kill()


def on_postgres(seconds: int) -> None:
    print(f"{'PostgreSQL':<26} {'servers':>7} {'requests/s':>10} {'p99 ms':>8} {'reads':>6} {'writes':>6} {'share':>6}")
    with Postgres(durable=True) as postgres, Moto() as moto:
        moto.create_bucket("load")
        environment = {**moto.environment, "LAKEHOLD_DATABASE_TYPE": "postgres",
                       "LAKEHOLD_DATABASE_POSTGRES_CONNECTION_STRING": postgres.url}
        bare = bare_postgres(postgres)
        for count in (1, 3):
            with running(count, environment) as servers:
                for name in ("stat of what is staged", "stage an address", "create branch"):
                    row, reads, writes = counted(postgres, servers, name, seconds)
                    share = float(row["rate"]) * (reads / bare["Get"] + writes / bare["Set"])
                    print(f"{name:<26} {count:>7} {row['rate']:>10} {row['p99']:>8} {reads:>6.2f} {writes:>6.2f} {share:>6.0%}",
                          flush=True)


def bare_postgres(postgres: Postgres) -> dict[str, float]:
    """Statements a second of 64 tasks over a bare pool, by kind."""
    text = measure("lakehold-kv-postgres", postgres.url)
    rows = re.findall(r"^(Get|Set) +64 +([\d.]+)/s +([\d.]+)/s", text, re.MULTILINE)
    for kind, driver, bare in rows:
        print(f"  the driver alone, {kind}, 64 tasks: {driver}/s, bare {bare}/s, {float(driver) / float(bare):.0%}")
    return {kind: float(bare) for kind, _, bare in rows}


def counted(postgres: Postgres, servers: list[Server], name: str, seconds: int) -> tuple[re.Match[str], float, float]:
    """A scenario's row, and how many reads and writes a request took: by two runs, of which one is longer."""
    def once(duration: int) -> tuple[re.Match[str], int, int]:
        before = counters(postgres)
        row = load(servers, name, duration, "--namespace", "s3://load")
        reads, writes = (after - earlier for after, earlier in zip(counters(postgres), before))
        return row, reads, writes

    (short, few_reads, few_writes), (long, many_reads, many_writes) = once(1), once(1 + seconds)
    requests = float(long["rate"]) * (1 + seconds) - float(short["rate"])
    return long, (many_reads - few_reads) / requests, (many_writes - few_writes) / requests


def counters(postgres: Postgres) -> tuple[int, int]:
    """Looks into the table by its key, and rows written, so far."""
    time.sleep(COUNTERS_SETTLE)
    text = "SELECT sum(idx_scan), sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_user_tables"
    reads, writes = map(int, postgres.query(text).split("|"))
    return reads, writes


@contextlib.contextmanager
def s3() -> Iterator[tuple[str, str, str, str]]:
    """Kind, endpoint and keys of an S3 with the bucket `load`."""
    if Path("/usr/bin/radosgw").exists():
        with rgw.Rgw() as ceph:
            ceph.create_bucket("load")
            yield "Ceph RGW", ceph.endpoint, rgw.ACCESS_KEY, rgw.SECRET
        return
    with Moto() as moto:
        moto.create_bucket("load")
        environment = moto.environment
        yield ("moto", moto.endpoint, environment["LAKEHOLD_BLOCKSTORE_S3_CREDENTIALS_ACCESS_KEY_ID"],
               environment["LAKEHOLD_BLOCKSTORE_S3_CREDENTIALS_SECRET_ACCESS_KEY"])


def on_s3(seconds: int) -> None:
    with s3() as (kind, endpoint, key, secret):
        def clients() -> dict[str, float]:
            """MB/s of bare clients, and of the driver alone, 8 at a time."""
            text = measure("lakehold-block-s3", endpoint, "load", key, secret, str(MIB))
            rates = re.findall(r"^(bare|driver) +8 at a time: PUT +([\d.]+) MB/s, GET +([\d.]+) MB/s", text, re.MULTILINE)
            assert len(rates) == 2, text
            return {f"{who} {what}": float(rate) for who, *both in rates for what, rate in zip(("upload", "read"), both)}

        environment = {"LAKEHOLD_BLOCKSTORE_TYPE": "s3", "LAKEHOLD_BLOCKSTORE_S3_ENDPOINT": endpoint,
                       "LAKEHOLD_BLOCKSTORE_S3_FORCE_PATH_STYLE": "true",
                       "LAKEHOLD_BLOCKSTORE_S3_CREDENTIALS_ACCESS_KEY_ID": key,
                       "LAKEHOLD_BLOCKSTORE_S3_CREDENTIALS_SECRET_ACCESS_KEY": secret}
        clients()  # an empty store is faster than it will ever be again
        with running(1, environment) as servers:
            before = clients()
            rates = {}
            for what in ("upload", "read"):
                row = load(servers, f"{what}, large", 2 * seconds, "--namespace", "s3://load", "--large-mib", str(MIB))
                rates[what] = float(row["rate"]) * MIB * 1.048576
            after = clients()
        floor = {name: (before[name] + after[name]) / 2 for name in before}
        print(f"{kind + f', bodies of {MIB} MiB':<26} {'MB/s':>8} {'driver':>8} {'share':>6} {'bare':>8} {'share':>6}")
        for what, rate in rates.items():
            driver, bare = floor[f"driver {what}"], floor[f"bare {what}"]
            print(f"{what:<26} {rate:>8.0f} {driver:>8.0f} {rate / driver:>6.0%} {bare:>8.0f} {rate / bare:>6.0%}", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("stores", nargs="+", choices=["postgres", "s3"])
    parser.add_argument("--seconds", type=int, default=5, help="for each scenario")
    arguments = parser.parse_args()
    os.environ.setdefault("CARGO_TERM_COLOR", "never")
    program("cargo", "build", "--profile", "dist", "--locked", "--quiet", "-p", "xtask", "-p", "lakehold")
    for store in arguments.stores:
        {"postgres": on_postgres, "s3": on_s3}[store](arguments.seconds)
    return 0


if __name__ == "__main__":
    sys.exit(main())

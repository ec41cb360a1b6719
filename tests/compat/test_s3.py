"""A server on PostgreSQL and S3, and clients that move bytes past it, at the URLs that it signs."""

from __future__ import annotations

import hashlib
import os
import time
import urllib.request
import uuid
from collections.abc import Iterator

import lakefs
import pytest
from conftest import Package
from doctor import ensure_nothing_is_wrong
from lakefs.client import Client
from lakefs.exceptions import ObjectExistsException
from moto import Moto
from postgres import Postgres
from server import ACCESS_KEY, SECRET, Connection, Server, ensure, quote

SECRETS = {"LAKEHOLD_AUTH_ENCRYPT_SECRET_KEY": "s3-encrypt", "LAKEHOLD_SIGNING_SECRET_KEY": "s3-sign"}
PART = 5 << 20
VALID_FOR = 15 * 60


class Installation:
    """A database and a bucket, and servers on them, each on a machine of its own."""

    def __init__(self, postgres: Postgres, moto: Moto) -> None:
        self.moto = moto
        self._environment = {**moto.environment, **SECRETS, "LAKEHOLD_DATABASE_TYPE": "postgres",
                             "LAKEHOLD_DATABASE_POSTGRES_CONNECTION_STRING": postgres.url}

    def serve(self) -> Server:
        """A server with nothing on its disk."""
        return Server(environment=self._environment)


@pytest.fixture(scope="module")
def installation() -> Iterator[Installation]:
    with Postgres() as postgres, Moto() as moto:
        moto.create_bucket("lake")
        yield Installation(postgres, moto)


@pytest.fixture(scope="module")
def server(installation) -> Iterator[Server]:
    with installation.serve() as running:
        yield running


@pytest.fixture(scope="module")
def sdk(server) -> Package:
    return Package("lakefs_sdk", server.endpoint, username=ACCESS_KEY, password=SECRET)


@pytest.fixture
def repository(sdk) -> str:
    name = f"s3-{uuid.uuid4().hex[:12]}"
    sdk.repositories.create_repository(
        sdk.models.RepositoryCreation(name=name, storage_namespace=f"s3://lake/{name}", default_branch="main"))
    return name


@pytest.fixture
def branch(server, repository) -> lakefs.Branch:
    """`main`, through the package for people, which uses signed URLs wherever there are any."""
    client = Client(host=server.endpoint, username=ACCESS_KEY, password=SECRET)
    return lakefs.Repository(repository, client=client).branch("main")


def md5(data: bytes) -> str:
    return hashlib.md5(data).hexdigest()


def fetch(url: str, method: str = "GET", data: bytes | None = None):
    """A client that knows nothing but the URL. Returns the headers of the answer and its body."""
    # Without a media type what is sent would be called a form, and moto would take it apart.
    request = urllib.request.Request(url, data, {"Content-Type": "application/octet-stream"}, method=method)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return answer.headers, answer.read()


def is_near(expiry: int | None) -> bool:
    return expiry is not None and 0 < expiry - time.time() <= VALID_FOR


def test_clients_are_told_that_there_are_urls(sdk):
    storage = sdk.config.get_config().storage_config
    assert (storage.blockstore_type, storage.pre_sign_support, storage.pre_sign_support_ui) == ("s3", True, False)
    assert storage.pre_sign_multipart_upload


def test_a_client_writes_and_reads_past_the_server(installation, server, branch):
    data = os.urandom(100_000)
    written = branch.object("dir/a b+ü.bin").upload(data, mode="wb", content_type="application/x-test", metadata={"k": "v"})
    stats = written.stat()
    assert (stats.checksum, stats.size_bytes, stats.metadata) == (md5(data), len(data), {"k": "v"})
    assert written.stat(pre_sign=True).physical_address.startswith(installation.moto.endpoint)
    with written.reader(mode="rb") as reader:
        assert reader.read(10) == data[:10]
        reader.seek(99_000)
        assert reader.read() == data[99_000:]
    with pytest.raises(ObjectExistsException):
        written.upload(b"other", mode="xb")
    _, figures = fetch(f"{server.endpoint}/metrics")
    assert b'"linkPhysicalAddress"' in figures and b'"uploadObject"' not in figures


def test_answers_have_urls_instead_of_addresses(installation, server, sdk, repository):
    connection = server.connect()
    base = f"/repositories/{repository}"
    ensure(connection.request("POST", f"{base}/branches/main/objects?path=dir/a.csv", b"some bytes"), 201)
    stats = sdk.objects.stat_object(repository, "main", "dir/a.csv", presign=True)
    listed = sdk.objects.list_objects(repository, "main", presign=True, prefix="dir/").results[0]
    found = ensure(connection.request("GET", f"{base}/refs/main/objects?path=dir/a.csv&presign=true"), 302)
    assert found.body == b"" and is_near(stats.physical_address_expiry) and is_near(listed.physical_address_expiry)
    for url in (stats.physical_address, listed.physical_address, found.headers["location"]):
        assert url.startswith(f"{installation.moto.endpoint}/lake/{repository}/data/")
        headers, body = fetch(url)
        assert (body, headers["Content-Disposition"]) == (b"some bytes", 'attachment; filename="a.csv"')
    prefixes = sdk.objects.list_objects(repository, "main", presign=True, delimiter="/").results
    assert [(row.path, row.physical_address) for row in prefixes] == [("dir/", "")]
    assert sdk.objects.stat_object(repository, "main", "dir/a.csv").physical_address.startswith(f"s3://lake/{repository}/data/")
    fresh = ensure(connection.request("GET", f"{base}/refs/main/objects?path=dir/a.csv&presign=true",
                                      headers={"If-None-Match": f'"{stats.checksum}"'}), 304)
    assert "location" not in fresh.headers
    ensure(connection.request("GET", f"{base}/refs/main/objects?path=nowhere&presign=true"), 404)


def test_a_tree_is_read_past_the_server(sdk, server, repository):
    upload_and_commit(server.connect(), repository, "a", b"alpha")
    tree = sdk.commits.get_commit(repository, "main").meta_range_id
    answer = server.connect().request("GET", f"/repositories/{repository}/metadata/object/meta_range/{tree}?presign=true")
    _, table = fetch(ensure(answer, 302).headers["location"])
    assert bytes(sdk.internal.get_metadata_object(repository, tree, "meta_range")) == table


def test_an_upload_is_linked_where_it_was_asked_for_and_nowhere_else(sdk, repository):
    location = sdk.staging.get_physical_address(repository, "main", "a", presign=True)
    assert is_near(location.presigned_url_expiry)
    fetch(location.presigned_url, "PUT", b"alpha")
    done = sdk.models.StagingMetadata(staging=location, checksum=md5(b"alpha"), size_bytes=5)
    with pytest.raises(sdk.ApiException) as refused:
        sdk.staging.link_physical_address(repository, "main", "b", done)
    assert refused.value.status == 400
    sdk.staging.link_physical_address(repository, "main", "a", done)
    assert sdk.read(repository, "main", "a") == b"alpha"


def part_from(sdk, upload):
    return sdk.models.UploadPartFrom(physical_address=upload.physical_address)


def test_an_object_is_uploaded_in_parts(sdk, server, repository):
    connection = server.connect()
    ensure(connection.request("POST", f"/repositories/{repository}/branches/main/objects?path=source", b"0123456789"), 201)
    upload = sdk.experimental.create_presign_multipart_upload(repository, "main", "big", parts=1)
    bodies = [os.urandom(PART), os.urandom(PART), b"234"]
    urls = [*upload.presigned_urls,
            sdk.experimental.upload_part(repository, "main", upload.upload_id, "big", 2, part_from(sdk, upload)).presigned_url]
    etags = [fetch(url, "PUT", body)[0]["ETag"] for url, body in zip(urls, bodies)]
    source = sdk.models.CopyPartSource(repository=repository, ref="main", path="source", range="bytes=2-4")
    copied = sdk.experimental.upload_part_copy_with_http_info(
        repository, "main", upload.upload_id, "big", 3,
        sdk.models.UploadPartCopyFrom(physical_address=upload.physical_address, copy_source=source))
    etags.append(copied.headers["ETag"])
    parts = [sdk.models.UploadPart(part_number=number, etag=etag) for number, etag in enumerate(etags, 1)]
    done = sdk.models.CompletePresignMultipartUpload(
        physical_address=upload.physical_address, parts=parts, user_metadata={"k": "v"}, content_type="application/x-test")
    for wrong in ({"path": "other"}, {"branch": "elsewhere"}):
        named = {"branch": "main", "path": "big", **wrong}
        with pytest.raises(sdk.ApiException) as refused:
            sdk.experimental.complete_presign_multipart_upload(
                repository, named["branch"], upload.upload_id, named["path"], done)
        assert refused.value.status == 400
    stats = sdk.experimental.complete_presign_multipart_upload(repository, "main", upload.upload_id, "big", done)
    digest = hashlib.md5(b"".join(hashlib.md5(body).digest() for body in bodies)).hexdigest()
    assert (stats.checksum, stats.size_bytes, stats.metadata) == (f"{digest}-3", 2 * PART + 3, {"k": "v"})
    assert upload.physical_address.endswith(stats.physical_address) and stats.physical_address.startswith("data/")
    assert sdk.read(repository, "main", "big") == b"".join(bodies)


def test_an_upload_in_parts_is_aborted(sdk, repository):
    upload = sdk.experimental.create_presign_multipart_upload(repository, "main", "a")
    assert not upload.presigned_urls
    abort = sdk.models.AbortPresignMultipartUpload(physical_address=upload.physical_address)
    sdk.experimental.abort_presign_multipart_upload(repository, "main", upload.upload_id, "a", abort)
    part = sdk.models.UploadPart(part_number=1, etag="0" * 32)
    done = sdk.models.CompletePresignMultipartUpload(physical_address=upload.physical_address, parts=[part])
    with pytest.raises(sdk.ApiException) as refused:
        sdk.experimental.complete_presign_multipart_upload(repository, "main", upload.upload_id, "a", done)
    assert refused.value.status == 404


def test_uploads_in_parts_that_cannot_be_are_refused(sdk, server, repository):
    pmpu = f"/repositories/{repository}/branches/main/staging/pmpu"
    upload = sdk.experimental.create_presign_multipart_upload(repository, "main", "a", parts=2)
    address = {"physical_address": upload.physical_address}
    part = f"{pmpu}/{upload.upload_id}/parts"
    source = {"repository": repository, "ref": "main", "path": "nowhere"}
    connection = server.connect()
    for method, path, body, status, text in (
        ("POST", f"{pmpu}?path=a&parts=-1", None, 400, "parts can be between 0 and 10000"),
        ("POST", f"{pmpu}?path=a&parts=10001", None, 400, "parts can be between 0 and 10000"),
        ("POST", f"{pmpu.replace('main', 'nowhere')}?path=a", None, 404, "branch 'nowhere' not found"),
        ("POST", f"{pmpu.replace(repository, 'nowhere')}?path=a", None, 404, "repository not found"),
        ("PUT", f"{pmpu}/{upload.upload_id}?path=a", None, 400, "physical_address is required"),
        ("PUT", f"{pmpu}/{upload.upload_id}?path=a", {**address, "parts": []}, 400, "parts are required"),
        ("PUT", f"{part}/1?path=a", {"physical_address": f"s3://lake/{repository}/_lakefs/x"}, 400, "must be relative"),
        ("PUT", f"{part}/1?path=a", {"physical_address": f"s3://lake/{repository}/data/x/y"}, 400, "is not signed"),
        ("PUT", f"{part}/1?path=b", address, 400, "invalid address"),
        ("PUT", f"{part}/1/copy?path=a", {**address, "copy_source": source}, 404, f"{repository}/main/nowhere: not found"),
        ("DELETE", f"{pmpu}/unknown?path=a", address, 404, "not found"),
    ):
        answer = ensure(connection.request(method, path, body), status)
        assert text in answer.json()["message"], answer


def test_objects_of_a_bucket_are_imported_where_they_are(installation, sdk, server, repository, branch):
    """More than a page of keys, odd ones among them, through the official packages."""
    names = [f"many/{number:04}" for number in range(1_100)] + ["odd/a b+c", "odd/a#x?y", "odd/a%20b", "odd/ü"]
    installation.moto.create_bucket(repository)
    bucket = f"{installation.moto.endpoint}/{repository}"
    for name in names:
        fetch(f"{bucket}/{quote(name)}", "PUT", name.encode())
    done = (branch.import_data(commit_message="from a bucket", metadata={"k": "v"})
            .prefix(f"s3://{repository}/", destination="in")
            .object(f"s3://{repository}/odd/a%20b", destination="single")
            .run())
    assert (done.completed, done.ingested_objects, done.error) == (True, len(names) + 1, None)
    assert done.commit.metadata == {"k": "v", ".lakefs.merge.strategy": "source-wins"}
    assert [row.path for row in branch.objects(prefix="in/")] == sorted(f"in/{name}" for name in names)
    for name in ("odd/a b+c", "odd/a#x?y", "odd/a%20b", "odd/ü", "many/1099"):
        stats = sdk.objects.stat_object(repository, "main", f"in/{name}")
        assert (stats.checksum, stats.size_bytes) == (md5(name.encode()), len(name.encode()))
        assert stats.physical_address == f"s3://{repository}/{name}"
        assert bytes(sdk.read(repository, "main", f"in/{name}")) == name.encode()
    timestamp = sdk.repositories.get_repository_metadata(repository)[".lakefs.last.import.timestamp"]
    assert int(timestamp) == done.commit.creation_date
    for path, said in ((f"s3://{repository}/none", f"no object at s3://{repository}/none"),
                       (f"s3://{repository}-none/x", f"s3://{repository}-none/x")):
        failed = branch.import_data().object(path, destination="x")
        failed.start()
        limit = time.monotonic() + 60
        while failed.status().error is None:
            assert time.monotonic() < limit
            time.sleep(0.1)
        assert said in failed.status().error.message
        failed.cancel()
        assert failed.status().error.message == "import error: Canceled"
    ensure_nothing_is_wrong(server, "--deep")


def upload_and_commit(connection: Connection, repository: str, path: str, data: bytes, branch: str = "main") -> str:
    base = f"/repositories/{repository}/branches/{branch}"
    ensure(connection.request("POST", f"{base}/objects?path={path}", data), 201)
    return ensure(connection.request("POST", f"{base}/commits", {"message": path}), 201).json()["id"]


def read(connection: Connection, repository: str, ref: str, path: str) -> bytes:
    return ensure(connection.request("GET", f"/repositories/{repository}/refs/{ref}/objects?path={path}"), 200).body


def test_a_repository_outlives_its_servers(installation, server, repository):
    """Everything lies in the database and the bucket: a server on another machine, with an empty disk, has it all."""
    connection, base = server.connect(), f"/repositories/{repository}"
    upload_and_commit(connection, repository, "a", b"alpha")
    ensure(connection.request("POST", f"{base}/branches", {"name": "dev", "source": "main"}), 201)
    upload_and_commit(connection, repository, "b", os.urandom(3 << 20), branch="dev")
    ensure(connection.request("POST", f"{base}/refs/dev/merge/main", {}), 200)
    ensure(connection.request("POST", f"{base}/branches/main/objects?path=staged", b"not committed"), 201)
    merged = read(connection, repository, "main", "b")
    ensure_nothing_is_wrong(server, "--deep")
    with installation.serve() as other:
        elsewhere = other.connect()
        assert read(elsewhere, repository, "main", "a") == b"alpha"
        assert read(elsewhere, repository, "main", "b") == merged
        assert read(elsewhere, repository, "main", "staged") == b"not committed"
        page = ensure(elsewhere.request("GET", f"{base}/refs/main/objects/ls"), 200).json()
        assert [row["path"] for row in page["results"]] == ["a", "b", "staged"]
        other.kill()
        ensure_nothing_is_wrong(other, "--deep")

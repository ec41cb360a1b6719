"""The official packages, unmodified, walk through every operation: one success and one error each."""

from __future__ import annotations

import base64
import hashlib
import json
import urllib.request
import uuid
from pathlib import Path

import pytest
from conftest import Package
from server import ACCESS_KEY, SECRET


def refused(sdk, status, call, *arguments, **options):
    """Asserts that the call raises the package's exception with `status` and a message."""
    with pytest.raises(sdk.ApiException) as error:
        call(*arguments, **options)
    assert error.value.status == status, error.value
    return error.value


def upload(sdk, folder, repository, path, data=b"some bytes", branch="main", **options):
    return sdk.objects.upload_object(repository, branch, path, content=sdk.content(data, folder), **options)


def commit(sdk, repository, branch="main", message="a commit", **fields):
    return sdk.commits.commit(repository, branch, sdk.models.CommitCreation(message=message, **fields))


def as_dict(strings) -> dict[str, str]:
    return strings if isinstance(strings, dict) else strings.to_dict()


def test_setup_and_login(sdk, server):
    assert sdk.internal.get_setup_state().state == "initialized"
    refused(sdk, 409, sdk.internal.setup, sdk.models.Setup(username="someone"))
    login = sdk.auth.login(login_information=sdk.models.LoginInformation(access_key_id=ACCESS_KEY, secret_access_key=SECRET))
    assert login.token.count(".") == 2
    wrong = sdk.models.LoginInformation(access_key_id=ACCESS_KEY, secret_access_key="wrong")
    refused(sdk, 401, sdk.auth.login, login_information=wrong)
    with_token = Package(sdk.name, server.endpoint, access_token=login.token)
    assert with_token.auth.get_current_user().user.id == sdk.auth.get_current_user().user.id
    refused(sdk, 401, Package(sdk.name, server.endpoint, access_token="a.b.c").auth.get_current_user)


def test_the_session_cookie_counts_with_and_without_its_name(sdk, server):
    body = f'{{"access_key_id": "{ACCESS_KEY}", "secret_access_key": "{SECRET}"}}'.encode()
    request = urllib.request.Request(f"{server.endpoint}/api/v1/auth/login", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        cookie = answer.headers["Set-Cookie"].split(";")[0]
    for sent in (cookie, cookie.split("=", 1)[1]):
        request = urllib.request.Request(f"{server.endpoint}/api/v1/repositories", headers={"Cookie": sent})
        with urllib.request.urlopen(request, timeout=60) as answer:
            assert answer.status == 200


def test_the_api_answers_at_the_root_too_when_json_is_preferred(sdk, server):
    basic = "Basic " + base64.b64encode(f"{ACCESS_KEY}:{SECRET}".encode()).decode()
    headers = {"Accept": "application/json", "Authorization": basic}
    request = urllib.request.Request(f"{server.endpoint}/repositories", headers=headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert "results" in answer.read().decode()


def test_health_and_configuration(sdk, server):
    sdk.health_check.health_check()
    config = sdk.config.get_config()
    assert config.version_config.version == "1.84.0"
    assert config.storage_config.blockstore_type == "local"
    anonymous = Package(sdk.name, server.endpoint)
    refused(sdk, 401, anonymous.config.get_config)


def test_repositories(sdk):
    name = f"compat-{uuid.uuid4().hex[:12]}"
    creation = sdk.models.RepositoryCreation(name=name, storage_namespace=f"local://{name}", default_branch="trunk")
    made = sdk.repositories.create_repository(creation)
    assert (made.id, made.default_branch, made.storage_namespace) == (name, "trunk", f"local://{name}")
    refused(sdk, 409, sdk.repositories.create_repository, creation)
    assert sdk.repositories.get_repository(name).id == name
    refused(sdk, 404, sdk.repositories.get_repository, "no-such-repository")
    page = sdk.repositories.list_repositories(prefix=name, amount=1)
    assert [row.id for row in page.results] == [name]
    keys = sdk.models.RepositoryMetadataSet(metadata={"team": "data", "stage": "test"})
    sdk.internal.set_repository_metadata(name, keys)
    assert as_dict(sdk.repositories.get_repository_metadata(name)) == {"team": "data", "stage": "test"}
    sdk.repositories.delete_repository(name)
    refused(sdk, 404, sdk.repositories.delete_repository, name)


@pytest.mark.parametrize("kind", ["bare", "read_only", "sample_data"])
def test_special_repositories(sdk, kind):
    name = f"compat-{uuid.uuid4().hex[:12]}"
    fields = {} if kind == "bare" else {kind: True}
    creation = sdk.models.RepositoryCreation(name=name, storage_namespace=f"local://{name}", **fields)
    sdk.repositories.create_repository(creation, **({"bare": True} if kind == "bare" else {}))
    if kind == "bare":
        refused(sdk, 404, sdk.branches.get_branch, name, "main")
    elif kind == "read_only":
        refused(sdk, 403, commit, sdk, name, allow_empty=True)
    else:
        assert len(sdk.objects.list_objects(name, "main").results) > 1
        assert sdk.refs.log_commits(name, "main").results[0].message == "Add sample data"


def test_branches(sdk, repository, tmp_path):
    head = sdk.branches.get_branch(repository, "main").commit_id
    creation = sdk.models.BranchCreation(name="dev", source="main")
    assert head in str(sdk.branches.create_branch(repository, creation))
    refused(sdk, 409, sdk.branches.create_branch, repository, creation)
    refused(sdk, 404, sdk.branches.create_branch, repository, sdk.models.BranchCreation(name="x", source="nowhere"))
    assert [row.id for row in sdk.branches.list_branches(repository).results] == ["dev", "main"]
    refused(sdk, 404, sdk.branches.get_branch, repository, "nowhere")
    upload(sdk, tmp_path, repository, "a/one", branch="dev")
    changes = sdk.branches.diff_branch(repository, "dev").results
    assert [(row.type, row.path) for row in changes] == [("added", "a/one")]
    sdk.branches.reset_branch(repository, "dev", sdk.models.ResetCreation(type="reset"))
    assert sdk.branches.diff_branch(repository, "dev").results == []
    refused(sdk, 404, sdk.branches.diff_branch, repository, "nowhere")
    refused(sdk, 404, sdk.branches.reset_branch, repository, "nowhere", sdk.models.ResetCreation(type="reset"))
    sdk.branches.delete_branch(repository, "dev")
    refused(sdk, 404, sdk.branches.delete_branch, repository, "dev")
    refused(sdk, 403, sdk.branches.delete_branch, repository, "main")


def test_tags(sdk, repository):
    head = sdk.branches.get_branch(repository, "main").commit_id
    creation = sdk.models.TagCreation(id="v1", ref="main")
    assert sdk.tags.create_tag(repository, creation).commit_id == head
    refused(sdk, 409, sdk.tags.create_tag, repository, creation)
    assert sdk.tags.get_tag(repository, "v1").commit_id == head
    assert [row.id for row in sdk.tags.list_tags(repository).results] == ["v1"]
    refused(sdk, 404, sdk.tags.list_tags, "no-such-repository")
    sdk.tags.delete_tag(repository, "v1")
    refused(sdk, 404, sdk.tags.get_tag, repository, "v1")
    refused(sdk, 404, sdk.tags.delete_tag, repository, "v1")


def test_commits_and_log(sdk, repository, tmp_path):
    refused(sdk, 400, commit, sdk, repository)
    upload(sdk, tmp_path, repository, "a")
    made = commit(sdk, repository, message="first", metadata={"who": "me"}, date=1_600_000_000)
    assert (made.message, as_dict(made.metadata), made.creation_date) == ("first", {"who": "me"}, 1_600_000_000)
    assert sdk.commits.get_commit(repository, "main").id == made.id
    refused(sdk, 404, sdk.commits.get_commit, repository, "0" * 64)
    log = sdk.refs.log_commits(repository, "main").results
    assert [row.message for row in log] == ["first", "Repository created"]
    refused(sdk, 404, sdk.refs.log_commits, repository, "nowhere")


def test_objects(sdk, repository, tmp_path):
    data = b"0123456789" * 10
    stats = upload(sdk, tmp_path, repository, "dir/a b+c%.txt", data)
    assert (stats.size_bytes, stats.checksum) == (100, hashlib.md5(data).hexdigest())
    refused(sdk, 404, upload, sdk, tmp_path, repository, "x", branch="nowhere")
    refused(sdk, 412, upload, sdk, tmp_path, repository, "dir/a b+c%.txt", if_none_match="*")
    path = "dir/a b+c%.txt"
    assert sdk.read(repository, "main", path) == data
    assert sdk.read(repository, "main", path, range="bytes=10-14") == b"01234"
    refused(sdk, 404, sdk.objects.get_object, repository, "main", "nothing")
    refused(sdk, 416, sdk.objects.get_object, repository, "main", path, range="bytes=1000-")
    sdk.objects.head_object(repository, "main", path)
    with pytest.raises(sdk.ApiException) as error:  # no message: the answer to HEAD has no body
        sdk.objects.head_object(repository, "main", "nothing")
    assert error.value.status == 404
    assert sdk.objects.stat_object(repository, "main", path).path == path
    refused(sdk, 404, sdk.objects.stat_object, repository, "main", "nothing")
    rows = sdk.objects.list_objects(repository, "main", delimiter="/").results
    assert [(row.path, row.path_type) for row in rows] == [("dir/", "common_prefix")]
    refused(sdk, 404, sdk.objects.list_objects, repository, "nowhere")


def test_copies_and_user_metadata(sdk, repository, tmp_path):
    upload(sdk, tmp_path, repository, "a", b"alpha")
    copied = sdk.objects.copy_object(repository, "main", "b", sdk.models.ObjectCopyCreation(src_path="a"))
    assert (copied.path, copied.size_bytes) == ("b", 5)
    assert sdk.read(repository, "main", "b") == b"alpha"
    refused(sdk, 404, sdk.objects.copy_object, repository, "main", "b", sdk.models.ObjectCopyCreation(src_path="nothing"))
    new = sdk.models.UpdateObjectUserMetadata(set=sdk.strings("ObjectUserMetadata", {"colour": "blue"}))
    sdk.objects.update_object_user_metadata(repository, "main", "a", new)
    assert as_dict(sdk.objects.stat_object(repository, "main", "a").metadata) == {"colour": "blue"}
    refused(sdk, 404, sdk.objects.update_object_user_metadata, repository, "main", "nothing", new)


def test_deletes(sdk, repository, tmp_path):
    for path in ("a", "b", "c"):
        upload(sdk, tmp_path, repository, path)
    sdk.objects.delete_object(repository, "main", "a")
    sdk.objects.delete_object(repository, "main", "a")
    refused(sdk, 404, sdk.objects.delete_object, repository, "nowhere", "a")
    done = sdk.objects.delete_objects(repository, "main", sdk.models.PathList(paths=["b", "nothing"]))
    assert list(done.errors or []) == []
    assert [row.path for row in sdk.objects.list_objects(repository, "main").results] == ["c"]
    many = sdk.models.PathList(paths=[f"p{number}" for number in range(1001)])
    refused(sdk, 400, sdk.objects.delete_objects, repository, "main", many)


def test_staging(sdk, repository, tmp_path):
    upload(sdk, tmp_path, repository, "a", b"alpha")
    address = sdk.objects.stat_object(repository, "main", "a").physical_address
    stage = sdk.models.ObjectStageCreation(physical_address=address, checksum="abc", size_bytes=5)
    assert sdk.internal.stage_object(repository, "main", "again", stage).size_bytes == 5
    assert sdk.read(repository, "main", "again") == b"alpha"
    elsewhere = sdk.models.ObjectStageCreation(physical_address="s3://bucket/x", checksum="abc", size_bytes=5)
    refused(sdk, 400, sdk.internal.stage_object, repository, "main", "again", elsewhere)


def test_link_addresses(sdk, repository):
    location = sdk.staging.get_physical_address(repository, "main", "linked")
    place = location.physical_address.removeprefix("local://")
    Path(place).parent.mkdir(parents=True, exist_ok=True)
    Path(place).write_bytes(b"linked bytes")
    metadata = sdk.models.StagingMetadata(staging=location, checksum="abc", size_bytes=12)
    assert sdk.staging.link_physical_address(repository, "main", "linked", metadata).size_bytes == 12
    assert sdk.read(repository, "main", "linked") == b"linked bytes"
    below = location.physical_address.split(f"/{repository}/", 1)[1]
    signed_for_another_path = sdk.models.StagingMetadata(
        staging=sdk.models.StagingLocation(physical_address=f"local://{repository}/{below}"), checksum="abc", size_bytes=12)
    refused(sdk, 400, sdk.staging.link_physical_address, repository, "main", "another", signed_for_another_path)
    refused(sdk, 404, sdk.staging.get_physical_address, "no-such-repository", "main", "linked")


def test_diffs_and_merges(sdk, repository, tmp_path):
    upload(sdk, tmp_path, repository, "both", b"base")
    commit(sdk, repository, message="base")
    sdk.branches.create_branch(repository, sdk.models.BranchCreation(name="dev", source="main"))
    upload(sdk, tmp_path, repository, "new", branch="dev")
    made = commit(sdk, repository, branch="dev", message="on dev")
    for kind in ("two_dot", "three_dot"):
        rows = sdk.refs.diff_refs(repository, "main", "dev", type=kind).results
        assert [(row.type, row.path) for row in rows] == [("added", "new")]
    refused(sdk, 404, sdk.refs.diff_refs, repository, "main", "nowhere")
    base = sdk.refs.find_merge_base(repository, "dev", "main")
    # The wrong way round, as clients have always got them.
    assert (base.destination_commit_id, base.base_commit_id) == (made.id, base.source_commit_id)
    refused(sdk, 404, sdk.refs.find_merge_base, repository, "nowhere", "main")
    merged = sdk.refs.merge_into_branch(repository, "dev", "main")
    assert sdk.branches.get_branch(repository, "main").commit_id == merged.reference
    refused(sdk, 400, sdk.refs.merge_into_branch, repository, "dev", "main")
    upload(sdk, tmp_path, repository, "both", b"dev side", branch="dev")
    commit(sdk, repository, branch="dev")
    upload(sdk, tmp_path, repository, "both", b"main side")
    commit(sdk, repository)
    refused(sdk, 409, sdk.refs.merge_into_branch, repository, "dev", "main")
    sdk.refs.merge_into_branch(repository, "dev", "main", merge=sdk.models.Merge(strategy="source-wins"))
    assert sdk.read(repository, "main", "both") == b"dev side"


def test_revert_and_cherry_pick(sdk, repository, tmp_path):
    upload(sdk, tmp_path, repository, "a")
    first = commit(sdk, repository, message="first")
    sdk.branches.create_branch(repository, sdk.models.BranchCreation(name="dev", source="main~1"))
    picked = sdk.branches.cherry_pick(repository, "dev", sdk.models.CherryPickCreation(ref=first.id))
    assert picked.message == "first" and picked.metadata["cherry-pick-origin"] == first.id
    refused(sdk, 404, sdk.branches.cherry_pick, repository, "dev", sdk.models.CherryPickCreation(ref="nowhere"))
    sdk.branches.revert_branch(repository, "main", sdk.models.RevertCreation(ref=first.id, parent_number=0))
    assert sdk.objects.list_objects(repository, "main").results == []
    wrong = sdk.models.RevertCreation(ref=first.id, parent_number=7)
    refused(sdk, 400, sdk.branches.revert_branch, repository, "main", wrong)


def test_pull_requests(sdk, repository, tmp_path):
    sdk.branches.create_branch(repository, sdk.models.BranchCreation(name="dev", source="main"))
    upload(sdk, tmp_path, repository, "new", branch="dev")
    commit(sdk, repository, branch="dev")
    creation = sdk.models.PullRequestCreation(title="t", description="d", source_branch="dev", destination_branch="main")
    made = sdk.pulls.create_pull_request(repository, creation).id
    same = sdk.models.PullRequestCreation(title="t", source_branch="main", destination_branch="main")
    refused(sdk, 400, sdk.pulls.create_pull_request, repository, same)
    assert sdk.pulls.get_pull_request(repository, made).description == "d"
    refused(sdk, 404, sdk.pulls.get_pull_request, repository, "gcg1f9o1081g01o00050")
    sdk.pulls.update_pull_request(repository, made, sdk.models.PullRequestBasic(title="other"))
    refused(sdk, 404, sdk.pulls.update_pull_request, repository, "gcg1f9o1081g01o00050", sdk.models.PullRequestBasic(title="x"))
    merged = sdk.pulls.merge_pull_request(repository, made)
    assert sdk.branches.get_branch(repository, "main").commit_id == merged.reference
    refused(sdk, 400, sdk.pulls.merge_pull_request, repository, made)
    refused(sdk, 404, sdk.pulls.list_pull_requests, "no-such-repository")


def test_listing_pull_requests(sdk, repository):
    assert sdk.pulls.list_pull_requests(repository).results == []
    sdk.branches.create_branch(repository, sdk.models.BranchCreation(name="dev", source="main"))
    creation = sdk.models.PullRequestCreation(title="t", source_branch="dev", destination_branch="main")
    made = sdk.pulls.create_pull_request(repository, creation).id
    if sdk.name == "lakefs_client":
        assert [row.id for row in sdk.pulls.list_pull_requests(repository, status="open").results] == [made]
        return
    # Its model insists on a description, which rows of this list never had: the answer is read as it comes.
    answer = sdk.pulls.list_pull_requests_with_http_info(repository, status="open", _preload_content=False)
    assert [row["id"] for row in json.loads(answer.raw_data)["results"]] == [made]


def test_garbage_collection_rules(sdk, repository):
    refused(sdk, 404, sdk.repositories.get_gc_rules, repository)
    rule = sdk.models.GarbageCollectionRule(branch_id="main", retention_days=28)
    rules = sdk.models.GarbageCollectionRules(default_retention_days=21, branches=[rule])
    for set_rules, get_rules, delete_rules in (
            (sdk.repositories.set_gc_rules, sdk.repositories.get_gc_rules, sdk.repositories.delete_gc_rules),
            (sdk.internal.internal_set_garbage_collection_rules, sdk.internal.internal_get_garbage_collection_rules,
             sdk.internal.internal_delete_garbage_collection_rules)):
        set_rules(repository, rules)
        found = get_rules(repository)
        assert (found.default_retention_days, [row.branch_id for row in found.branches]) == (21, ["main"])
        delete_rules(repository)
        refused(sdk, 404, get_rules, repository)
        for missing in (lambda: set_rules("no-such-repository", rules), lambda: delete_rules("no-such-repository")):
            refused(sdk, 404, missing)
    sdk.internal.set_garbage_collection_rules_preflight(repository)
    refused(sdk, 400, sdk.internal.set_garbage_collection_rules_preflight, "NO")


def test_runs_of_actions(sdk, repository):
    assert sdk.actions.list_repository_runs(repository).results == []
    refused(sdk, 400, sdk.actions.list_repository_runs, repository, branch="main", commit="0" * 64)
    refused(sdk, 404, sdk.actions.get_run, repository, "gcg1f9o1081g01o00050")
    assert sdk.actions.list_run_hooks(repository, "gcg1f9o1081g01o00050").results == []
    refused(sdk, 404, sdk.actions.list_run_hooks, "no-such-repository", "gcg1f9o1081g01o00050")
    refused(sdk, 404, sdk.actions.get_run_hook_output, repository, "gcg1f9o1081g01o00050", "0000_0000")


def test_the_status_of_imports(sdk, repository):
    refused(sdk, 404, sdk.import_api.import_status, repository, "main", "dc0och1ksdudatmrt6u0")


def test_the_one_user(sdk):
    name = sdk.auth.get_current_user().user.id
    assert [user.id for user in sdk.auth.list_users().results] == [name]
    assert sdk.auth.get_user(name).id == name
    refused(sdk, 404, sdk.auth.get_user, "nobody")
    refused(sdk, 409, sdk.auth.create_user, user_creation=sdk.models.UserCreation(id="second"))
    refused(sdk, 404, sdk.auth.delete_user, "nobody")
    assert sdk.auth.get_credentials(name, ACCESS_KEY).access_key_id == ACCESS_KEY
    refused(sdk, 404, sdk.auth.get_credentials, name, "AKIAJNOSUCHKEYAAAAAQ")
    refused(sdk, 400, sdk.auth.create_credentials, name)
    refused(sdk, 501, sdk.auth.list_user_credentials, name)
    refused(sdk, 501, sdk.auth.list_groups)


def test_tables_of_trees(sdk, repository, tmp_path):
    upload(sdk, tmp_path, repository, "a")
    tree = commit(sdk, repository).meta_range_id
    for call in (sdk.internal.get_metadata_object,):
        content = call(repository, tree, "meta_range") if sdk.name == "lakefs_sdk" else \
            call(repository, tree, "meta_range", _preload_content=False).data
        assert bytes(content).endswith(b"\xf7\xcf\xf4\x85\xb7\x41\xe2\x88")
        refused(sdk, 410, call, repository, "0" * 64, "range")

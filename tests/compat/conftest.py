"""A server for the whole run, and the official packages as one thing to talk through."""

from __future__ import annotations

import importlib
import sys
import uuid
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))

from server import ACCESS_KEY, SECRET, Server  # noqa: E402

TAGS = ("actions", "auth", "branches", "commits", "config", "experimental", "health_check", "internal", "metadata",
        "objects", "pulls", "refs", "repositories", "staging", "tags", "import")


@pytest.fixture(scope="session")
def server():
    with Server() as running:
        yield running


class Package:
    """One official package: its API classes with a configured client, and its models."""

    def __init__(self, name: str, host: str, **credentials: str) -> None:
        self.name = name
        self.module = importlib.import_module(name)
        self.models = importlib.import_module(f"{name}.models")
        configuration = self.module.Configuration(host=f"{host}/api/v1", **credentials)
        self.client = self.module.ApiClient(configuration)
        for tag in TAGS:
            module = importlib.import_module(f"{name}.api.{tag}_api")
            words = "".join(word.capitalize() for word in tag.split("_"))
            setattr(self, "import_api" if tag == "import" else tag, getattr(module, f"{words}Api")(self.client))
        self.ApiException = importlib.import_module(f"{name}.exceptions").ApiException

    def content(self, data: bytes, folder: Path):
        """`data` in the form that the package's upload takes: the name of a file, or the open file."""
        path = folder / uuid.uuid4().hex
        path.write_bytes(data)
        return str(path) if self.name == "lakefs_sdk" else path.open("rb")

    def strings(self, model: str, values: dict[str, str]):
        """A map of strings in the form that a field of the package's models takes."""
        return values if self.name == "lakefs_sdk" else getattr(self.models, model)(**values)

    def read(self, repository: str, ref: str, path: str, **options) -> bytes:
        """The bytes of an object. The older package cannot take a `Content-Disposition` without a file
        name apart, so there the answer is read as it comes."""
        if self.name == "lakefs_sdk":
            return bytes(self.objects.get_object(repository, ref, path, **options))
        return self.objects.get_object(repository, ref, path, _preload_content=False, **options).data


@pytest.fixture(scope="session", params=["lakefs_sdk", "lakefs_client"])
def sdk(request, server):
    return Package(request.param, server.endpoint, username=ACCESS_KEY, password=SECRET)


@pytest.fixture
def repository(sdk):
    """The name of a fresh repository."""
    name = f"compat-{uuid.uuid4().hex[:12]}"
    sdk.repositories.create_repository(
        sdk.models.RepositoryCreation(name=name, storage_namespace=f"local://{name}", default_branch="main"))
    return name

"""Object stores of every kind; those of S3 are on the session's real server."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from shared.blob.folder import FolderStore
from shared.blob.memory import MemoryStore
from shared.blob.port import BlobStore
from shared.blob.s3 import S3Store
from shared.settings import S3Settings
from tests.support.parts import MinioPart

KINDS = ("memory", "folder", "s3")


def new_blob_store(kind: str, request: pytest.FixtureRequest, folder: Path) -> BlobStore:
    """An empty store of one of `KINDS`; one of files is in `folder`."""
    if kind == "memory":
        return MemoryStore()
    if kind == "folder":
        (folder / "bucket").mkdir()
        return FolderStore(folder / "bucket")
    minio: MinioPart = request.getfixturevalue("minio")
    return new_s3_store(minio)


def s3_settings(minio: MinioPart, bucket: str) -> S3Settings:
    """Settings of a bucket of the server."""
    secret = SecretStr(minio.secret_key)
    return S3Settings(
        bucket=bucket, endpoint_url=minio.endpoint, access_key_id=minio.access_key, secret_access_key=secret
    )


def new_s3_store(minio: MinioPart) -> S3Store:
    """The store of a new, empty bucket."""
    return S3Store(s3_settings(minio, minio.bucket()))

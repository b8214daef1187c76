"""S3 on a real server: the suite of every store, versions, digests, and a bucket of several installations."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from hashlib import sha256

import pytest
from mypy_boto3_s3 import S3Client
from mypy_boto3_s3.type_defs import CompletedPartTypeDef
from pydantic import SecretStr

from services.standalone.backup.multipart_store import MultipartStore
from shared.blob.port import BlobStore, ObjectChangedError
from shared.blob.s3 import S3Store
from shared.errors import TransientError
from shared.settings import S3Settings
from tests.contract.test_blob import StoreContract
from tests.support.object_stores import new_s3_store, s3_settings
from tests.support.parts import MinioPart


class TestS3(StoreContract):
    @pytest.fixture
    def store(self, minio: MinioPart) -> BlobStore:
        return new_s3_store(minio)

    @pytest.mark.parametrize("versioned", [False, True])
    def test_erasing_leaves_no_version(self, minio: MinioPart, versioned: bool) -> None:
        bucket, client = minio.bucket(), minio.client()
        if versioned:
            client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        store = S3Store(s3_settings(minio, bucket))
        for data in (b"first", b"second"):
            store.put("slides/C/a.svs", data)
        store.put("slides/C/b.svs", b"deleted before")
        store.delete("slides/C/b.svs")
        assert store.erase("slides/C/") == (2 if versioned else 1)
        remaining = client.list_object_versions(Bucket=bucket)
        assert not remaining.get("Versions")
        assert not remaining.get("DeleteMarkers")

    def test_erasing_an_object_ends_its_unfinished_uploads(self, minio: MinioPart) -> None:
        """MinIO lists uploads only by their whole key, and drops the others after a day."""
        bucket, client = minio.bucket(), minio.client()
        client.create_multipart_upload(Bucket=bucket, Key="clinical/C.json")
        S3Store(s3_settings(minio, bucket)).erase("clinical/C.json")
        assert not client.list_multipart_uploads(Bucket=bucket, Prefix="clinical/C.json").get("Uploads")

    def test_a_list_goes_on_past_a_page(self, store: BlobStore) -> None:
        keys = [f"many/{number:04d}" for number in range(1010)]
        with ThreadPoolExecutor(16) as pool:
            assert all(pool.map(lambda key: store.put_new(key, b""), keys))
        assert [info.key for info in store.list("many/")] == keys

    def test_the_digest_of_a_whole_upload_is_known_and_of_a_multipart_one_is_not(self, minio: MinioPart) -> None:
        bucket = minio.bucket()
        store, client = S3Store(s3_settings(minio, bucket)), minio.client()
        client.put_object(Bucket=bucket, Key="whole", Body=b"hello", ChecksumAlgorithm="SHA256")
        _upload_in_parts(client, bucket, "parts")
        whole, parts = store.head("whole"), store.head("parts")
        assert whole is not None
        assert parts is not None
        assert (whole.sha256, parts.sha256) == (sha256(b"hello").hexdigest(), "")
        assert store.get_range(parts, 1, 4) == b"ell"

    def test_versions_are_named_where_the_bucket_keeps_them(self, minio: MinioPart) -> None:
        bucket = minio.bucket()
        minio.client().put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        store = S3Store(s3_settings(minio, bucket))
        first, second = store.put("key", b"one"), store.put("key", b"two")
        assert first.version_id != second.version_id
        assert store.head("key") == replace(second, last_modified=_modified(store, "key"))
        with pytest.raises(ObjectChangedError, match="overwritten"):
            store.get_range(first, 0, 3)

    def test_bytes_that_contradict_their_stated_digest_are_refused(self, minio: MinioPart) -> None:
        bucket = minio.bucket()
        metadata = {"sha256": sha256(b"other").hexdigest()}
        minio.client().put_object(Bucket=bucket, Key="lie", Body=b"hello", Metadata=metadata)
        with pytest.raises(ObjectChangedError, match="do not match"):
            S3Store(s3_settings(minio, bucket)).get("lie")

    def test_a_missing_bucket_and_a_wrong_key_are_transient_and_named(self, minio: MinioPart) -> None:
        absent = S3Store(s3_settings(minio, "no-such-bucket"))
        with pytest.raises(TransientError, match="no-such-bucket"):
            absent.reachable()
        with pytest.raises(TransientError, match="NoSuchBucket"):
            absent.get("key")
        wrong_secret = s3_settings(minio, minio.bucket()).model_copy(update={"secret_access_key": SecretStr("wrong")})
        with pytest.raises(TransientError, match="SignatureDoesNotMatch"):
            S3Store(wrong_secret).get("key")

    def test_a_bucket_that_is_there_is_reachable(self, minio: MinioPart) -> None:
        assert new_s3_store(minio).reachable()


class TestS3BelowAPrefix(StoreContract):
    """A bucket that holds the same keys of other installations, which stay as they are."""

    OTHERS = ("south/", "north-2/", "")
    KEYS = ("a/b.json", "key", "slides/C/a.svs", "clinical/C.json")

    @pytest.fixture
    def settings(self, minio: MinioPart) -> S3Settings:
        return s3_settings(minio, minio.bucket()).model_copy(update={"prefix": "north"})

    @pytest.fixture
    def store(self, minio: MinioPart, settings: S3Settings) -> Iterator[BlobStore]:
        client, neighbours = minio.client(), {f"{other}{key}" for other in self.OTHERS for key in self.KEYS}
        for key in neighbours:
            client.put_object(Bucket=settings.bucket, Key=key, Body=b"a neighbour's")
        yield S3Store(settings)
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=settings.bucket)
        stored = {item["Key"]: item["Size"] for page in pages for item in page["Contents"]}
        assert {key for key in stored if not key.startswith("north/")} == neighbours
        assert {stored[key] for key in neighbours} == {len(b"a neighbour's")}

    def test_the_bucket_has_what_is_put_below_the_prefix(
        self, store: BlobStore, minio: MinioPart, settings: S3Settings
    ) -> None:
        store.put("slides/C/a.svs", b"own")
        body = minio.client().get_object(Bucket=settings.bucket, Key="north/slides/C/a.svs")["Body"]
        assert body.read() == b"own"
        assert [info.key for info in store.list("")] == ["slides/C/a.svs"]
        assert S3Store(settings.model_copy(update={"prefix": "west"})).reachable()

    @pytest.mark.parametrize("versioned", [False, True])
    def test_erasing_stays_below_the_prefix(
        self, store: BlobStore, minio: MinioPart, settings: S3Settings, versioned: bool
    ) -> None:
        bucket, client = settings.bucket, minio.client()
        if versioned:
            client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        for _ in range(2):
            store.put("slides/C/a.svs", b"own")
        uploads = [f"{prefix}clinical/C.json" for prefix in ("north/", "south/")]
        for key in uploads:
            client.create_multipart_upload(Bucket=bucket, Key=key)
        assert (store.erase("slides/C/"), store.erase("clinical/C.json")) == (1, 0)
        assert not client.list_object_versions(Bucket=bucket, Prefix="north/").get("Versions")
        unfinished = [bool(client.list_multipart_uploads(Bucket=bucket, Prefix=key).get("Uploads")) for key in uploads]
        assert unfinished == [False, True]

    def test_objects_of_several_parts_are_restored_below_the_prefix(
        self, store: BlobStore, settings: S3Settings
    ) -> None:
        parts = MultipartStore(settings)
        parts.put_parts("slides/C/large.svs", [bytes(5 << 20), b"rest"])
        info = store.head("slides/C/large.svs")
        assert info is not None
        assert (info.size, parts.part_size(info)) == ((5 << 20) + 4, 5 << 20)


def _modified(store: BlobStore, key: str) -> datetime:
    info = store.head(key)
    assert info is not None
    return info.last_modified


def _upload_in_parts(client: S3Client, bucket: str, key: str) -> None:
    upload = client.create_multipart_upload(Bucket=bucket, Key=key, ChecksumAlgorithm="SHA256")["UploadId"]
    uploaded = client.upload_part(
        Bucket=bucket, Key=key, UploadId=upload, PartNumber=1, Body=b"hello", ChecksumAlgorithm="SHA256"
    )
    done: CompletedPartTypeDef = {
        "PartNumber": 1,
        "ETag": uploaded["ETag"],
        "ChecksumSHA256": uploaded["ChecksumSHA256"],
    }
    client.complete_multipart_upload(Bucket=bucket, Key=key, UploadId=upload, MultipartUpload={"Parts": [done]})

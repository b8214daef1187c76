"""One suite for every object store: memory, a folder, and S3 on a real server."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from threading import Barrier
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mypy_boto3_s3 import S3Client
from mypy_boto3_s3.type_defs import CompletedPartTypeDef
from pydantic import SecretStr

from services.standalone.backup.multipart_store import MultipartStore
from shared.blob.folder import FolderStore
from shared.blob.memory import MemoryStore
from shared.blob.port import BlobInfo, BlobStore, NoObjectError, ObjectChangedError, read_if_there
from shared.blob.s3 import S3Store
from shared.errors import TransientError
from shared.settings import S3Settings
from tests.support.object_stores import new_s3_store, s3_settings
from tests.support.parts import MinioPart

ODD_KEYS = [
    "slides/c1/with space.svs",
    "slides/c1/1+2.svs",
    "slides/c1/100%25 %41.svs",
    "slides/c1/Gewebe-ä-切片.svs",
    "slides/c1/a&b=c?d#e;f'g\"h.svs",
]
_RACERS = 8
_names = st.text("ab %+-ä切.&", min_size=1, max_size=6).filter(lambda name: name.strip() not in {".", ".."})
"""Without names that MinIO refuses: `. ` as it does `.`, and no id may begin with a dot."""


class StoreContract:
    """What `BlobStore` promises."""

    @pytest.fixture
    def store(self) -> BlobStore:
        raise NotImplementedError

    def test_what_is_put_can_be_described_and_read(self, store: BlobStore) -> None:
        written = store.put("a/b.json", b"hello")
        info = store.head("a/b.json")
        assert info == store.head("a/b.json")
        assert info is not None
        assert (info.key, info.size, info.etag) == ("a/b.json", 5, written.etag)
        assert datetime(2024, 1, 1, tzinfo=UTC) < info.last_modified < datetime(2100, 1, 1, tzinfo=UTC)
        assert info.sha256 in {"", sha256(b"hello").hexdigest()}
        assert '"' not in info.etag
        assert store.get("a/b.json") == b"hello"

    def test_an_absent_object_has_no_description_and_no_bytes(self, store: BlobStore) -> None:
        assert store.head("absent") is None
        assert store.head("absent/too") is None
        assert read_if_there(store, "absent") is None
        with pytest.raises(NoObjectError, match="absent"):
            store.get("absent")

    def test_an_empty_object_is_an_object(self, store: BlobStore) -> None:
        assert store.put_new("empty", b"")
        info = store.head("empty")
        assert info is not None
        assert info.size == 0
        assert store.get("empty") == b""
        assert store.get_range(info, 0, 10) == b""

    @pytest.mark.parametrize("key", ODD_KEYS)
    def test_odd_keys_stay_as_they_are(self, store: BlobStore, key: str) -> None:
        assert store.put_new(key, key.encode())
        info = store.head(key)
        assert info is not None
        assert info.key == key
        assert store.get(key) == store.get_range(info, 0, info.size) == key.encode()
        assert [each.key for each in store.list("slides/c1/")] == [key]
        store.delete(key)
        assert store.head(key) is None

    def test_put_new_writes_once(self, store: BlobStore) -> None:
        assert store.put_new("once", b"first")
        assert not store.put_new("once", b"second")
        assert store.get("once") == b"first"

    def test_racing_writers_have_one_winner(self, store: BlobStore) -> None:
        for turn in range(5):
            key, together = f"race/{turn}", Barrier(_RACERS)

            def write(number: int, key: str = key, together: Barrier = together) -> bool:
                together.wait(30)
                return store.put_new(key, f"writer {number}".encode() * 1000)

            with ThreadPoolExecutor(_RACERS) as pool:
                won = list(pool.map(write, range(_RACERS)))
            assert won.count(True) == 1
            assert store.get(key) == f"writer {won.index(True)}".encode() * 1000

    def test_put_replaces_and_changes_the_etag(self, store: BlobStore) -> None:
        first = store.put("pointer", b"one")
        second = store.put("pointer", b"other")
        assert first.etag != second.etag
        assert store.get("pointer") == b"other"

    def test_replace_writes_over_exactly_the_version_that_is_described(self, store: BlobStore) -> None:
        first = store.put("mark", b"one")
        second = store.replace(first, b"two")
        assert second is not None
        assert store.replace(first, b"three") is None
        assert store.get("mark") == b"two"
        assert store.replace(second, b"four") is not None
        assert store.get("mark") == b"four"

    def test_replace_writes_nothing_where_the_object_is_gone(self, store: BlobStore) -> None:
        info = store.put("mark/of/case", b"one")
        store.delete("mark/of/case")
        assert store.replace(info, b"two") is None
        assert store.head("mark/of/case") is None

    def test_racing_replacements_of_a_version_have_one_winner(self, store: BlobStore) -> None:
        for turn in range(5):
            info, together = store.put(f"race/{turn}", b"before"), Barrier(_RACERS)

            def write(number: int, info: BlobInfo = info, together: Barrier = together) -> bool:
                together.wait(30)
                return store.replace(info, f"writer {number}".encode() * 1000) is not None

            with ThreadPoolExecutor(_RACERS) as pool:
                won = list(pool.map(write, range(_RACERS)))
            assert won.count(True) == 1
            assert store.get(info.key) == f"writer {won.index(True)}".encode() * 1000

    def test_ranges_are_half_open_and_end_with_the_object(self, store: BlobStore) -> None:
        data = bytes(range(256)) * 40
        info = store.put("range", data)
        assert store.get_range(info, 0, 1) == data[:1]
        assert store.get_range(info, 100, 5000) == data[100:5000]
        assert store.get_range(info, 10_000, 99_999) == data[10_000:]
        assert store.get_range(info, 99_999, 199_999) == b""
        assert store.get_range(info, 5, 5) == b""

    def test_a_range_of_an_overwritten_object_is_refused(self, store: BlobStore) -> None:
        info = store.put("slide", b"old bytes")
        store.put("slide", b"new bytes")
        with pytest.raises(ObjectChangedError, match="overwritten or deleted"):
            store.get_range(info, 0, 3)

    def test_a_range_of_a_deleted_object_is_refused(self, store: BlobStore) -> None:
        info = store.put("slide", b"old bytes")
        store.delete("slide")
        with pytest.raises(ObjectChangedError, match="overwritten or deleted"):
            store.get_range(info, 0, 3)

    def test_deleting_twice_is_fine(self, store: BlobStore) -> None:
        store.put("gone", b"x")
        store.delete("gone")
        store.delete("gone")
        store.delete("never/there")
        assert store.head("gone") is None

    def test_erasing_a_name_removes_that_object_or_all_below_it_and_nothing_beside(self, store: BlobStore) -> None:
        for key in (
            "slides/C/a.svs",
            "slides/C/deep/b.dcm",
            "slides/CC/a.svs",
            "clinical/C.json",
            "clinical/C.json.json",
        ):
            store.put(key, key.encode())
        assert store.erase("slides/C/") == 2
        assert store.erase("clinical/C.json") == 1
        assert store.erase("slides/C/") == 0
        assert [info.key for info in store.list("")] == ["clinical/C.json.json", "slides/CC/a.svs"]

    def test_a_list_is_in_key_order_and_only_of_its_prefix(self, store: BlobStore) -> None:
        keys = ["b/x", "a/b/c", "a/b-", "a/b.json", "a/b0", "a/c", "ab", "a/ä", "a/Z"]
        for key in keys:
            store.put(key, key.encode())
        expected = sorted((key for key in keys if key.startswith("a/")), key=str.encode)
        listed = list(store.list("a/"))
        assert [info.key for info in listed] == expected
        assert [info.size for info in listed] == [len(key.encode()) for key in expected]
        assert [info.key for info in store.list("a/b")] == ["a/b-", "a/b.json", "a/b/c", "a/b0"]
        assert [info.key for info in store.list("")] == sorted(keys, key=str.encode)
        assert list(store.list("none/")) == []

    def test_a_listed_object_has_the_etag_of_its_head(self, store: BlobStore) -> None:
        store.put_new("a/b", b"x")
        (listed,) = store.list("a/")
        info = store.head("a/b")
        assert info is not None
        assert listed.etag == info.etag
        assert listed.last_modified.tzinfo is not None

    @settings(
        max_examples=15,
        database=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
    )
    @given(parts=st.lists(_names, min_size=1, max_size=3), data=st.binary(max_size=100))
    def test_any_key_gives_back_its_bytes(self, store: BlobStore, parts: list[str], data: bytes) -> None:
        key = f"{uuid4()}/" + "/".join(parts)
        store.put(key, data)
        assert store.get(key) == data
        assert [info.key for info in store.list(key)] == [key]


class TestMemory(StoreContract):
    @pytest.fixture
    def store(self) -> BlobStore:
        return MemoryStore()


class TestFolder(StoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> BlobStore:
        return FolderStore(tmp_path / "bucket")

    def test_erasing_leaves_no_folder_of_the_name(self, tmp_path: Path) -> None:
        store = FolderStore(tmp_path / "bucket")
        store.put("slides/C/deep/b.dcm", b"x")
        store.erase("slides/C/")
        assert not (tmp_path / "bucket/slides/C").exists()
        assert (tmp_path / "bucket/slides").is_dir()


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

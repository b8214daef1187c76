"""One suite for every object store: memory, a folder, and, in `test_blob_s3`, S3 on a real server."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from threading import Barrier
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.blob.folder import FolderStore
from shared.blob.memory import MemoryStore
from shared.blob.port import BlobInfo, BlobStore, NoObjectError, ObjectChangedError, read_if_there

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

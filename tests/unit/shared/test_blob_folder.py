"""A folder as object store: nothing outside of it, nothing half-written."""

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.blob.folder import FolderStore, UnsafeKeyError
from shared.blob.port import BlobInfo
from shared.errors import TransientError

ESCAPES = ["", "/etc/passwd", "../x", "a/../../x", "a//b", "a/", ".", "a/./b", "..", "a\0b", ".unfinished/x"]


@pytest.mark.parametrize("key", ESCAPES)
def test_a_key_that_is_no_path_below_the_root_is_refused(tmp_path: Path, key: str) -> None:
    store = FolderStore(tmp_path)
    info = BlobInfo(key, 1, "x", last_modified=datetime(2026, 1, 1, tzinfo=UTC))
    calls: list[Callable[[], object]] = [
        lambda: store.head(key),
        lambda: store.get(key),
        lambda: store.get_range(info, 0, 1),
        lambda: store.put_new(key, b""),
        lambda: store.put(key, b""),
        lambda: store.delete(key),
    ]
    for call in calls:
        with pytest.raises(UnsafeKeyError):
            call()
    assert list(tmp_path.iterdir()) == []


@given(key=st.text("a./\\ \0", max_size=12))
def test_no_key_is_written_outside_of_the_root(tmp_path_factory: pytest.TempPathFactory, key: str) -> None:
    above = tmp_path_factory.mktemp("above")
    with suppress(UnsafeKeyError):
        FolderStore(above / "root").put(key, b"x")
    assert {path.name for path in above.iterdir()} <= {"root"}


@pytest.mark.parametrize("write", ["put", "put_new"])
def test_a_crash_while_writing_leaves_nothing_half_written(tmp_path: Path, write: str) -> None:
    program = (
        "import os, pathlib, sys; from shared.blob.folder import FolderStore; os.fsync = lambda _: os._exit(9)\n"
        f"FolderStore(pathlib.Path(sys.argv[1])).{write}('a/b', b'x' * 100_000)"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], env=environment, check=False, timeout=30)
    assert done.returncode == 9
    store = FolderStore(tmp_path)
    assert store.head("a/b") is None
    assert list(store.list("")) == []
    assert store.put_new("a/b", b"whole")
    assert store.get("a/b") == b"whole"


def test_what_a_crash_left_behind_is_removed_a_day_later(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    store.put("a", b"x")
    old, young = tmp_path / ".unfinished/old", tmp_path / ".unfinished/young"
    for path in (old, young):
        path.write_bytes(b"half")
    os.utime(old, (0, 0))
    FolderStore(tmp_path)
    assert (old.exists(), young.exists()) == (False, True)


def test_an_object_and_a_folder_cannot_have_one_name(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    store.put("a/b", b"x")
    with pytest.raises(UnsafeKeyError, match="needs a folder"):
        store.put_new("a/b/c", b"x")
    with pytest.raises(UnsafeKeyError, match="is a folder"):
        store.put("a", b"x")


def test_files_that_people_put_there_are_objects(tmp_path: Path) -> None:
    (tmp_path / "slides/c1").mkdir(parents=True)
    (tmp_path / "slides/c1/s1.svs").write_bytes(b"pixels")
    (tmp_path / "elsewhere").symlink_to(tmp_path / "slides")
    store = FolderStore(tmp_path)
    assert [info.key for info in store.list("")] == ["elsewhere/c1/s1.svs", "slides/c1/s1.svs"]
    assert store.get("slides/c1/s1.svs") == b"pixels"


def test_a_name_longer_than_the_disk_takes_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(TransientError, match="File name too long"):
        FolderStore(tmp_path).put("n" * 300, b"x")


def test_links_in_circles_or_to_nowhere_hide_no_other_object(tmp_path: Path) -> None:
    (tmp_path / "slides/A").mkdir(parents=True)
    (tmp_path / "slides/A/a.svs").write_bytes(b"slide")
    (tmp_path / "slides/A/self.svs").symlink_to("self.svs")
    (tmp_path / "slides/A/gone.svs").symlink_to("nowhere.svs")
    (tmp_path / "slides/A/up").symlink_to("..")
    assert [info.key for info in FolderStore(tmp_path).list("slides/")] == ["slides/A/a.svs"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_read_hides_no_other_and_is_told_to_whoever_asks_for_it(tmp_path: Path) -> None:
    for case in "AB":
        (tmp_path / "slides" / case).mkdir(parents=True)
        (tmp_path / f"slides/{case}/a.svs").write_bytes(b"slide")
    (tmp_path / "slides/A").chmod(0)
    assert [info.key for info in FolderStore(tmp_path).list("slides/")] == ["slides/B/a.svs"]
    with pytest.raises(TransientError):
        list(FolderStore(tmp_path).list("slides/A/"))
    (tmp_path / "slides/A").chmod(0o700)


def test_a_file_that_an_older_one_replaces_is_another_version(tmp_path: Path) -> None:
    store, path = FolderStore(tmp_path), tmp_path / "a"
    store.put("a", b"new")
    etags = {etag_of(store)}
    for data, modified in ((b"old", 1_000), (b"odd", 1_000), (b"far", 9_000_000_000)):
        path.write_bytes(data)
        os.utime(path, (modified, modified))
        etags.add(etag_of(store))
    assert len(etags) == 4


@pytest.mark.parametrize("write", ["put", "put_new"])
def test_what_was_written_is_described_as_it_stands(tmp_path: Path, write: str) -> None:
    store = FolderStore(tmp_path)
    written = getattr(store, write)("a", b"x")
    assert written in {True, store.head("a")}


def etag_of(store: FolderStore) -> str:
    info = store.head("a")
    assert info is not None
    return info.etag


@pytest.mark.parametrize("write", [FolderStore.put, FolderStore.put_new])
def test_a_write_outlives_an_erasure_that_removes_its_folder_meanwhile(
    write: Callable[[FolderStore, str, bytes], object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, sync = FolderStore(tmp_path), os.fsync

    def sync_while_erased(file: int) -> None:
        sync(file)
        store.erase("embeddings/a/")

    monkeypatch.setattr(os, "fsync", sync_while_erased)
    assert write(store, "embeddings/a/b/part", b"part")
    assert store.get("embeddings/a/b/part") == b"part"

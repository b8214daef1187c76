"""Scratch disk: one budget, nothing left behind, nothing believed that does not match."""

import errno
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier, Event
from typing import IO, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from services.tiler.download import Downloader
from services.tiler.errors import EmptyObjectError, OutOfDiskError, SlideTooLargeError
from services.tiler.in_place import whole_digest
from services.tiler.scratch import Scratch
from services.tiler.scratch_home import ScratchHome
from services.tiler.settings import ScratchSettings
from shared.blob.memory import MemoryStore
from shared.blob.port import BlobInfo, ObjectChangedError
from shared.canonical import sha256
from shared.erased import ErasedCases
from shared.errors import TransientError
from shared.units import CaseId

KEY = "slides/case-1/{}.svs"
_MB = 10**6


class CountingStore(MemoryStore):
    """A memory store that counts ranged reads."""

    def __init__(self) -> None:
        super().__init__()
        self.ranges = 0

    def get_range(self, info: BlobInfo, start: int, end: int) -> bytes:
        self.ranges += 1
        return super().get_range(info, start, end)


@pytest.fixture
def store() -> CountingStore:
    return CountingStore()


def scratch_of(
    store: MemoryStore, folder: Path, budget_mb: int = 2, wait_s: float = 20, idle_s: float = 300
) -> Scratch:
    settings = ScratchSettings(
        folder=folder, budget_mb=budget_mb, part_mb=1, connections=4, wait_s=wait_s, idle_s=idle_s
    )
    return Scratch(store, settings)


def put(store: MemoryStore, name: str, size: int = _MB) -> BlobInfo:
    return store.put(KEY.format(name), name.encode()[:1] * size)


def files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".lock"]


def test_a_held_slide_has_its_bytes_and_digest(store: CountingStore, tmp_path: Path) -> None:
    data = bytes(range(256)) * 10_000
    info = store.put(KEY.format("a"), data)
    with scratch_of(store, tmp_path, 3) as scratch, scratch.hold([info]) as local:
        assert local.path.read_bytes() == data
        assert local.path.name == "a.svs"
        assert local.digest == sha256(data)
    assert store.ranges == 3


def test_a_second_look_needs_no_second_download(store: CountingStore, tmp_path: Path) -> None:
    info = put(store, "a")
    with scratch_of(store, tmp_path) as scratch:
        for _ in range(3):
            with scratch.hold([info]) as local:
                assert local.path.exists()
    assert store.ranges == 1


def test_workers_who_want_the_same_slide_share_one_download(store: CountingStore, tmp_path: Path) -> None:
    info, together = put(store, "a"), Barrier(4)

    def hold(_: int) -> str:
        together.wait()
        with scratch.hold([info]) as local:
            return local.digest

    with scratch_of(store, tmp_path) as scratch, ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(hold, range(4)))) == 1
    assert store.ranges == 1


def test_an_overwritten_slide_is_another_slide(store: CountingStore, tmp_path: Path) -> None:
    with scratch_of(store, tmp_path) as scratch:
        with scratch.hold([put(store, "a")]) as local:
            first = local.digest
        with scratch.hold([store.put(KEY.format("a"), b"new")]) as local:
            assert local.digest != first


def test_idle_slides_make_room_the_least_recent_first(store: CountingStore, tmp_path: Path) -> None:
    a, b, c = (put(store, name) for name in "abc")
    with scratch_of(store, tmp_path) as scratch:
        for info in (a, b, a, c):
            with scratch.hold([info]):
                pass
        with scratch.hold([a]):
            assert store.ranges == 3
        with scratch.hold([b]):
            assert store.ranges == 4


def test_a_slide_idle_for_long_leaves_scratch_even_when_its_object_is_gone(
    store: CountingStore, tmp_path: Path
) -> None:
    info = put(store, "a")
    with scratch_of(store, tmp_path, idle_s=1e-9) as scratch:
        with scratch.hold([info]):
            store.delete(info.key)
            scratch.drop_idle()
            assert len(files_below(tmp_path)) == 1
        scratch.drop_idle()
        assert not files_below(tmp_path)
        assert REGISTRY.get_sample_value("medulla_scratch_used_bytes") == 0


def test_slides_of_an_erased_case_leave_scratch_at_once(store: CountingStore, tmp_path: Path) -> None:
    with scratch_of(store, tmp_path) as scratch:
        with scratch.hold([put(store, "a")]):
            pass
        with scratch.hold([store.put("slides/case-2/b.svs", b"b")]):
            pass
        ErasedCases(store).add(CaseId("case-1"))
        scratch.drop_idle()
        assert [path.name for path in files_below(tmp_path)] == ["b.svs"]


def test_a_slide_used_a_moment_ago_stays_on_scratch(store: CountingStore, tmp_path: Path) -> None:
    with scratch_of(store, tmp_path) as scratch:
        with scratch.hold([put(store, "a")]):
            pass
        scratch.drop_idle()
        assert len(files_below(tmp_path)) == 1


def test_the_budget_is_never_exceeded_by_slides_in_use(store: CountingStore, tmp_path: Path) -> None:
    a, b, c = (put(store, name) for name in "abc")
    entered = Event()

    def third() -> None:
        with scratch.hold([c]):
            entered.set()

    with scratch_of(store, tmp_path) as scratch, ThreadPoolExecutor(1) as pool:
        with scratch.hold([a]), scratch.hold([b]):
            third_read = pool.submit(third)
            assert not entered.wait(0.2)
            assert sum(path.stat().st_size for path in files_below(tmp_path)) <= 2 * _MB
        third_read.result(timeout=10)
    assert entered.is_set()


def test_a_slide_that_finds_no_room_in_time_is_tried_again_later(store: CountingStore, tmp_path: Path) -> None:
    a, b, c = (put(store, name) for name in "abc")
    full = pytest.raises(TransientError, match="stayed full")
    with (
        scratch_of(store, tmp_path, wait_s=0.05) as scratch,
        scratch.hold([a]),
        scratch.hold([b]),
        full,
        scratch.hold([c]),
    ):
        pass


def test_a_slide_that_can_never_fit_is_refused_before_a_byte_is_read(store: CountingStore, tmp_path: Path) -> None:
    info = put(store, "a", 3 * _MB)
    with scratch_of(store, tmp_path) as scratch, pytest.raises(SlideTooLargeError, match="3 MB"), scratch.hold([info]):
        pass
    assert store.ranges == 0


def test_a_failed_download_leaves_nothing_and_gives_its_room_back(store: CountingStore, tmp_path: Path) -> None:
    info = put(store, "a", 2 * _MB)
    store.put(info.key, b"another version")
    with scratch_of(store, tmp_path) as scratch:
        with pytest.raises(ObjectChangedError), scratch.hold([info]):
            pass
        assert not files_below(tmp_path)
        with scratch.hold([put(store, "b", 2 * _MB)]):
            pass


def test_a_deleted_object_is_no_longer_that_version(store: CountingStore, tmp_path: Path) -> None:
    info = put(store, "a")
    store.delete(info.key)
    with scratch_of(store, tmp_path) as scratch, pytest.raises(ObjectChangedError), scratch.hold([info]):
        pass


def test_bytes_that_do_not_match_the_stated_checksum_are_refused(store: CountingStore, tmp_path: Path) -> None:
    stored = put(store, "a")
    wrong_digest = BlobInfo(
        stored.key, stored.size, stored.etag, stored.last_modified, stored.version_id, sha256(b"other")
    )
    refused = pytest.raises(ObjectChangedError, match="checksum")
    with scratch_of(store, tmp_path) as scratch, refused, scratch.hold([wrong_digest]):
        pass


def test_an_empty_object_is_refused(store: CountingStore, tmp_path: Path) -> None:
    info = store.put(KEY.format("a"), b"")
    with scratch_of(store, tmp_path) as scratch, pytest.raises(EmptyObjectError), scratch.hold([info]):
        pass


def test_a_full_disk_is_said_to_be_full(store: CountingStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> IO[bytes]:
        raise OSError(errno.ENOSPC, "No space left on device")

    info = put(store, "a")
    with ThreadPoolExecutor(1) as pool:
        monkeypatch.setattr(Path, "open", full)
        with pytest.raises(OutOfDiskError, match="no room on disk"):
            Downloader(store, pool, _MB, 1).fetch(info, tmp_path / "a.svs")


def test_companions_lie_beside_their_slide_and_count_for_its_digest(store: CountingStore, tmp_path: Path) -> None:
    files = [store.put("slides/case-1/x/a.mrxs", b"main"), store.put("slides/case-1/x/a/Slidedat.ini", b"index")]
    with scratch_of(store, tmp_path) as scratch, scratch.hold(files) as local:
        assert local.path.name == "a.mrxs"
        assert (local.path.parent / "a" / "Slidedat.ini").read_bytes() == b"index"
        assert local.digest == whole_digest([sha256(b"main"), sha256(b"index")])


def test_a_series_is_opened_as_the_folder_of_its_files_and_its_digest_knows_no_names(
    store: CountingStore, tmp_path: Path
) -> None:
    level0, level1 = (bytes(128) + b"DICM" + bytes([number]) for number in (1, 2))
    first = [store.put("slides/case-1/a/1.dcm", level0), store.put("slides/case-1/b/1.dcm", level1)]
    second = [store.put("slides/case-1/2.dcm", level1), store.put("slides/case-1/1.dcm", level0)]
    with scratch_of(store, tmp_path) as scratch, scratch.hold(first) as here, scratch.hold(second) as there:
        assert sorted(path.read_bytes() for path in here.path.rglob("*.dcm")) == [level0, level1]
        assert here.digest == there.digest
        assert here.path != there.path


def test_closing_removes_everything(store: CountingStore, tmp_path: Path) -> None:
    scratch = scratch_of(store, tmp_path)
    with scratch.hold([put(store, "a")]):
        pass
    scratch.close()
    assert not list(tmp_path.iterdir())


def test_what_a_killed_process_left_is_removed_at_the_next_start(tmp_path: Path) -> None:
    script = (
        "import os, sys, pathlib; from services.tiler.scratch_home import ScratchHome;"
        "home = ScratchHome(pathlib.Path(sys.argv[1])); (home.folder / 'slide.svs').write_bytes(b'x');"
        "os.kill(os.getpid(), 9)"
    )
    killed = subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False, timeout=60)
    assert killed.returncode == -9
    assert files_below(tmp_path)
    with ScratchHome(tmp_path) as home:
        assert not files_below(tmp_path)
        assert list(tmp_path.iterdir()) != []
        assert home.folder.is_dir()


def test_what_a_living_process_holds_is_left_alone(tmp_path: Path) -> None:
    with ScratchHome(tmp_path) as first:
        (first.folder / "slide.svs").write_bytes(b"x")
        with ScratchHome(tmp_path) as second:
            assert second.folder != first.folder
            assert (first.folder / "slide.svs").exists()


@given(size=st.integers(1, 5000), part_bytes=st.integers(1, 700), ahead=st.integers(1, 9))
def test_whatever_the_parts_the_bytes_are_the_same(
    size: int, part_bytes: int, ahead: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    data, store = bytes(i % 251 for i in range(size)), MemoryStore()
    path = tmp_path_factory.mktemp("parts") / "a.svs"
    with ThreadPoolExecutor(3) as pool:
        assert Downloader(store, pool, part_bytes, ahead).fetch(store.put("slides/c/a.svs", data), path) == sha256(data)
    assert path.read_bytes() == data

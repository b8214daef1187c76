"""The watched folder tells of what landed, was replaced or is gone, by what it has seen and no date."""

import os
from pathlib import Path

from services.standalone.folder_watch import FolderWatch
from shared.blob.folder import FolderStore
from shared.bus import topics
from shared.bus.memory import MemoryBus
from shared.bus.s3_events import decode
from shared.home import Home


class Watched:
    """A folder under watch, and a clock that stands until it is moved."""

    def __init__(self, folder: Path) -> None:
        self.path, self.bus, self.clock = folder / "slides/a/b.svs", MemoryBus(), 0.0
        self.path.parent.mkdir(parents=True)
        self.erased = False
        self.look = FolderWatch(
            FolderStore(folder), self.bus.producer(), Home("b"), "slides/", lambda: self.clock, lambda _: self.erased
        )

    def after(self, seconds: float) -> list[bool]:
        """Whether each announcement so far is one of a removal."""
        self.clock += seconds
        self.look()
        return [decode(record).removed for record in self.bus.records(topics.S3_EVENTS)]

    def write(self, data: bytes, date: float) -> None:
        self.path.write_bytes(data)
        os.utime(self.path, (date, date))


def test_a_file_is_announced_once_it_has_been_the_same_for_a_moment_whatever_its_date(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    watched.write(b"half", 4_000_000_000)
    assert watched.after(0) == []
    watched.write(b"half of it", 1)
    assert watched.after(1.9) == []
    assert watched.after(1.9) == []
    assert watched.after(0.1) == [False]
    assert watched.after(9) == [False]


def test_a_file_that_an_older_one_replaces_is_announced_again(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    watched.write(b"new", 2_000)
    watched.after(0)
    assert watched.after(2) == [False]
    watched.write(b"old", 1_000)
    watched.after(0)
    assert watched.after(2) == [False, False]


def test_a_file_that_is_gone_is_announced_at_once_and_once(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    watched.write(b"x", 0)
    watched.after(0)
    watched.after(2)
    watched.path.unlink()
    assert watched.after(0) == [False, True]
    assert watched.after(9) == [False, True]


def test_a_file_whose_name_is_no_text_stops_no_other(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    watched.write(b"x", 0)
    Path(os.fsdecode(os.fsencode(watched.path.parent) + b"/a\xff.svs")).write_bytes(b"x")
    watched.after(0)
    assert watched.after(2) == [False]
    assert watched.after(9) == [False]


def test_a_file_that_lands_while_its_case_is_erased_is_announced_when_that_is_lifted(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    watched.erased = True
    watched.write(b"x", 0)
    watched.after(0)
    assert watched.after(2) == []
    watched.erased = False
    assert watched.after(1) == [False]
    assert watched.after(9) == [False]

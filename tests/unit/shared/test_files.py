"""A file is there whole or not at all."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.files import put, put_chunks


def test_a_file_takes_the_place_of_the_older_one_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    put(path, b"older")
    put(path, b"newer")
    assert path.read_bytes() == b"newer"
    assert list(tmp_path.iterdir()) == [path]


def test_a_stop_before_all_is_written_leaves_the_older_file(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    put(path, b"older")

    def chunks() -> Iterator[bytes]:
        yield b"ne"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        put_chunks(path, chunks())
    assert path.read_bytes() == b"older"

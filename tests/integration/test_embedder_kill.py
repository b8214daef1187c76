"""An embedder that is killed with SIGKILL loses only the current chunk."""

import subprocess
import sys
from pathlib import Path

import pytest

from services.embedder.chunks import CheckedTiles
from services.embedder.handler import EmbedSlide
from shared.blob.folder import FolderStore
from shared.blob.memory import MemoryStore
from tests.support.checkout import CHECKOUT
from tests.support.embedding import FakeEncoder, FakeTileSource, planned


def kill_in_chunk(folder: Path, chunk: int) -> None:
    command = [sys.executable, "-m", "tests.support.embed_and_hang", str(folder), str(chunk)]
    process = subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "hanging\n"
    finally:
        process.kill()
        process.wait(10)


@pytest.mark.parametrize("chunk", [0, 2, 4])
def test_a_slide_whose_embedder_was_killed_gets_the_same_bag_from_the_next_one(tmp_path: Path, chunk: int) -> None:
    kill_in_chunk(tmp_path, chunk)
    store, tiles = FolderStore(tmp_path), FakeTileSource()
    event = planned(store, tiles=18)
    embedded = EmbedSlide(CheckedTiles(tiles), FakeEncoder(), store, lambda _: None)(event)

    untouched = MemoryStore()
    source = CheckedTiles(FakeTileSource())
    expected = EmbedSlide(source, FakeEncoder(), untouched, lambda _: None)(planned(untouched, tiles=18))
    assert tiles.sent == list(range(chunk, 5))
    assert embedded.bag == expected.bag
    assert store.get(embedded.bag.key) == untouched.get(expected.bag.key)
    assert {path.name for path in (tmp_path / "embeddings").rglob("*") if path.is_file()} == {
        "bag.safetensors",
        "manifest.json",
    }

"""A process that embeds a slide and hangs in the middle, to be killed: `python -m tests.support.embed_and_hang`."""

import sys
from pathlib import Path
from threading import Event

from services.embedder.chunks import CheckedTiles
from services.embedder.handler import EmbedSlide
from services.embedder.ports import Features, Tiles
from shared.blob.folder import FolderStore
from tests.support.embedding import FakeEncoder, FakeTileSource, planned


class HangingEncoder(FakeEncoder):
    """Says so and hangs when it is given chunk number `at`."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self._at = at

    def embed(self, tiles: Tiles) -> Features:
        if len(self.batches) == self._at:
            sys.stdout.write("hanging\n")
            sys.stdout.flush()
            Event().wait()
        return super().embed(tiles)


def main() -> None:
    """Embed the slide of `planned` into the folder given first; hang at the chunk given second."""
    store = FolderStore(Path(sys.argv[1]))
    event = planned(store, tiles=18)
    EmbedSlide(CheckedTiles(FakeTileSource()), HangingEncoder(int(sys.argv[2])), store, lambda _: None)(event)


if __name__ == "__main__":
    main()

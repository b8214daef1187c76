"""Chunks of a stream count only when the tiler has proven the slide's digest at its end."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from medulla.v1.common_pb2 import Plan, Slide
from medulla.v1.tiles_pb2 import TileChunk

from services.embedder.chunks import CheckedTiles
from shared.errors import PermanentError
from shared.rpc.client import RefusedByServerError
from tests.support.embedding import FakeTileSource, Setting, planned


class UnprovenTileSource(FakeTileSource):
    """Is refused before the last chunk, as by a tiler that read other bytes than those that were planned."""

    def chunks(self, slide: Slide, plan: Plan, first_chunk: int) -> Iterator[TileChunk]:
        for chunk in super().chunks(slide, plan, first_chunk):
            if chunk.index == 2:
                raise RefusedByServerError("the bytes are not those that were planned", "digest_mismatch", "-")
            yield chunk


def test_chunks_of_bytes_that_were_not_planned_are_removed() -> None:
    setting = Setting()
    event = planned(setting.store, tiles=12)
    unproven = replace(setting.embed, tiles=CheckedTiles(UnprovenTileSource()))
    with pytest.raises(PermanentError, match="not those that were planned"):
        unproven(event)
    assert setting.keys_below("embeddings/") == []
    setting.embed(event)
    assert setting.tiles.sent == [0, 1, 2]

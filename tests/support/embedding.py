"""A planned slide of random pixels and a fast encoder, for tests of the embedder."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from medulla.v1.common_pb2 import Plan, Slide, StoredObject, TileLedger
from medulla.v1.events_pb2 import Progress, SlideTiled
from medulla.v1.tiles_pb2 import TILE_ENCODING_RAW_UINT8, TileChunk

from services.embedder.chunks import CheckedTiles
from services.embedder.handler import EmbedSlide
from services.embedder.known_tile import answer_for
from services.embedder.manifest import EncoderManifest
from services.embedder.ports import Features, Tiles
from shared import keys
from shared.blob.memory import MemoryStore
from shared.blob.port import BlobInfo, BlobStore
from shared.errors import TransientError
from shared.tensors import encode_tensors
from shared.units import Sha256

PX = 16
DIM = 4


def digest_of(name: str) -> Sha256:
    return Sha256(hashlib.sha256(name.encode()).hexdigest())


def planned(store: BlobStore, tiles: int, per_chunk: int = 4, name: str = "s1") -> SlideTiled:
    """Store a plan of `tiles` tiles and say that the slide is tiled."""
    slide, plan = digest_of(name), digest_of(f"plan of {name}")
    prefix = keys.plan_prefix(slide, plan)
    coords = np.stack([np.arange(tiles) * 256, np.arange(tiles) * 512], axis=1).astype(np.int32)
    store.put_new(prefix + "tiles.safetensors", encode_tensors({"coords": coords}))
    landed = land(store, name)
    return SlideTiled(
        event_id=digest_of(f"event of {name}")[:32],
        slide=Slide(
            case_id="case-1", slide_id=name, digest=slide, object=StoredObject(key=landed.key, etag=landed.etag)
        ),
        plan=Plan(digest=plan, prefix=prefix, tiles=tiles, tiles_per_chunk=per_chunk, tile_px=PX, tile_um=8.0),
        ledger=TileLedger(ok=tiles, background=7),
    )


def land(store: BlobStore, name: str) -> BlobInfo:
    """Put the slide that `planned` plans, unless it stands."""
    key = f"slides/case-1/{name}.svs"
    store.put_new(key, name.encode())
    landed = store.head(key)
    assert landed is not None
    return landed


def pixels_of(slide: Slide, tiles: Sequence[int]) -> Tiles:
    """Pixels that depend on the slide and on a tile's position in its plan."""
    seed = int(slide.digest[:8], 16)
    pixels = [np.random.default_rng(seed + tile).integers(0, 256, (PX, PX, 3), np.uint8) for tile in tiles]
    return np.stack(pixels) if pixels else np.empty((0, PX, PX, 3), np.uint8)


def raw_chunk(slide: Slide, plan: Plan, index: int, corrupt: frozenset[int] = frozenset()) -> TileChunk:
    """One chunk as the tiler sends it."""
    start = index * plan.tiles_per_chunk
    share = range(start, min(start + plan.tiles_per_chunk, plan.tiles))
    tiles = [tile for tile in share if tile not in corrupt]
    data = pixels_of(slide, tiles).tobytes()
    return TileChunk(
        index=index,
        encoding=TILE_ENCODING_RAW_UINT8,
        pixels=[data],
        tiles=tiles,
        corrupt=[tile for tile in share if tile in corrupt],
        digest=hashlib.sha256(data).hexdigest(),
    )


@dataclass
class FakeTileSource:
    """Chunks of made-up pixels; remembers from where it was asked, and breaks off before chunk `breaks_at`, once."""

    corrupt: frozenset[int] = frozenset()
    breaks_at: int | None = None
    requested: list[int] = field(default_factory=list)
    sent: list[int] = field(default_factory=list)

    def chunks(self, slide: Slide, plan: Plan, first_chunk: int) -> Iterator[TileChunk]:
        self.requested.append(first_chunk)
        for index in range(first_chunk, -(-plan.tiles // plan.tiles_per_chunk)):
            if index == self.breaks_at:
                self.breaks_at = None
                raise TransientError("the tiler went away")
            self.sent.append(index)
            yield raw_chunk(slide, plan, index, self.corrupt)


class FakeEncoder:
    """Four moments of the pixels; counts its runs."""

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.manifest = EncoderManifest(
            name="moments",
            version="1",
            source="tests",
            licence="Apache-2.0",
            digest=digest_of("moments"),
            input_px=PX,
            tile_um=8.0,
            um_per_px=0.5,
            dim=DIM,
            known_answer=answer_for(np.ones(DIM, np.float32)),
        )

    def embed(self, tiles: Tiles) -> Features:
        self.batches.append(len(tiles))
        flat = tiles.reshape(len(tiles), PX * PX * 3).astype(np.float32)
        return np.stack([flat.mean(1), flat.std(1), flat.min(1), flat.max(1)], axis=1)


class Setting:
    """A handler with everything around it at hand."""

    def __init__(self, tiles: FakeTileSource | None = None, max_corrupt: float = 0.05) -> None:
        self.store = MemoryStore()
        self.tiles = tiles or FakeTileSource()
        self.encoder = FakeEncoder()
        self.progress: list[Progress] = []
        self.embed = EmbedSlide(CheckedTiles(self.tiles), self.encoder, self.store, self.progress.append, max_corrupt)

    def keys_below(self, prefix: str) -> list[str]:
        return [info.key.rpartition("/")[2] for info in self.store.list(prefix)]

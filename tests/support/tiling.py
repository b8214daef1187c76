"""A tiler in one process, on a memory store: what its tests put together again and again."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from medulla.v1.events_pb2 import SlideTiled
from medulla.v1.tiles_pb2 import StreamTilesResponse, TileChunk

from services.tiler.chunk_message import encode
from services.tiler.chunks import DecodedChunk, StreamChunks
from services.tiler.handler import PlanTiles
from services.tiler.landings import Landings
from services.tiler.on_landing import OnLanding
from services.tiler.plan_store import PlanStore
from services.tiler.planner import PlanSpec
from services.tiler.readers import OpenSlide, open_slide
from services.tiler.resolution import MppTable
from services.tiler.scratch import Scratch
from services.tiler.settings import ScratchSettings
from services.tiler.settling import SeriesSettings, Settling
from services.tiler.unplanned import Unplanned
from shared.blob.memory import MemoryStore
from shared.blob.port import BlobStore
from shared.bus.s3_events import ObjectHint
from shared.slides.listing import SlideListing


@dataclass(frozen=True)
class Tiling:
    """The tiler's handler and stream over one store."""

    blobs: BlobStore
    scratch: Scratch
    on_landing: OnLanding
    stream: StreamChunks

    @property
    def unplanned(self) -> list[str]:
        """The keys that a sweep announces."""
        tiler = self.on_landing
        pending = Unplanned(self.blobs, tiler.listing, [tiler.landings], tiler.plan_tiles.mpp)
        return [info.key for info in pending()]

    def land(self, key: str, data: bytes) -> None:
        """Put a slide into the store."""
        self.blobs.put(key, data)

    def hint(self, key: str) -> list[SlideTiled]:
        """Handle an event that says that `key` landed; the slides that are planned."""
        return [event for event in self.on_landing(ObjectHint(key, "medulla")) if isinstance(event, SlideTiled)]

    def plan(self, key: str, data: bytes) -> SlideTiled:
        """Land a slide and plan it."""
        self.land(key, data)
        (event,) = self.hint(key)
        return event

    def chunks(self, event: SlideTiled, first_chunk: int = 0) -> list[TileChunk]:
        """The messages of a slide's stream."""
        return messages_of(self.stream(event.slide, event.plan, first_chunk))


def messages_of(stream: Iterable[DecodedChunk]) -> list[TileChunk]:
    """The messages of a stream."""
    return [StreamTilesResponse.FromString(encode(chunk)).chunk for chunk in stream]


@contextmanager
def tiling(
    folder: Path,
    mpp: MppTable | None = None,
    budget_mb: int = 50,
    tiles_per_chunk: int = 16,
    store: BlobStore | None = None,
    opener: OpenSlide = open_slide,
) -> Iterator[Tiling]:
    """Put a tiler together, with scratch below `folder`, on `store` or on one in memory."""
    blobs, spec = store or MemoryStore(), PlanSpec(tiles_per_chunk=tiles_per_chunk)
    settings = ScratchSettings(folder=folder / "scratch", budget_mb=budget_mb, part_mb=1, connections=4, wait_s=20)
    plans = PlanStore(blobs)
    with Scratch(blobs, settings) as scratch, ThreadPoolExecutor(2) as pool:
        plan_tiles = PlanTiles(blobs, scratch, plans, spec, mpp or MppTable(), opener)
        settling = Settling(SeriesSettings(settle_s=0, quiet_s=0))
        on_landing = OnLanding(blobs, plan_tiles, Landings(blobs, spec), SlideListing(blobs), settling)
        yield Tiling(blobs, scratch, on_landing, StreamChunks(scratch, plans, pool, opener))

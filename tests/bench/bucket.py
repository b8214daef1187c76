"""A large slide in a bucket behind a slow link: streamed while it arrives, or downloaded first; and looked at."""

import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median, quantiles
from urllib.parse import urlsplit

from medulla.v1.events_pb2 import SlideTiled

from services.tiler.chunks import StreamChunks
from services.tiler.handler import PlanTiles, SlideLanded
from services.tiler.isolation import IsolatedReaders, isolated_readers
from services.tiler.messages import files_of
from services.tiler.open_views import OpenViews
from services.tiler.plan_store import PlanStore
from services.tiler.planner import PlanSpec
from services.tiler.ports import Region
from services.tiler.ranged_stream import RangedStreams
from services.tiler.regions import ReadRegions
from services.tiler.scratch import Scratch
from services.tiler.settings import ScratchSettings
from services.tiler.slide_view import ViewOpener
from shared.blob.s3 import S3Store
from shared.keys import SlideKey
from shared.settings import S3Settings
from shared.units import CaseId, SlideId
from tests.bench import cpu_time
from tests.bench.big_slide import big_slide
from tests.bench.processes import pid_of
from tests.bench.size import Size
from tests.bench.slow_link import BYTES_PER_S, slow_link
from tests.bench.table import Row, Section
from tests.bench.timing import measured
from tests.support.object_stores import s3_settings
from tests.support.parts import MinioPart

_KEY = SlideKey(CaseId("bench"), SlideId("big.tif"))
_OBJECT = "slides/bench/big.tif"
_THREADS = 4
_COLD, _WARM = 7, 120
_TILE = 256
_SCRATCH = ScratchSettings()
_CORES = os.cpu_count() or 1


@dataclass(frozen=True, slots=True)
class Streamed:
    """Seconds by the clock for all bytes, and then for all tiles; seconds of CPU time in all."""

    download_s: float
    decode_s: float
    our_cpu_s: float
    outside_cpu_s: float
    """Of the server and the link, which run on the same cores."""

    @property
    def seconds(self) -> float:
        """By the clock."""
        return self.download_s + self.decode_s

    @property
    def bound_s(self) -> float:
        """What no overlap of the two can beat: the longer one, or the CPU time of all processes on all cores."""
        return max(self.download_s, self.decode_s, (self.our_cpu_s + self.outside_cpu_s) / _CORES)


@dataclass(frozen=True)
class Bucket:
    """A planned slide behind the link."""

    near: S3Settings
    """Of the server, without a link."""
    store: S3Store
    event: SlideTiled
    readers: IsolatedReaders
    folder: Path
    outside: frozenset[int]
    """Processes of the server and of the link."""

    @contextmanager
    def over(self, bytes_per_s: float) -> Iterator["Bucket"]:
        """The same slide behind a link."""
        with slow_link(urlsplit(self.near.endpoint_url or "").port or 80, bytes_per_s) as link:
            far = self.near.model_copy(update={"endpoint_url": f"http://127.0.0.1:{link.port}"})
            yield replace(self, store=S3Store(far), outside=self.outside | {link.pid})

    def both_ways(self, repeats: int) -> tuple[Sequence[Streamed], Sequence[Streamed]]:
        """By ranges, and downloaded first, in turn."""
        ways = [(self.stream(ranged=True), self.stream(ranged=False)) for _ in range(repeats)]
        return [ranged for ranged, _ in ways], [downloaded for _, downloaded in ways]

    def stream(self, ranged: bool) -> Streamed:
        """Read all tiles, with nothing on scratch at the start."""
        plans = PlanStore(self.store)
        streams = RangedStreams(self.store, plans, self.readers) if ranged else None
        before = self._cpu()
        with ExitStack() as stack:
            scratch = stack.enter_context(_scratch(self.store, self.folder))
            pool = stack.enter_context(ThreadPoolExecutor(_THREADS))
            held = scratch.hold(files_of(self.event.slide))
            download_s = 0.0 if ranged else measured(lambda: stack.enter_context(held)).seconds
            stream = StreamChunks(scratch, plans, pool, self.readers, ranged=streams)
            decode_s = measured(lambda: deque(stream(self.event.slide, self.event.plan), maxlen=0)).seconds
        ours, outside = (now - then for now, then in zip(self._cpu(), before, strict=True))
        return Streamed(download_s, decode_s, ours, outside)

    def _cpu(self) -> tuple[float, float]:
        """Seconds of CPU time so far: of our processes, and of the server and the link."""
        return cpu_time.of_trees({os.getpid()}, without=self.outside), cpu_time.of_trees(self.outside)

    @contextmanager
    def regions(self) -> Iterator[ReadRegions]:
        """A viewer's pixels, with nothing open at the start."""
        with _scratch(self.store, self.folder) as scratch:
            opener = ViewOpener(self.store, scratch, self.readers, 2**25, check_every_s=5)
            with OpenViews(opener, 1, idle_s=60) as views:
                yield ReadRegions(views, PlanStore(self.store), most=16)

    def look(self, regions: ReadRegions, column: int, row: int) -> float:
        """Milliseconds for one stored tile of the full resolution."""
        region = Region(column * _TILE, row * _TILE, _TILE, _TILE, _TILE, _TILE)
        return 1000 * measured(lambda: regions.read(self.event.slide, self.event.plan, region)).seconds


def compare(minio: MinioPart, size: Size, folder: Path) -> list[Section]:
    """Streams with and without scratch in turn, then first and further tiles of a viewer; and over a slower link.

    Over the slower one a download takes about as long as decoding, so that overlapping them can gain the most.
    """
    path = big_slide(folder / "big.tif", size.bucket_mb)
    size_bytes, repeats = path.stat().st_size, size.encoder_repeats // 2
    with _bucket(minio, path, folder) as stored:
        with stored.over(BYTES_PER_S) as bucket:
            ranged, downloaded = bucket.both_ways(repeats)
            cold, warm = _viewed(bucket)
        slower = size_bytes / median(each.decode_s for each in downloaded) / _SCRATCH.connections
        with stored.over(slower) as bucket:
            balanced = bucket.both_ways(repeats)
        tiles = stored.event.plan.tiles
    rows = [
        *_whole_slide(ranged, downloaded, tiles),
        Row("first tile of a viewer, slide not open", "ms", cold),
        Row("further tiles of a viewer", "ms", warm),
    ]
    of = f"Bucket: {tiles} tiles of {size_bytes / 1e6:.0f} MB over 20 ms and"
    notes = [
        f"further tiles, 95th percentile: {quantiles(warm, n=20)[-1]:.0f} ms",
        "the limit: the longer of download and decode, or the CPU time of all processes, server and link too, "
        f"on {_CORES} cores",
    ]
    return [
        Section(f"{of} {BYTES_PER_S / 1e6:.0f} MB/s a connection, {_THREADS} threads", rows, notes),
        Section(f"{of} {slower / 1e6:.0f} MB/s a connection", _whole_slide(*balanced, tiles), notes[1:]),
    ]


def _whole_slide(ranged: Sequence[Streamed], downloaded: Sequence[Streamed], tiles: int) -> list[Row]:
    """Rates of both ways, the limit of the first one, and what took CPU time."""
    ours, other = ([tiles / each.seconds for each in way] for way in (ranged, downloaded))
    limit = [tiles / each.bound_s for each in downloaded]
    cpu = [[each.our_cpu_s for each in way] for way in (ranged, downloaded)]
    outside = [[each.outside_cpu_s for each in way] for way in (ranged, downloaded)]
    share = [each.download_s / each.seconds for each in downloaded]
    return [
        Row("whole slide from the bucket", "tiles/s", ours, "download, then decode", other),
        Row("  the limit of it", "tiles/s", limit, "download, then decode", other),
        Row("  CPU time of our processes", "s", cpu[0], "download, then decode", cpu[1]),
        Row("  CPU time of server and link", "s", outside[0], "download, then decode", outside[1]),
        Row("  share of the download", "", share),
    ]


@contextmanager
def _bucket(minio: MinioPart, path: Path, folder: Path) -> Iterator[Bucket]:
    name = minio.bucket("bench")
    minio.client().upload_file(str(path), name, _OBJECT)
    path.unlink()
    settings = s3_settings(minio, name)
    near = S3Store(settings)
    with ExitStack() as stack:
        readers = stack.enter_context(isolated_readers())
        with _scratch(near, folder) as scratch:
            landed = near.head(_OBJECT)
            assert landed is not None
            event = PlanTiles(near, scratch, PlanStore(near), PlanSpec(), open_slide=readers)(
                SlideLanded(_KEY, (landed,))
            )
        yield Bucket(settings, near, event, readers, folder, frozenset({pid_of(minio.program)}))


def _viewed(bucket: Bucket) -> tuple[list[float], list[float]]:
    """Milliseconds of first tiles, and of the tiles along a way over the slide."""
    cold = []
    for _ in range(_COLD):
        with bucket.regions() as regions:
            cold.append(bucket.look(regions, 20, 20))
    with bucket.regions() as regions:
        bucket.look(regions, 20, 20)
        warm = [bucket.look(regions, 8 + step % 12, 8 + step // 12) for step in range(_WARM)]
    return cold, warm


def _scratch(store: S3Store, folder: Path) -> Scratch:
    return Scratch(store, _SCRATCH.model_copy(update={"folder": folder / "scratch"}))

"""A large slide in a bucket behind a slow link: streamed while it arrives, or downloaded first; and looked at."""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles
from urllib.parse import urlsplit

from medulla.v1.events_pb2 import SlideTiled

from services.tiler.chunks import StreamChunks
from services.tiler.handler import PlanTiles, SlideLanded
from services.tiler.isolation import IsolatedReaders, isolated_readers
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
from shared.units import CaseId, SlideId
from tests.bench.big_slide import big_slide
from tests.bench.size import Size
from tests.bench.slow_link import slow_link
from tests.bench.table import Row, Section
from tests.bench.timing import measured
from tests.support.object_stores import s3_settings
from tests.support.parts import MinioPart

_KEY = SlideKey(CaseId("bench"), SlideId("big.tif"))
_OBJECT = "slides/bench/big.tif"
_THREADS = 4
_COLD, _WARM = 7, 120
_TILE = 256


@dataclass(frozen=True)
class Bucket:
    """A planned slide behind the link."""

    store: S3Store
    event: SlideTiled
    readers: IsolatedReaders
    folder: Path

    def stream(self, ranged: bool) -> float:
        """Seconds for all tiles, with nothing on scratch at the start."""
        plans = PlanStore(self.store)
        streams = RangedStreams(self.store, plans, self.readers) if ranged else None
        with _scratch(self.store, self.folder) as scratch, ThreadPoolExecutor(_THREADS) as pool:
            stream = StreamChunks(scratch, plans, pool, _THREADS, self.readers, ranged=streams)
            return measured(lambda: deque(stream(self.event.slide, self.event.plan), maxlen=0)).seconds

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
    """Streams with and without scratch in turn, then first and further tiles of a viewer."""
    path = big_slide(folder / "big.tif", size.bucket_mb)
    size_mb = path.stat().st_size / 1e6
    with _bucket(minio, path, folder) as bucket:
        ways = [(bucket.stream(ranged=True), bucket.stream(ranged=False)) for _ in range(size.encoder_repeats // 2)]
        cold, warm = _viewed(bucket)
        tiles = bucket.event.plan.tiles
    ours, other = ([tiles / seconds for seconds in way] for way in zip(*ways, strict=True))
    rows = [
        Row("whole slide from the bucket", "tiles/s", ours, "download, then decode", other),
        Row("first tile of a viewer, slide not open", "ms", cold),
        Row("further tiles of a viewer", "ms", warm),
    ]
    title = f"Bucket: {tiles} tiles of {size_mb:.0f} MB over 20 ms and 100 MB/s a connection, {_THREADS} threads"
    return [Section(title, rows, [f"further tiles, 95th percentile: {quantiles(warm, n=20)[-1]:.0f} ms"])]


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
        port = stack.enter_context(slow_link(urlsplit(minio.endpoint).port or 80))
        far = settings.model_copy(update={"endpoint_url": f"http://127.0.0.1:{port}"})
        yield Bucket(S3Store(far), event, readers, folder)


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
    return Scratch(store, ScratchSettings(folder=folder / "scratch"))

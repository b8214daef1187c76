"""Slides for viewers: one of more than 40,000 px a side made of the CC0 slide's pixels, and a page that shows it."""

from collections.abc import Iterator
from contextlib import contextmanager

import cv2
import numpy as np
from google.protobuf.json_format import MessageToJson
from medulla.v1.events_pb2 import SlideEmbedded, SlideTiled
from medulla.v1.scorer_pb2 import Score
from safetensors.numpy import save

from services.standalone.laptop_pixels import LaptopPixels
from services.tiler.isolation import IsolatedReaders
from services.tiler.open_views import OpenViews
from services.tiler.plan_store import PlanStore
from services.tiler.regions import ReadRegions
from services.tiler.slide_view import ViewOpener
from shared import keys
from shared.blob.port import BlobStore
from shared.units import CaseId, SlideId
from tests.support import scores as samples
from tests.support.slides import cc0_pixels
from tests.support.tiffs import LONG, LONG8, RawTiff, Values, encoded, long, tiled_page
from tests.support.tiling import Tiling

LARGE_PX = 41_000
MPP = 0.499
_SIDE = 256
_PATCH = 2048
_TILE_PX = 512


def large_slide(steps: tuple[int, ...] = (1, 4, 16, 64)) -> bytes:
    """A pyramid of LARGE_PX a side: a patch of tissue, repeated, whose JPEG tiles are stored once each."""
    patch = cc0_pixels()[400 : 400 + _PATCH, 100 : 100 + _PATCH]
    data, pages = bytearray(), []
    for step in steps:
        offsets, sizes = _level(patch, step, data)
        across = LARGE_PX // step
        tables = {
            "offsets": Values(LONG8, offsets.size, offsets.astype("<u8").tobytes()),
            "sizes": Values(LONG, sizes.size, sizes.astype("<u4").tobytes()),
        }
        pages.append(tiled_page(across, across, _SIDE, MPP * step, **tables, t254=long(int(step > 1))))
    return RawTiff(pages, big=True, data=bytes(data)).packed()


def _level(patch: np.ndarray, step: int, data: bytearray) -> tuple[np.ndarray, np.ndarray]:
    """Offsets and sizes of a level's tiles, whose bytes are appended to `data`; the file's header takes 16 bytes."""
    small = cv2.resize(patch, None, fx=1 / step, fy=1 / step, interpolation=cv2.INTER_AREA)
    repeats = max(1, _SIDE // len(small))
    whole = np.tile(small, (repeats, repeats, 1)).astype(np.uint8)
    count = len(whole) // _SIDE
    places = np.zeros((count, count, 2), np.int64)
    for row in range(count):
        for column in range(count):
            tile = encoded(whole[row * _SIDE : (row + 1) * _SIDE, column * _SIDE : (column + 1) * _SIDE])
            places[row, column] = 16 + len(data), len(tile)
            data += tile
    columns = -(-(LARGE_PX // step) // _SIDE)
    index = np.arange(columns) % count
    table = places[np.ix_(index, index)]
    return table[..., 0], table[..., 1]


@contextmanager
def pixels(tiler: Tiling, readers: IsolatedReaders, slides: int = 4) -> Iterator[ReadRegions]:
    """The tiler's regions over its store."""
    opener = ViewOpener(tiler.blobs, tiler.scratch, readers, 2**25, check_every_s=0.0)
    with OpenViews(opener, slides, idle_s=60) as views:
        yield ReadRegions(views, PlanStore(tiler.blobs), most=16)


def laptop_pixels(regions: ReadRegions) -> LaptopPixels:
    """The same as results reads it."""
    return LaptopPixels(regions)


def index(store: BlobStore, tiled: SlideTiled) -> None:
    """Let the scorer's index say that a planned slide is embedded."""
    event = SlideEmbedded(event_id="1", slide=tiled.slide, plan=tiled.plan)
    case, slide = CaseId(tiled.slide.case_id), SlideId(tiled.slide.slide_id)
    store.put(keys.indexed_slide(case, slide, tiled.slide.object.etag), MessageToJson(event).encode())


def scored(tiled: SlideTiled) -> Score:
    """A sample score whose only slide is a planned one of LARGE_PX a side."""
    score = samples.score(tiled.slide.case_id, "1", slides=(tiled.slide.slide_id,))
    slide, side = score.slides[0], _TILE_PX
    slide.slide_digest, slide.width_px, slide.height_px = tiled.slide.digest, LARGE_PX, LARGE_PX
    slide.tile_width_px = slide.tile_height_px = side
    for number, tile in enumerate(slide.top_tiles):
        tile.x_px, tile.y_px = side * (14 + 9 * number), side * (50 - 8 * number)
    return score


def attention_map(score: Score) -> bytes:
    """Attention of the score's slide: the top tiles, and a hill around each; the rest faint."""
    count, top = LARGE_PX // _TILE_PX, score.slides[0].top_tiles
    coords = np.array([(x, y) for y in range(count) for x in range(count)], np.int32) * _TILE_PX
    values = np.full(len(coords), 1e-5, np.float32)
    for tile in top:
        far = np.hypot(*(coords - [tile.x_px, tile.y_px]).T) / _TILE_PX
        values = np.maximum(values, tile.attention * np.exp(-far / 3)).astype(np.float32)
    return save({"coords": coords, "attention": values})

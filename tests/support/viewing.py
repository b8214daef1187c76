"""Slides for viewers: one of more than 40,000 px a side made of the CC0 slide's pixels, and a page that shows it."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager

import cv2
import numpy as np
from google.protobuf.json_format import MessageToJson
from medulla.v1.events_pb2 import SlideEmbedded, SlideTiled
from medulla.v1.scorer_pb2 import Score, SlideEvidence
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
from tests.support.slides import blank, cc0_pixels
from tests.support.tiffs import LONG, LONG8, RawTiff, Values, encoded, long, tiled_page
from tests.support.tiling import Tiling

LARGE_PX = 41_000
SMALL_PX = 20_500
"""Of a slide as large in microns, at twice the microns per pixel."""
MPP = 0.499
_SIDE = 256
_PATCH = 2048
_CELL = 4096
_TILE_UM = 128
_FIRST, _STEP = (28, 100), (18, -16)
"""Column and row of the most attended tile, and the way to the next."""


def large_slide(
    steps: tuple[int, ...] = (1, 4, 16, 64),
    side_px: int = LARGE_PX,
    mpp: float = MPP,
    tissue: Collection[tuple[int, int]] | None = None,
) -> bytes:
    """A pyramid of `side_px` a side: a patch of tissue, repeated, whose JPEG tiles are stored once each.

    `tissue` are the cells (row, column) of 4096 px that are not glass, for steps of at most 16; None: all.
    """
    patch = cc0_pixels()[400 : 400 + _PATCH, 100 : 100 + _PATCH]
    data, pages = bytearray(), []
    for step in steps:
        across = side_px // step
        table = _level(patch, step, across, data)
        if tissue is not None:
            _clear(table, step, tissue, data)
        offsets, sizes = table[..., 0], table[..., 1]
        tables = {
            "offsets": Values(LONG8, offsets.size, offsets.astype("<u8").tobytes()),
            "sizes": Values(LONG, sizes.size, sizes.astype("<u4").tobytes()),
        }
        pages.append(tiled_page(across, across, _SIDE, mpp * step, **tables, t254=long(int(step > 1))))
    return RawTiff(pages, big=True, data=bytes(data)).packed()


def _level(patch: np.ndarray, step: int, across: int, data: bytearray) -> np.ndarray:
    """Offset and size of a level's tiles, int64 [rows, columns, 2]; their bytes are appended to `data`.

    The file's header takes 16 bytes.
    """
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
    columns = -(-across // _SIDE)
    index = np.arange(columns) % count
    return places[np.ix_(index, index)]


def _clear(table: np.ndarray, step: int, tissue: Collection[tuple[int, int]], data: bytearray) -> None:
    """Let tiles outside of the cells of tissue be glass."""
    glass = encoded(blank(_SIDE))
    cells = [number * _SIDE * step // _CELL for number in range(len(table))]
    is_glass = np.array([[(row, column) not in tissue for column in cells] for row in cells])
    table[is_glass] = 16 + len(data), len(glass)
    data += glass


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


def scored(*tiled: SlideTiled, sides_px: tuple[int, ...] = (LARGE_PX, SMALL_PX)) -> Score:
    """A sample score of one case's planned slides, of `sides_px` a side."""
    names = tuple(event.slide.slide_id for event in tiled)
    score = samples.score(tiled[0].slide.case_id, "1", slides=names)
    for event, slide, side_px in zip(tiled, score.slides, sides_px, strict=False):
        _describe(slide, event, side_px)
    return score


def _describe(slide: SlideEvidence, event: SlideTiled, side_px: int) -> None:
    slide.slide_digest, slide.width_px, slide.height_px = event.slide.digest, side_px, side_px
    slide.thumbnail_key = event.plan.prefix + keys.THUMBNAIL
    slide.mpp_x = slide.mpp_y = MPP * LARGE_PX / side_px
    slide.tile_width_px = slide.tile_height_px = side = round(_TILE_UM / slide.mpp_x)
    for number, tile in enumerate(slide.top_tiles):
        tile.x_px, tile.y_px = (side * (first + number * step) for first, step in zip(_FIRST, _STEP, strict=True))


def attention_map(slide: SlideEvidence) -> bytes:
    """Attention of a slide: the top tiles, a hill around each, the rest faint. Prototypes and classes lie in bands."""
    side, top = round(slide.tile_width_px), slide.top_tiles
    count = slide.width_px // side
    coords = np.array([(x, y) for y in range(count) for x in range(count)], np.int32) * side
    values = np.full(len(coords), 1e-5, np.float32)
    for tile in top:
        far = np.hypot(*(coords - [tile.x_px, tile.y_px]).T) / side
        values = np.maximum(values, tile.attention * np.exp(-far / 3)).astype(np.float32)
    groups = {"prototype": (1, slide.prototype_shares), "composition": (0, slide.composition_shares)}
    members = {
        name: (coords[:, axis].astype(np.int64) * len(shares) // slide.height_px).astype(np.uint8)
        for name, (axis, shares) in groups.items()
        if shares
    }
    return save({"coords": coords, "attention": values, **members})

"""A target that reads slides by byte ranges, as streams and viewers do, damaged since they were planned."""

from contextlib import closing, suppress
from pathlib import Path
from random import Random

import numpy as np

from services.tiler import range_channel
from services.tiler.arriving_bytes import ArrivingBytes
from services.tiler.errors import DamagedRegionError
from services.tiler.ports import Cut, Level, Region, SlideReader
from services.tiler.range_channel import RangeClient
from services.tiler.ranged_slide import DICOM, RangedSlide, open_ranged
from services.tiler.readers import open_slide
from shared.blob.memory import MemoryStore
from shared.preprocessing import Preprocessing
from shared.units import Level0Px, TilePx
from tests.fuzz.mutations import damaged
from tests.fuzz.slides import odd_tiff
from tests.fuzz.targets import Make, Read, Target
from tests.support import slides

_SIDE = 1200
_HEADER = 6000


def _facts(path: Path) -> tuple[str, tuple[Level, ...]]:
    with open_slide(path) as reader:
        facts = reader.describe()
    return facts.format, facts.levels


def _ranged(folder: Path) -> tuple[Make, Read]:
    pixels = slides.cc0_pixels()[900 : 900 + _SIDE, 700 : 700 + _SIDE]
    tiff = slides.write_tiff(folder / "good.tif", pixels, (1.0, 1.0), shrinks=1)
    dicom = slides.write_dicom(folder / "good.dcm")
    plans = {path.suffix: _facts(path) for path in (tiff, dicom)}
    good = {path.suffix: path.read_bytes() for path in (tiff, dicom)}

    def make(rng: Random) -> bytes:
        if rng.random() < 0.3:
            return damaged(good[".dcm"], rng, _HEADER if rng.random() < 0.5 else None)
        return odd_tiff(good[".tif"], rng) if rng.random() < 0.7 else damaged(good[".tif"], rng)

    def read(data: bytes, _: Path) -> object:
        is_dicom = data[128:132] == b"DICM"
        kind, levels = plans[".dcm" if is_dicom else ".tif"]
        return _digest(RangedSlide(DICOM if is_dicom else kind, levels, (len(data),)), data)

    return make, read


def _digest(slide: RangedSlide, data: bytes) -> str:
    """Read tiles and a region through the channels of a child, then prove the digest."""
    store = MemoryStore()
    info = store.put("slides/case-1/slide", data)
    with closing(ArrivingBytes(store, [info])) as source:
        channels = [end.detach() for end in range_channel.serve(source)]
        with open_ranged(slide, RangeClient(channels)) as reader:
            source.start()
            _look(reader, slide.levels[0])
            return source.digest(lambda: None, 60)


def _look(reader: SlideReader, full: Level) -> None:
    places = [[x, y] for y in range(0, full.height_px - 256, 256) for x in range(0, full.width_px - 256, 256)]
    for preprocessing in Preprocessing:
        for px in (256, 64):
            cut = Cut(Level0Px(256), Level0Px(256), TilePx(px), preprocessing)
            reader.read_tiles(np.array(places, np.int32), cut)
    reader.layout()
    with suppress(DamagedRegionError):
        reader.read_region(Region(0, 0, 256, 256, 256, 256))


TARGETS = (Target("ranges", _ranged, seconds=60, peak_mb=1536),)

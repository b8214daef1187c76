"""Hostile and damaged slides read by ranges: refused with a reason, and nothing else is harmed."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from services.tiler.bucket_bytes import BucketBytes
from services.tiler.errors import SlideBeyondBoundsError, SlideError, UnreadableSlideError, UnsupportedFormatError
from services.tiler.isolation import IsolatedReaders, isolated_readers
from services.tiler.ports import Level, Region
from services.tiler.ranged_slide import RangedSlide
from shared.blob.memory import MemoryStore
from shared.errors import CrashedWorkerError
from tests.support.dicom_series import claiming, series
from tests.support.slides import cc0_bytes
from tests.support.tiffs import RawTiff, long, tiled_page

_KEY = "slides/c/s"
_CC0 = (Level(2220, 2967, 1.0),)


@pytest.fixture(scope="module")
def readers() -> Iterator[IsolatedReaders]:
    with isolated_readers() as started:
        yield started


def source(data: bytes) -> BucketBytes:
    store = MemoryStore()
    return BucketBytes(store, [store.put(_KEY, data)], 2**22)


def slide(data: bytes, kind: str = "aperio", levels: tuple[Level, ...] = _CC0) -> RangedSlide:
    return RangedSlide(kind, levels, (len(data),))


_GIGANTIC = RawTiff([tiled_page(512, 512, t256=long(2**30), t257=long(2**30))]).packed()
_LOOP = RawTiff([tiled_page(512, 512)], loop=True).packed()
_MANY = RawTiff([tiled_page(512, 512)] * 1100).packed()


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (_GIGANTIC, SlideBeyondBoundsError),
        (_LOOP, UnreadableSlideError),
        (_MANY, SlideBeyondBoundsError),
        (b"II*\0" + bytes(100), UnreadableSlideError),
        (b"II*\0\xff\xff\xff\xff", UnreadableSlideError),
        (cc0_bytes()[:4], UnreadableSlideError),
        (b"not a slide at all", SlideError),
    ],
)
def test_a_hostile_tiff_is_refused(readers: IsolatedReaders, data: bytes, error: type[SlideError]) -> None:
    with pytest.raises(error):
        readers.ranged(slide(data), source(data))


def test_levels_that_the_file_does_not_have_are_refused(readers: IsolatedReaders) -> None:
    with pytest.raises(UnsupportedFormatError):
        readers.ranged(slide(cc0_bytes(), levels=(Level(4440, 5934, 1.0),)), source(cc0_bytes()))


@pytest.mark.parametrize("data", [claiming(series(levels=1)["level0"], 2**24, 2**20), b"\x08\0\x05\0CS" + bytes(9)])
def test_a_hostile_dicom_is_refused(readers: IsolatedReaders, data: bytes) -> None:
    with pytest.raises(SlideError):
        readers.ranged(slide(data, "dicom"), source(data))


def test_a_file_larger_than_it_claims_is_not_read_beyond_its_claim(readers: IsolatedReaders) -> None:
    data = cc0_bytes()
    store = MemoryStore()
    claimed = replace(store.put(_KEY, data), size=1000)
    with pytest.raises((SlideError, CrashedWorkerError)):
        readers.ranged(RangedSlide("aperio", _CC0, (1000,)), BucketBytes(store, [claimed], 2**22))


def test_a_size_that_is_a_lie_harms_nobody(readers: IsolatedReaders) -> None:
    data = cc0_bytes()
    with readers.ranged(slide(data), source(data)) as sound:
        with pytest.raises(SlideError):
            readers.ranged(RangedSlide("aperio", _CC0, (2**60,)), source(b"II*\0" + bytes(20)))
        assert sound.read_region(Region(0, 0, 240, 240, 240, 240))

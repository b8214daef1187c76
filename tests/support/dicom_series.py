"""DICOM series for tests: levels, label and overview of one slide, as scanners and converters write them."""

import io
from collections.abc import Iterable, Iterator
from copy import deepcopy
from functools import lru_cache

import pydicom
from PIL import Image
from pydicom import Dataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.sequence import Sequence
from pydicom.uid import UID

from tests.support.slides import DATA, Pixels, cc0_pixels

SERIES = "1.2.826.0.1.99.1"
_SIDE = 256
_HEIGHT, _WIDTH = 2304, 1280
_MM = 0.000499


@lru_cache
def series(
    uid: str = SERIES, levels: int = 3, parts: int = 1, *, sparse: bool = False, unmarked: bool = False
) -> dict[str, bytes]:
    """The files of a series by what they are: `level0` (in `parts` `level0.1`, …), `level1`, …, `label`, `overview`.

    Levels do not say that they are smaller copies where that is `unsaid`.
    """
    pixels, files = cc0_pixels()[400 : 400 + _HEIGHT, 600 : 600 + _WIDTH], dict[str, bytes]()
    for level in range(levels):
        shrunk = pixels[:: 2**level, :: 2**level]
        image_type = "RESAMPLED" if level and not unmarked else "NONE"
        instances = list(_level(uid, level, image_type, shrunk, parts if level == 0 else 1, sparse=sparse))
        numbered = [f"level{level}.{part}" for part in range(1, len(instances) + 1)]
        names = numbered if len(instances) > 1 else [f"level{level}"]
        files |= dict(zip(names, instances, strict=True))
    for kind in ("label", "overview"):
        files[kind] = _file(_picture(uid, kind, pixels[:200, :200]))
    return files


def without_preamble(data: bytes) -> bytes:
    """A file as some archives keep it: it begins with its meta information."""
    return data[132:]


def claiming(data: bytes, frames: int, side_px: int) -> bytes:
    """A file whose header claims so many frames, and a level of so many pixels a side."""
    dataset = pydicom.dcmread(io.BytesIO(data))
    dataset.NumberOfFrames, dataset.TotalPixelMatrixRows, dataset.TotalPixelMatrixColumns = frames, side_px, side_px
    return _file(dataset)


def garbled(data: bytes, frames: Iterable[int]) -> bytes:
    """A file with the second half of some frames overwritten."""
    dataset = pydicom.dcmread(io.BytesIO(data))
    stored = list(generate_frames(dataset.PixelData, number_of_frames=dataset.NumberOfFrames))
    for index in frames:
        half = len(stored[index]) // 2
        stored[index] = stored[index][:half] + bytes(len(stored[index]) - half)
    dataset.PixelData = encapsulate(stored)
    return _file(dataset)


def _level(uid: str, level: int, image_type: str, pixels: Pixels, parts: int, *, sparse: bool) -> Iterator[bytes]:
    whole = _dataset(uid, f"{uid}.{level + 1}", pixels)
    whole.InstanceNumber = level + 1
    whole.ImageType = ["DERIVED", "PRIMARY", "VOLUME", image_type]
    frames = list(_frames(pixels))
    if sparse:
        _place(whole, pixels)
    share = -(-len(frames) // parts)
    for part, start in enumerate(range(0, len(frames), share), 1):
        stored = frames[start : start + share]
        dataset = deepcopy(whole)
        if parts > 1:
            dataset.ConcatenationUID, dataset.SOPInstanceUIDOfConcatenationSource = f"{uid}.77", dataset.SOPInstanceUID
            dataset.InConcatenationNumber, dataset.InConcatenationTotalNumber = part, parts
            dataset.ConcatenationFrameOffsetNumber = start
            instance = UID(f"{dataset.SOPInstanceUID}.{part}")
            dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = instance
        dataset.NumberOfFrames, dataset.PixelData = len(stored), encapsulate(stored)
        yield _file(dataset)


def _picture(uid: str, kind: str, pixels: Pixels) -> Dataset:
    dataset = _dataset(uid, f"{uid}.{'9' if kind == 'label' else '8'}", pixels)
    dataset.InstanceNumber = {"label": 9, "overview": 8}[kind]
    dataset.ImageType = ["ORIGINAL", "PRIMARY", kind.upper(), "NONE"]
    dataset.NumberOfFrames, dataset.PixelData = 1, encapsulate([next(_frames(pixels))])
    return dataset


def _dataset(uid: str, instance: str, pixels: Pixels) -> Dataset:
    dataset = deepcopy(_template())
    dataset.SeriesInstanceUID, dataset.FrameOfReferenceUID = uid, f"{uid}.5"
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = UID(instance)
    dataset.TotalPixelMatrixRows, dataset.TotalPixelMatrixColumns = pixels.shape[:2]
    dataset.ImagedVolumeHeight, dataset.ImagedVolumeWidth = _HEIGHT * _MM, _WIDTH * _MM
    measures = dataset.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
    measures.PixelSpacing = [_MM * _HEIGHT / pixels.shape[0]] * 2
    return dataset


def _place(dataset: Dataset, pixels: Pixels) -> None:
    """Say of each frame where it lies."""
    dataset.DimensionOrganizationType = "TILED_SPARSE"
    groups = []
    for row in range(0, pixels.shape[0], _SIDE):
        for column in range(0, pixels.shape[1], _SIDE):
            place, group = Dataset(), Dataset()
            place.RowPositionInTotalImagePixelMatrix, place.ColumnPositionInTotalImagePixelMatrix = row + 1, column + 1
            place.XOffsetInSlideCoordinateSystem = place.YOffsetInSlideCoordinateSystem = 0
            place.ZOffsetInSlideCoordinateSystem = 0
            group.PlanePositionSlideSequence = Sequence([place])
            groups.append(group)
    dataset.PerFrameFunctionalGroupsSequence = Sequence(groups)


def _frames(pixels: Pixels) -> Iterator[bytes]:
    for row in range(0, pixels.shape[0], _SIDE):
        for column in range(0, pixels.shape[1], _SIDE):
            tile = Image.new("RGB", (_SIDE, _SIDE), "white")
            tile.paste(Image.fromarray(pixels[row : row + _SIDE, column : column + _SIDE]))
            stored = io.BytesIO()
            tile.save(stored, "JPEG", quality=90)
            yield stored.getvalue()


def _file(dataset: Dataset) -> bytes:
    stored = io.BytesIO()
    dataset.save_as(stored, enforce_file_format=True)
    return stored.getvalue()


@lru_cache
def _template() -> Dataset:
    return pydicom.dcmread(DATA / "multi_frame_jpeg_camelyon_challenge_image.dcm")

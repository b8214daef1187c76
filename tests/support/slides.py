"""Slides for tests: the bundled CC0 one, and in code what a lab may send that is damaged or strange."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import tifffile
from numpy.typing import NDArray
from PIL import Image
from pydicom.encaps import encapsulate, generate_frames

ROOT = Path(__file__).parents[2]
CC0_SLIDE = ROOT / "services/standalone/demo/cmu-1-small-region.svs"
DATA = ROOT / "tests/data/slides"
TCGA_SLIDE = DATA / "tcga-cr-7395-01a-01-ts1.svs"
INK_PICTURE = DATA / "slide_with_ink.jpeg"
NOT_A_SLIDE = DATA / "broken.svs"
_DICOM = DATA / "multi_frame_jpeg_camelyon_challenge_image.dcm"
_STORED_TILES = 130

Pixels = NDArray[np.uint8]


def cc0_bytes() -> bytes:
    """The bundled slide's file."""
    return CC0_SLIDE.read_bytes()


def cc0_pixels() -> Pixels:
    """The bundled slide at full resolution, uint8 [2967, 2220, 3]."""
    with tifffile.TiffFile(CC0_SLIDE) as tiff:
        return np.asarray(tiff.pages[0].asarray(), np.uint8)


def stating_mpp(text: str) -> bytes:
    """The bundled slide with another resolution, six characters, in its description."""
    assert len(text) == len("0.4990")
    return cc0_bytes().replace(b"MPP = 0.4990", b"MPP = " + text.encode())


def without_mpp() -> bytes:
    """The bundled slide saying nothing of its resolution."""
    return cc0_bytes().replace(b"MPP = 0.4990", b"XPP = 0.4990")


def truncated(share: float) -> bytes:
    """The first part of the bundled slide."""
    return cc0_bytes()[: int(len(cc0_bytes()) * share)]


def garbled(stored_tiles: Iterable[int]) -> bytes:
    """The bundled slide with half of each of these stored tiles (0 to 129, ten a row) overwritten."""
    data = bytearray(cc0_bytes())
    with tifffile.TiffFile(CC0_SLIDE) as tiff:
        page = tiff.pages[0]
        places = list(zip(page.dataoffsets, page.databytecounts, strict=True))
    assert len(places) == _STORED_TILES
    for index in stored_tiles:
        offset, size = places[index]
        data[offset + size // 2 : offset + size] = bytes(size - size // 2)
    return bytes(data)


def blank(side: int = 2048) -> Pixels:
    """Nothing but glass, as a scanner sees it: a little noise, a little grey."""
    return np.random.default_rng(0).integers(238, 246, (side, side, 3), dtype=np.uint8)


def write_tiff(
    path: Path,
    pixels: Pixels,
    mpp: tuple[float, float] | None = (0.5, 0.5),
    shrinks: int = 0,
    ome: Mapping[str, str] | None = None,
) -> Path:
    """Write a tiled JPEG TIFF with `shrinks` further levels, each half the size of the one before.

    `ome` states the physical sizes X and Y in OME-XML, such as `499 nm`.
    """
    stored: dict[str, Any] = {"tile": (256, 256), "compression": "jpeg", "photometric": "rgb"}
    spaced: dict[str, Any] = {}
    if mpp:
        spaced = {"resolution": (10_000 / mpp[0], 10_000 / mpp[1]), "resolutionunit": "CENTIMETER"}
    if ome:
        spaced["description"] = ome_xml(pixels.shape[1], pixels.shape[0], ome)
    with tifffile.TiffWriter(path) as tiff:
        tiff.write(pixels, **stored, **spaced)
        for level in range(1, shrinks + 1):
            tiff.write(pixels[:: 2**level, :: 2**level], subfiletype=1, **stored)
    return path


def ome_xml(width: int, height: int, sizes: Mapping[str, str]) -> bytes:
    """OME-XML of one image whose axes X and Y have physical sizes such as `499 nm`; without unit, microns."""
    stated = "".join(
        f' PhysicalSize{axis}="{value}"' + (f' PhysicalSize{axis}Unit="{unit}"' if unit else "")
        for axis, (value, _, unit) in ((axis, size.partition(" ")) for axis, size in sizes.items())
    )
    pixels = f'<Pixels ID="Pixels:0" SizeX="{width}" SizeY="{height}"{stated}/>'
    return f'<?xml version="1.0" encoding="UTF-8"?><OME><Image ID="Image:0">{pixels}</Image></OME>'.encode()


def picture(path: Path) -> Pixels:
    """A flat picture, uint8 [height, width, 3]."""
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"), np.uint8)


def write_dicom(path: Path, garbled_frames: Iterable[int] = (), mm: tuple[float, float] = (0.001, 0.001)) -> Path:
    """Write the DICOM slide with a spacing of `mm` (y, x) between pixels and some frames cut to half."""
    dataset = pydicom.dcmread(_DICOM)
    dataset.ImageType = ["DERIVED", "PRIMARY", "VOLUME", "NONE"]
    measures = dataset.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
    measures.PixelSpacing = list(mm)
    dataset.ImagedVolumeHeight, dataset.ImagedVolumeWidth = 700 * mm[0], 1152 * mm[1]
    frames = list(generate_frames(dataset.PixelData, number_of_frames=dataset.NumberOfFrames))
    for index in garbled_frames:
        half = len(frames[index]) // 2
        frames[index] = frames[index][:half] + bytes(len(frames[index]) - half)
    dataset.PixelData = encapsulate(frames)
    dataset.save_as(path)
    return path


def grey_dicom(path: Path, bits: int, flavour: str = "VOLUME") -> Path:
    """Write the DICOM slide claiming to be grey, of so many bits, volume or label; its frames stay as they are."""
    dataset = pydicom.dcmread(write_dicom(path))
    dataset.ImageType = ["ORIGINAL", "PRIMARY", flavour, "NONE"]
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = bits
    dataset.HighBit = bits - 1
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = pydicom.uid.generate_uid()
    dataset.save_as(path)
    return path


def enlarged(path: Path, across: int, down: int) -> Path:
    """Write a pyramid of the bundled slide's pixels, repeated `across` and `down`, at 0.499 um/px."""
    return write_tiff(path, np.tile(cc0_pixels(), (down, across, 1)), mpp=(0.499, 0.499), shrinks=4)

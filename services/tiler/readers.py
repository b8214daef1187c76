"""Opens a slide with the reader that its bytes ask for."""

from pathlib import Path

from services.tiler.dicom_reader import DicomReader
from services.tiler.errors import EmptyObjectError, NotASlideError, UnreadableSlideError, UnsupportedFormatError
from services.tiler.openslide_reader import OpenSlideReader
from services.tiler.ports import SlideReader
from services.tiler.resolution import Override
from services.tiler.tiff_tiles import BrokenDirectoryError, directory
from shared.slides.dicom import PREAMBLE, is_dicom

_PICTURES = {
    b"\xff\xd8\xff": "a JPEG picture",
    b"\x89PNG": "a PNG picture",
    b"ZISRAWFILE": "a Zeiss CZI file",
    b"<!DOCTYPE": "a text file",
    b"\x00\x00\x00\x0cjP": "a JPEG 2000 picture",
}
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def open_slide(path: Path, override: Override = Override()) -> SlideReader:  # noqa: B008 - frozen
    """Open a slide file, or a folder of one DICOM series; `override` is what an operator says of its resolution.

    Raises:
        EmptyObjectError, NotASlideError, UnreadableSlideError, UnsupportedFormatError: it cannot be opened.
    """
    if path.is_dir():
        return DicomReader(sorted(file for file in path.rglob("*") if file.is_file()), override)
    with path.open("rb") as file:
        head = file.read(PREAMBLE)
    if not head:
        raise EmptyObjectError("the slide's file is empty")
    if is_dicom(head):
        return DicomReader([path], override)
    try:
        return OpenSlideReader(path, override)
    except NotASlideError as error:
        raise _refusal(path, head) from error


def _refusal(path: Path, head: bytes) -> NotASlideError | UnreadableSlideError | UnsupportedFormatError:
    """Say more of a file that OpenSlide does not recognise."""
    for magic, name in _PICTURES.items():
        if head.startswith(magic):
            return UnsupportedFormatError(f"the file is {name}, not a whole-slide image")
    if not head.startswith(_TIFF):
        return NotASlideError("the file is no whole-slide image that any reader recognises")
    return _tiff_refusal(path)


def _tiff_refusal(path: Path) -> UnreadableSlideError | UnsupportedFormatError:
    try:
        with directory(path) as tiff:
            tiled = bool(tiff.pages.first.is_tiled)
    except BrokenDirectoryError:
        return UnreadableSlideError("the TIFF is cut short: its directory is missing")
    if tiled:
        return UnreadableSlideError("the TIFF is damaged or cut short: OpenSlide finds no whole slide in it")
    return UnsupportedFormatError("the TIFF is not tiled, so it is no whole-slide image")

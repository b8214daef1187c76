"""Opens a slide with the reader that its bytes ask for."""

from collections.abc import Callable
from pathlib import Path

from services.tiler.dicom_reader import DicomReader
from services.tiler.errors import EmptyObjectError, NotASlideError, UnreadableSlideError, UnsupportedFormatError
from services.tiler.openslide_reader import OpenSlideReader
from services.tiler.ports import SlideReader
from services.tiler.resolution import Override
from services.tiler.tiff_tiles import BrokenDirectoryError, directory

OpenSlide = Callable[[Path, Override], SlideReader]
_PICTURES = {
    b"\xff\xd8\xff": "a JPEG picture",
    b"\x89PNG": "a PNG picture",
    b"ZISRAWFILE": "a Zeiss CZI file",
    b"<!DOCTYPE": "a text file",
    b"\x00\x00\x00\x0cjP": "a JPEG 2000 picture",
}
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_HEAD_BYTES = 132


def open_slide(path: Path, override: Override = Override()) -> SlideReader:  # noqa: B008 - frozen
    """Open a slide file; `override` is what an operator says of its resolution.

    Raises:
        EmptyObjectError, NotASlideError, UnreadableSlideError, UnsupportedFormatError: it cannot be opened.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    if not head:
        raise EmptyObjectError("the slide's file is empty")
    if head[128:132] == b"DICM":
        return DicomReader(_dicom_files(path), override)
    try:
        return OpenSlideReader(path, override)
    except NotASlideError as error:
        raise _refusal(path, head) from error


def _dicom_files(path: Path) -> list[Path]:
    folder = path.with_suffix("")
    return [path, *sorted(folder.glob("*.dcm"))] if folder.is_dir() else [path]


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

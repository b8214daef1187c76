"""Opens a slide with the reader for its format."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from services.tiler import colours
from services.tiler.byte_source import LocalBytes
from services.tiler.dicom_reader import DicomReader
from services.tiler.errors import EmptyObjectError, NotASlideError, UnsupportedFormatError
from services.tiler.openslide_reader import read_by_openslide, read_plain_tiff
from services.tiler.ports import SlideReader
from services.tiler.resolution import Override
from services.tiler.tiff_directory import MAGIC
from services.tiler.tiff_page import TiffPage, largest, read_pages
from shared.slides.dicom import PREAMBLE, is_dicom

OpenSlide = Callable[[Path, Override], SlideReader]
_PICTURES = {
    b"\xff\xd8\xff": "a JPEG picture",
    b"\x89PNG": "a PNG picture",
    b"ZISRAWFILE": "a Zeiss CZI file",
    b"<!DOCTYPE": "a text file",
    b"\x00\x00\x00\x0cjP": "a JPEG 2000 picture",
}


def open_slide(path: Path, override: Override = Override()) -> SlideReader:  # noqa: B008 - frozen
    """Open a slide file, or a folder of one DICOM series; `override` is the operator's resolution.

    Raises:
        EmptyObjectError, NotASlideError, UnreadableSlideError, UnsupportedFormatError: it cannot be opened.
        SlideBeyondBoundsError: it claims more than one of `limits`.
    """
    if path.is_dir():
        return DicomReader([LocalBytes(file) for file in sorted(path.rglob("*")) if file.is_file()], override)
    with path.open("rb") as file:
        head = file.read(PREAMBLE)
    if not head:
        raise EmptyObjectError("the slide's file is empty")
    if is_dicom(head):
        return DicomReader([LocalBytes(path)], override)
    if head.startswith(MAGIC):
        return _open_tiff(path, override)
    try:
        return read_by_openslide(path, (), override)
    except NotASlideError as error:
        raise _refusal(head) from error


def _open_tiff(path: Path, override: Override) -> SlideReader:
    """Check the directory against the limits before another reader opens the file."""
    with closing(LocalBytes(path)) as file:
        pages = read_pages(file)
    colours.check_tiff(largest(pages))
    try:
        return read_by_openslide(path, pages, override)
    except NotASlideError as error:
        reader = read_plain_tiff(path, pages, override)
        if reader is None:
            raise _tiff_refusal(largest(pages)) from error
        return reader


def _refusal(head: bytes) -> NotASlideError | UnsupportedFormatError:
    """A more specific error for a file that OpenSlide does not recognise."""
    for magic, name in _PICTURES.items():
        if head.startswith(magic):
            return UnsupportedFormatError(f"the file is {name}, not a whole-slide image")
    return NotASlideError("the file is no whole-slide image that any reader recognises")


def _tiff_refusal(full: TiffPage) -> UnsupportedFormatError:
    if full.tiled:
        return UnsupportedFormatError(f"the TIFF holds {full.codec} tiles that no reader decodes")
    return UnsupportedFormatError("the TIFF is not tiled, so it is no whole-slide image")

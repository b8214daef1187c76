"""Opens DICOM files for wsidicom, adding the preamble that some archives leave out without writing a copy."""

import io
from typing import BinaryIO, cast

from upath import UPath
from wsidicom.file.io.wsidicom_io import WsiDicomReadIO

from services.tiler.byte_source import ByteSource, SourceStream
from shared.slides.dicom import MARK, PREAMBLE

_HEAD = bytes(PREAMBLE - len(MARK)) + MARK
_BLOCK = 1 << 16


def open_dicom(source: ByteSource) -> BinaryIO:
    """A stream over a file that begins with a preamble; the caller closes the source."""
    head = b"" if _has_mark(source) else _HEAD
    return cast(BinaryIO, io.BufferedReader(SourceStream(source, head), _BLOCK))


def open_for_wsidicom(source: ByteSource) -> WsiDicomReadIO:
    """The same for wsidicom, which opens a local path again to read it in blocks, and would find no preamble there."""
    path = source.path if _has_mark(source) else None
    stream, name = open_dicom(source), UPath(path) if path else UPath(f"memory://{source.name}")
    try:
        return WsiDicomReadIO(stream, name)
    except BaseException:
        stream.close()
        raise


def _has_mark(source: ByteSource) -> bool:
    return source.read(0, PREAMBLE).endswith(MARK)

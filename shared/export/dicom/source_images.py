"""What the DICOM objects of a score need to know of the slide that they were derived from: geometry and ids.

Read from the headers of the slide's own files; no name, date or number of the patient is taken from them.
"""

import io
from collections.abc import Iterator

from highdicom import PixelMeasuresSequence
from medulla.v1.scorer_pb2 import SlideEvidence
from pydicom import Dataset
from pydicom.errors import InvalidDicomError
from pydicom.filereader import read_partial
from pydicom.sequence import Sequence
from pydicom.uid import VLWholeSlideMicroscopyImageStorage

from shared.export.dicom.identity import concept, subject, uid
from shared.export.exported_case import ExportedCase

_LAST = 0x0048_0102
"""ImageOrientationSlide; optical paths with their colour profiles come after it."""
_GEOMETRY = (
    *("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID"),
    *("Rows", "Columns", "TotalPixelMatrixRows", "TotalPixelMatrixColumns"),
    "ImageOrientationSlide",
)
"""Taken from the file, which must have all of them."""
_UM_PER_MM = 1000.0
_THICKNESS_MM = 0.004
"""Of a section, as slides of this kind are cut; the header's own is not always stated."""


def source_images(case: ExportedCase, slide: SlideEvidence) -> list[Dataset]:
    """The instances of a slide's full resolution; empty if it is no DICOM slide, does not stand or lacks geometry."""
    images = [image for head in case.heads(slide) if (image := _image(case, slide, head)) is not None]
    return [image for image in images if _size(image) == (slide.width_px, slide.height_px)]


def _size(image: Dataset) -> tuple[int, int]:
    return image.TotalPixelMatrixColumns, image.TotalPixelMatrixRows


def _image(case: ExportedCase, slide: SlideEvidence, head: bytes) -> Dataset | None:
    try:
        header = read_partial(io.BytesIO(head), stop_when=lambda tag, *_: tag > _LAST, force=True)
        if header.SOPClassUID != VLWholeSlideMicroscopyImageStorage or not all(name in header for name in _GEOMETRY):
            return None
    except (InvalidDicomError, AttributeError, ValueError, EOFError, OSError):
        return None
    image = subject(case)
    for name in _GEOMETRY:
        setattr(image, name, getattr(header, name))
    image.NumberOfFrames = header.get("NumberOfFrames", 1)
    image.TotalPixelMatrixOriginSequence = header.get("TotalPixelMatrixOriginSequence") or Sequence([_corner()])
    image.SharedFunctionalGroupsSequence = Sequence([_spacing(slide)])
    for name, value in _specimen(case, slide):
        setattr(image, name, value)
    return image


def _spacing(slide: SlideEvidence) -> Dataset:
    """The functional groups that state the size of a pixel."""
    groups = Dataset()
    groups.PixelMeasuresSequence = pixel_measures(slide.mpp_x, slide.mpp_y)
    return groups


def pixel_measures(um_x: float, um_y: float) -> PixelMeasuresSequence:
    """The size of a pixel, from microns."""
    return PixelMeasuresSequence(pixel_spacing=(um_y / _UM_PER_MM, um_x / _UM_PER_MM), slice_thickness=_THICKNESS_MM)


def _corner() -> Dataset:
    """The origin of the slide's coordinates, for files that do not state where their first pixel lies."""
    origin = Dataset()
    origin.XOffsetInSlideCoordinateSystem = origin.YOffsetInSlideCoordinateSystem = 0.0
    return origin


def _specimen(case: ExportedCase, slide: SlideEvidence) -> Iterator[tuple[str, object]]:
    """The glass slide by its pseudonym."""
    specimen = Dataset()
    specimen.SpecimenIdentifier = slide.slide_id
    specimen.SpecimenUID = uid(case.score, f"specimen {slide.slide_id}")
    specimen.IssuerOfTheSpecimenIdentifierSequence = Sequence()
    specimen.SpecimenPreparationSequence = Sequence()
    yield "ContainerIdentifier", slide.slide_id
    yield "IssuerOfTheContainerIdentifierSequence", Sequence()
    yield "ContainerTypeCodeSequence", Sequence([concept("slide", "Microscope slide")])
    yield "SpecimenDescriptionSequence", Sequence([specimen])

"""Reasons for refusing a slide, each with its reason code and advice."""

from typing import ClassVar

import grpc

from shared.errors import PermanentError, TransientError
from shared.slides.listing import FoundSlide


class SlideError(PermanentError):
    """A slide that cannot be processed.

    `thumbnail_key` names the thumbnail kept for the operator; empty if there is none.
    """

    def __init__(self, sentence: str, thumbnail_key: str = "") -> None:
        super().__init__(sentence)
        self.thumbnail_key = thumbnail_key


class EmptyObjectError(SlideError):
    """The object holds no bytes."""

    reason = "empty_object"
    advice = "Upload the slide again; the last upload stored no bytes."


class NotASlideError(SlideError):
    """No reader recognises the file."""

    reason = "not_a_slide"
    advice = "Upload a whole-slide image that OpenSlide reads, or DICOM; keep other files out of slides/."


class UnreadableSlideError(SlideError):
    """A reader recognises the file but cannot read it."""

    reason = "unreadable_slide"
    advice = "The file is damaged or cut short: export it from the scanner again and upload it again."


class IncompleteSeriesError(SlideError):
    """A DICOM series whose base level is missing or incomplete, or that holds several slides."""

    reason = "incomplete_series"
    advice = (
        "Export the whole series from the scanner again, every level of it and nothing else, and upload what is "
        "missing; remove what does not belong to it."
    )


class UnsupportedFormatError(SlideError):
    """A slide in a format, compression or colour that no reader decodes."""

    reason = "unsupported_format"
    advice = "Convert it to a pyramidal TIFF or DICOM of 8-bit RGB, compressed as JPEG or JPEG 2000."


class NotBrightfieldError(UnsupportedFormatError):
    """A slide of fluorescence, whatever its format."""

    advice = "Leave it out of the case: Medulla reads brightfield slides stained with haematoxylin and eosin."


class NoResolutionError(SlideError):
    """The slide does not state the size of its pixels."""

    reason = "no_resolution"
    advice = "Name its microns per pixel in TILER_MPP_OVERRIDES (or --default-mpp) and replay the dead letter."


class ImplausibleResolutionError(SlideError):
    """The slide states a resolution that no slide scanner has."""

    reason = "implausible_resolution"
    advice = "Name its true microns per pixel in TILER_MPP_OVERRIDES and replay the dead letter."


class NoTissueError(SlideError):
    """No tile of the slide shows enough clean, sharp tissue."""

    reason = "no_tissue"
    advice = "Look at the thumbnail: rescan the slide, clean it of pen, or remove it from the case."


class DamagedRegionError(SlideError):
    """A rectangle of the slide does not decode."""

    reason = "unreadable_slide"
    advice = "Damage is shown as a gap; where it matters, export the slide from the scanner again."
    grpc_code: ClassVar[grpc.StatusCode] = grpc.StatusCode.DATA_LOSS


class NoLevelError(SlideError):
    """The slide stores no level that is coarse enough to read so much of it at once."""

    reason = "unsupported_format"
    advice = "Convert the slide to a pyramid; until then its thumbnail is shown at low magnification."


class SlideTooLargeError(SlideError):
    """The slide can never fit into scratch space."""

    reason = "slide_too_large"
    advice = "Give the tiler more scratch space (TILER_SCRATCH__BUDGET_MB) and replay the dead letter."


class SlideBeyondBoundsError(SlideError):
    """The slide claims more than one of `limits`; nothing of it was decoded."""

    reason = "slide_too_large"
    advice = "Check the file: no scanner writes such a slide. Export it again, or in several parts."


class UnreportedRefusalError(TransientError):
    """Another event of the version was refused, and the bus may not have its dead letter yet."""


class OutOfDiskError(SlideError):
    """The disk is full although the scratch budget is not."""

    reason = "out_of_disk"
    advice = "Free the disk, or set TILER_SCRATCH__BUDGET_MB below what it holds, and replay the dead letter."


def incomplete(slide: FoundSlide) -> SlideError:
    """A slide of several files cannot be processed."""
    return IncompleteSeriesError(slide.missing) if slide.is_series else UnreadableSlideError(slide.missing)


class UnknownPlanError(PermanentError):
    """There is no such plan in the store."""

    reason = "digest_mismatch"
    advice = "Plan the slide again: announce its object, or run `medulla sweep`."
    grpc_code: ClassVar[grpc.StatusCode] = grpc.StatusCode.NOT_FOUND


class BadRegionError(PermanentError):
    """A request for a region that lies outside of the slide, or beyond the bounds of one picture."""

    reason = "bad_request"
    advice = "Ask for a rectangle within the slide, and a picture of at most 2048 px a side that is no larger than it."


class SlideGoneError(PermanentError):
    """The slide of a request no longer stands in the bucket, or has no plan."""

    reason = "not_found"
    advice = "Look at the case: the slide was replaced, deleted or erased."
    grpc_code: ClassVar[grpc.StatusCode] = grpc.StatusCode.NOT_FOUND


class FetchingError(TransientError):
    """The slide's files are being fetched."""


class TooManyRegionsError(TransientError):
    """The tiler reads its maximum of regions."""

    grpc_code: ClassVar[grpc.StatusCode] = grpc.StatusCode.RESOURCE_EXHAUSTED


class TooManyStreamsError(TransientError):
    """The tiler serves its maximum of streams."""

    grpc_code: ClassVar[grpc.StatusCode] = grpc.StatusCode.RESOURCE_EXHAUSTED


class BadStreamRequestError(PermanentError):
    """A request for tiles that names no slide, plan or chunk."""

    reason = "poison_message"
    advice = "Ask with the slide and plan of a SlideTiled event, and a chunk of that plan."

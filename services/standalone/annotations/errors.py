"""What can be wrong with annotations."""

from shared.errors import PermanentError


class BadAnnotationsError(PermanentError):
    """A file of annotations cannot be used."""

    reason = "bad_annotations"
    advice = "In QuPath: File > Export objects as GeoJSON, all objects, with the image of this slide open."


class UnmatchedError(PermanentError):
    """A file of annotations that is of no slide, or could be of several."""

    reason = "not_found"
    advice = "Name the file as the slide: DIR/SLIDE.geojson, or DIR/CASE/SLIDE.geojson where cases share names."


class NotAnnotatedError(UnmatchedError):
    """A slide without a file of annotations."""


class BadClassError(BadAnnotationsError):
    """The name of a class cannot name a folder of tiles."""

    advice = "Rename the class in QuPath, and export the annotations again."

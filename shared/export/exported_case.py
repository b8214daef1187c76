"""What an export is made from: a stored score, its time, and the objects that the score names."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from medulla.v1.scorer_pb2 import Score, SlideEvidence

from shared.export.errors import ChooseSlideError, NotStoredError
from shared.export.slide_attention import SlideAttention, read_attention

ReadObject = Callable[[str], bytes | None]
"""The bytes of a stored object by its key; None where there is none."""
ReadHeads = Callable[[SlideEvidence], Sequence[bytes]]
"""The first bytes of the DICOM files of a slide that stands, the primary file's first; none of other slides."""


def no_heads(_: SlideEvidence) -> Sequence[bytes]:
    """For a score whose slides are not at hand."""
    return ()


@dataclass(frozen=True)
class ExportedCase:
    """A score and its evidence; the same score and time give the same files."""

    score: Score
    dated: datetime
    """Aware, in UTC; when the newest of the score's inputs landed, or the score's file was written."""
    read: ReadObject
    heads: ReadHeads = no_heads

    def mapped_slide(self, slide_id: str = "") -> SlideEvidence:
        """The slide of an id, or the only one that the model looked at.

        Raises:
            NotStoredError: the score has no such slide, or the model looked at none.
            ChooseSlideError: no id is given, and the model looked at several slides.
        """
        mapped = [slide for slide in self.score.slides if slide.attention_key]
        chosen = [slide for slide in mapped if slide.slide_id == slide_id] if slide_id else mapped
        if not chosen:
            slide = f"slide {slide_id}" if slide_id else "any slide"
            raise NotStoredError(f"the score of case {self.score.case_id} has no attention on {slide}")
        if len(chosen) > 1:
            names = ", ".join(slide.slide_id for slide in chosen)
            raise ChooseSlideError(f"the score of case {self.score.case_id} has attention on {names}; name one")
        return chosen[0]

    def attention(self, slide: SlideEvidence) -> SlideAttention:
        """The attention of the score on a slide.

        Raises:
            NotStoredError: the score has no map of the slide, or it is not stored.
            BrokenMapError: the stored map is damaged.
        """
        data = self.read(slide.attention_key) if slide.attention_key else None
        if data is None:
            raise NotStoredError(f"no attention map of slide {slide.slide_id} is stored")
        return read_attention(data, slide.slide_id)

    def thumbnail(self, slide: SlideEvidence) -> bytes | None:
        """The small picture of a slide, JPEG or PNG; None where none is stored."""
        return self.read(slide.thumbnail_key) if slide.thumbnail_key else None

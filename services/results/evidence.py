"""The pictures and maps behind a score, read from the object store."""

from dataclasses import dataclass

from medulla.v1.results_pb2 import GetCaseResponse
from medulla.v1.scorer_pb2 import SlideEvidence

from services.results import case_state
from services.results.attention_map import AttentionMap, thin_out
from services.results.errors import BrokenEvidenceError, UnknownCaseError
from services.results.queries import Queries
from shared.blob.port import BlobStore
from shared.export.slide_attention import SlideAttention, read_attention

_MAGIC = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png"}
_LARGEST_BYTES = 2**26


@dataclass(frozen=True, slots=True)
class Picture:
    """An encoded image."""

    data: bytes
    media_type: str


@dataclass(frozen=True)
class Evidence:
    """Reads the pictures and maps that a case's current score or a refusal names."""

    queries: Queries
    blobs: BlobStore

    def thumbnail(self, case_id: str, slide_id: str) -> Picture:
        """The small picture of a slide.

        Raises:
            UnknownCaseError: there is no such case, slide or picture.
            BrokenEvidenceError: the object is not a picture.
        """
        key = _thumbnail_key(case_state.answer(self.queries.facts(case_id)), slide_id)
        data = self.read(key, f"thumbnail of slide {slide_id}")
        for magic, media_type in _MAGIC.items():
            if data.startswith(magic):
                return Picture(data, media_type)
        raise BrokenEvidenceError(f"thumbnail of slide {slide_id} of case {case_id} is no JPEG or PNG")

    def attention(self, case_id: str, slide_id: str) -> AttentionMap:
        """Attention of the current score on a slide.

        Raises:
            UnknownCaseError: there is no such case, slide or map.
            BrokenMapError: the object is not an attention map.
        """
        slide = self.slide(case_id, slide_id)
        attention = self.tile_attention(slide)
        return thin_out(attention.coords, attention.attention, (slide.tile_width_px, slide.tile_height_px))

    def tile_attention(self, slide: SlideEvidence) -> SlideAttention:
        """Attention of every tile of a slide; raises UnknownCaseError, BrokenEvidenceError or BrokenMapError."""
        stored = self.read(slide.attention_key, f"attention map of slide {slide.slide_id}")
        return read_attention(stored, slide.slide_id)

    def slide(self, case_id: str, slide_id: str) -> SlideEvidence:
        """A slide of the current score; raises UnknownCaseError."""
        slide = _slide(case_state.answer(self.queries.facts(case_id)), slide_id)
        if slide is None:
            raise UnknownCaseError(f"the current score of case {case_id} has no slide {slide_id}")
        return slide

    def read(self, key: str, description: str) -> bytes:
        """An object of at most 64 MiB; raises UnknownCaseError or BrokenEvidenceError."""
        info = self.blobs.head(key) if key else None
        if info is None:
            raise UnknownCaseError(f"there is no {description}")
        if info.size > _LARGEST_BYTES:
            raise BrokenEvidenceError(f"{description} has {info.size:,} bytes; {_LARGEST_BYTES:,} at most")
        return self.blobs.get(key)


def _slide(case: GetCaseResponse, slide_id: str) -> SlideEvidence | None:
    return next((slide for slide in case.score.slides if slide.slide_id == slide_id), None)


def _thumbnail_key(case: GetCaseResponse, slide_id: str) -> str:
    slide = _slide(case, slide_id)
    if slide is not None:
        return slide.thumbnail_key
    return next((refused.thumbnail_key for refused in case.rejections if refused.slide_id == slide_id), "")

"""The tiler's memory of what it did with each version of each slide, so that a repeated event costs one look."""

import json
from dataclasses import dataclass

from google.protobuf.json_format import MessageToDict, ParseDict
from medulla.v1.events_pb2 import SlideRejected, SlideTiled

from services.tiler.planner import PLANNER_VERSION, PlanSpec
from services.tiler.resolution import Override
from shared import keys
from shared.blob.port import BlobStore
from shared.canonical import canonical_json, digest_of, sha256
from shared.slides.listing import FoundSlide
from shared.units import CaseId


@dataclass(frozen=True)
class Landings:
    """Remembers outcomes under key, version and everything that decided them."""

    blobs: BlobStore
    spec: PlanSpec

    def has_outcome(self, slide: FoundSlide, override: Override) -> bool:
        """Whether anything came of this version of the slide under the same parameters."""
        return self.blobs.head(self._key(slide, override)) is not None

    def recall(self, slide: FoundSlide, override: Override) -> SlideTiled | SlideRejected | None:
        """What came of this version of the slide, if it was worked on under the same parameters."""
        if not self.has_outcome(slide, override):
            return None
        message = json.loads(self.blobs.get(self._key(slide, override)))
        return ParseDict(message, SlideRejected() if "reason" in message else SlideTiled())

    def remember(self, slide: FoundSlide, override: Override, outcome: SlideTiled | SlideRejected) -> None:
        """Store the last outcome; a refused slide may be retried."""
        message = MessageToDict(outcome, preserving_proto_field_name=True)
        self.blobs.put(self._key(slide, override), canonical_json(message))

    def _key(self, slide: FoundSlide, override: Override) -> str:
        parameters = [PLANNER_VERSION, self.spec.model_dump(mode="json"), override.named, override.default]
        name = "\n".join([slide.files[0].key, slide.slide_id, slide.version, digest_of(parameters)])
        return f"{keys.landings(_case(slide))}{sha256(name.encode())}.json"


def _case(slide: FoundSlide) -> CaseId:
    """Whose slide it is, so that erasing a case finds what is remembered of it."""
    return CaseId(slide.files[0].key.removeprefix(keys.SLIDES).partition("/")[0])

"""Stored outcomes of each version of each slide, so that a repeated event costs one request."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from google.protobuf.json_format import MessageToDict, ParseDict
from medulla.v1.events_pb2 import SlideRejected, SlideTiled

from services.tiler.planner import PLANNER_VERSION, PlanSpec
from services.tiler.resolution import Override
from shared import keys
from shared.blob.port import BlobStore, read_if_there
from shared.canonical import canonical_json, digest_of, sha256
from shared.slides.listing import FoundSlide
from shared.units import CaseId

_LETTER_S = 60.0
"""How long other events wait for a dead letter; a refusal that is dropped, as one of an erased case, gets none."""


@dataclass(frozen=True, slots=True)
class Unreported:
    """A refusal whose dead letter is not on the bus yet."""

    slide: FoundSlide
    override: Override
    event: SlideRejected
    is_stored: bool = True
    """Whether the refusal holds for every machine and moment."""
    since: float = field(default_factory=time.monotonic)

    @property
    def is_awaited(self) -> bool:
        """Whether other events of the version wait for it."""
        return time.monotonic() - self.since < _LETTER_S


@dataclass(frozen=True)
class Landings:
    """Stores outcomes by key, version and all parameters."""

    blobs: BlobStore
    spec: PlanSpec

    def has_outcome(self, slide: FoundSlide, override: Override) -> bool:
        """Whether this version of the slide has an outcome with the same parameters."""
        return self.blobs.head(self.key(slide, override)) is not None

    def recall(self, slide: FoundSlide, override: Override) -> SlideTiled | SlideRejected | None:
        """The outcome of this version of the slide with the same parameters, if any."""
        data = read_if_there(self.blobs, self.key(slide, override))
        if data is None:
            return None
        message = json.loads(data)
        return ParseDict(message, SlideRejected() if "reason" in message else SlideTiled())

    def remember(self, slide: FoundSlide, override: Override, outcome: SlideTiled | SlideRejected) -> None:
        """Store the last outcome: a refused slide may be retried, but no refusal takes the place of a plan, which an
        event of the same version may have got meanwhile."""
        key = self.key(slide, override)
        data = canonical_json(MessageToDict(outcome, preserving_proto_field_name=True))
        if isinstance(outcome, SlideTiled):
            self.blobs.put(key, data)
        elif not self.blobs.put_new(key, data):
            info = self.blobs.head(key)
            if info and isinstance(self.recall(slide, override), SlideRejected):
                self.blobs.replace(info, data)

    def key(self, slide: FoundSlide, override: Override) -> str:
        """Where the outcome of this version of the slide with these parameters is stored."""
        parameters = [PLANNER_VERSION, self.spec.model_dump(mode="json"), override.named, override.default]
        name = "\n".join([slide.files[0].key, slide.slide_id, slide.version, digest_of(parameters)])
        return f"{keys.landings(_case(slide))}{sha256(name.encode())}.json"


def is_done(grids: Sequence[Landings], slide: FoundSlide, override: Override) -> bool:
    """Whether a version of a slide has an outcome of each grid; what the first one refuses gets no further plan."""
    first, *further = grids
    if not first.has_outcome(slide, override):
        return False
    if all(grid.has_outcome(slide, override) for grid in further):
        return True
    return isinstance(first.recall(slide, override), SlideRejected)


def _case(slide: FoundSlide) -> CaseId:
    """The case of a slide, so that erasing the case finds the stored outcomes."""
    return CaseId(slide.files[0].key.removeprefix(keys.SLIDES).partition("/")[0])

"""All that a score is made from, in memory."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from medulla.v1.events_pb2 import SlideEmbedded
from medulla.v1.scorer_pb2 import LeftOutSlide, Remark
from pydantic import BaseModel

from shared.canonical import digest_of
from shared.model.case_vector import CaseVector
from shared.model.record import ClinicalRecord
from shared.units import CaseId, Sha256


class OtherResolution(BaseModel, frozen=True):
    """A resolution that the slide states beside the one that counts."""

    mpp_x: float
    mpp_y: float
    source: str


class SlideFacts(BaseModel, frozen=True):
    """The slide as the planner saw it."""

    width_px: int
    height_px: int
    mpp_x: float
    mpp_y: float
    mpp_source: str
    mpp_contradicted_by: tuple[OtherResolution, ...] = ()
    """By more than 2 %."""


class PlanFacts(BaseModel, frozen=True):
    """What a score repeats of plan.json, so that a reader needs no second file to draw its map."""

    slide: SlideFacts
    tile_width_px: float
    """Side of a tile in level-0 pixels."""
    tile_height_px: float
    qc_flags: tuple[str, ...] = ()
    ledger: Mapping[str, int] | None = None
    """Places of the grid by verdict; None where no planner checked the slide's quality, as of imported features."""
    colours: tuple[float, ...] = ()
    """How the tissue is stained, as the planner measures it; empty in plans of older programs."""


@dataclass(frozen=True)
class SlideInput:
    """One slide's embeddings with the event and the plan that say where they came from."""

    embedded: SlideEmbedded
    plan: PlanFacts
    features: npt.NDArray[np.float32]
    """[n, d]."""
    coords: npt.NDArray[np.int32]
    """[n, 2], level-0 position of each tile's upper left corner."""

    @property
    def slide_id(self) -> str:
        """The slide's name within its case."""
        return self.embedded.slide.slide_id


@dataclass(frozen=True)
class CaseInputs:
    """What is known of a case, in the order of slide ids."""

    case_id: CaseId
    slides: tuple[SlideInput, ...] = ()
    clinical: ClinicalRecord | None = None
    vectors: tuple[CaseVector, ...] = ()
    """Of different blocks, each of which the bundle has a model of."""
    left_out: tuple[LeftOutSlide, ...] = ()
    """Slides of the case that are not among `slides`, and why."""
    remarks: tuple[Remark, ...] = ()
    """What a person should see beside the score."""
    without_vectors: frozenset[str] = frozenset()
    """Blocks of vectors that are left out, also where the slides could give them."""

    @property
    def simulated(self) -> bool:
        """Whether the record or a vector states that its patient never lived."""
        return bool(self.clinical and self.clinical.simulated) or any(vector.simulated for vector in self.vectors)

    def score_id(self, bundle: Sha256) -> Sha256:
        """Name of the score that these inputs give with a bundle."""
        vectors = sorted([vector.block, vector.digest] for vector in self.vectors)
        notes = [message.SerializeToString(deterministic=True).hex() for message in (*self.left_out, *self.remarks)]
        return digest_of(
            {
                "case_id": self.case_id,
                "slides": sorted(map(_named, self.slides)),
                "clinical": self.clinical.digest if self.clinical else None,
                "bundle": bundle,
            }
            | ({"vectors": vectors} if vectors else {})
            | ({"notes": notes} if notes else {})
            | ({"without_vectors": sorted(self.without_vectors)} if self.without_vectors else {})
        )


def _named(slide: SlideInput) -> tuple[str, str, str, str]:
    """Identifies a slide in a score, also among slides with the same tiles."""
    embedded = slide.embedded
    return embedded.slide.slide_id, embedded.slide.digest, embedded.plan.digest, embedded.bag.digest

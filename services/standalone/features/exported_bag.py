"""A bag of a folder of embeddings with what other tools need to know of its tiles."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pydantic import ValidationError

from services.fusion_scorer.inputs import PlanFacts
from services.standalone.features.errors import MissingStatementError, UnknownFeatureFileError
from services.trainer.cohort.embeddings import BagFile
from services.trainer.errors import BadEmbeddingsError
from shared import keys, pseudonyms
from shared.units import Sha256


@dataclass(frozen=True, eq=False)
class ExportedBag:
    """One slide's features as a feature file holds them."""

    name: str
    """Of the slide, without suffix; the name of its file."""
    features: npt.NDArray[np.float16]
    """[n, d]."""
    coords: npt.NDArray[np.int32]
    """[n, 2] x and y of upper left corners, level-0 pixels."""
    encoder: str
    tile_px: int
    tile_um: float
    side_px: int
    """Side of a tile in level-0 pixels."""
    mpp: float
    """Level-0 microns per pixel."""
    width_px: int = 0
    """Of the slide; 0 where the embeddings do not say it."""
    height_px: int = 0


def exported_bag(bag: BagFile, name: str, folder: Path, mpp: float | None) -> ExportedBag:
    """Read a bag; `mpp` counts where its plan is not in the folder.

    Raises:
        BadEmbeddingsError: the bag or its plan cannot be read.
        MissingStatementError: the embeddings do not say the resolution of the slide, and `mpp` neither.
        UnknownFeatureFileError: its tiles are not square, and no tool has a place for that.
    """
    if not (pseudonyms.is_pseudonym(name) and pseudonyms.is_pseudonym(bag.encoder_name)):
        raise BadEmbeddingsError(f"slide {name!a} of encoder {bag.encoder_name!a} cannot be the name of a file")
    coords, (tile_px, tile_um) = bag.origins(), bag.tile_size()
    plan = _plan(bag, folder)
    resolution = plan.slide.mpp_x if plan and plan.slide.mpp_x > 0 else mpp
    if resolution is None:
        raise MissingStatementError(f"bag {bag.path} does not say the resolution of its slide: state --mpp")
    side = plan.tile_width_px if plan and plan.tile_width_px > 0 else tile_um / resolution
    if plan and abs(plan.tile_width_px - plan.tile_height_px) > 1:
        raise UnknownFeatureFileError(
            f"tiles of slide {bag.slide_id} have {plan.tile_width_px:g} x {plan.tile_height_px:g} level-0 pixels, "
            "and the tool takes square ones alone"
        )
    size = (plan.slide.width_px, plan.slide.height_px) if plan else (0, 0)
    features = np.asarray(bag.rows())
    return ExportedBag(name, features, coords, bag.encoder_name, tile_px, tile_um, round(side), resolution, *size)


def _plan(bag: BagFile, folder: Path) -> PlanFacts | None:
    path = folder / keys.plan_prefix(Sha256(bag.slide_digest), Sha256(bag.plan_digest)) / keys.PLAN
    try:
        return PlanFacts.model_validate_json(path.read_bytes()) if path.is_file() else None
    except (ValidationError, OSError) as error:
        raise BadEmbeddingsError(f"the plan {path} of slide {bag.slide_id} cannot be read") from error

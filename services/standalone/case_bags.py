"""The bags of a case's slides in a folder of embeddings, as the scorer reads them from a bucket."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from medulla.v1.common_pb2 import Bag, Plan, Slide, TileLedger
from medulla.v1.events_pb2 import SlideEmbedded

from services.fusion_scorer.inputs import PlanFacts, SlideFacts
from services.trainer.cohort.embeddings import BagFile
from services.trainer.errors import BadEmbeddingsError
from shared import keys
from shared.canonical import sha256
from shared.units import Sha256

_UNKNOWN = SlideFacts(width_px=0, height_px=0, mpp_x=0, mpp_y=0, mpp_source="not stated")
_NO_PLAN = PlanFacts(slide=_UNKNOWN, tile_width_px=0, tile_height_px=0)
"""Of a bag that was made elsewhere, or simulated: the score then states neither size nor resolution of the slide."""


@dataclass(frozen=True)
class StoredBag:
    """An embedded slide, and the objects that its event names."""

    event: SlideEmbedded
    objects: Mapping[str, bytes]
    """By key: the bag and the plan."""


def stored_bag(bag: BagFile, folder: Path) -> StoredBag:
    """Read a bag with its plan, where the folder has one.

    Raises:
        BadEmbeddingsError: the bag or its plan cannot be read.
    """
    prefix = keys.plan_prefix(Sha256(bag.slide_digest), Sha256(bag.plan_digest))
    try:
        data, plan_file = bag.path.read_bytes(), folder / prefix / keys.PLAN
        plan = plan_file.read_bytes() if plan_file.is_file() else _NO_PLAN.model_dump_json().encode()
    except OSError as error:
        raise BadEmbeddingsError(f"{error.filename} of case {bag.case_id} cannot be read: {error.strerror}") from error
    key = bag.path.as_posix().lstrip("/")
    event = SlideEmbedded(
        slide=Slide(case_id=bag.case_id, slide_id=bag.slide_id, digest=bag.slide_digest),
        plan=Plan(digest=bag.plan_digest, prefix=prefix),
        bag=Bag(key=key, digest=sha256(data), tiles=bag.tiles, encoder_digest=bag.encoder_digest),
        ledger=_ledger(bag, plan),
    )
    event.bag.encoder_name = bag.encoder_name
    return StoredBag(event, {key: data, prefix + keys.PLAN: plan})


def _ledger(bag: BagFile, plan: bytes) -> TileLedger:
    """The plan's counts, with the tiles that were embedded and those that could not be decoded."""
    try:
        ledger = TileLedger(**(json.loads(plan).get("ledger") or {}))
    except (ValueError, TypeError, AttributeError) as error:
        raise BadEmbeddingsError(f"the plan of bag {bag.path} of case {bag.case_id} is damaged") from error
    ledger.ok, ledger.corrupt = bag.tiles, int(bag.provenance().get("corrupt", 0))
    return ledger

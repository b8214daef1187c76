"""Reads the inputs of a case: bags, plans and the clinical record, each checked as it is read."""

from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
from medulla.v1.events_pb2 import SlideEmbedded
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.numpy import load

from services.fusion_scorer.errors import BadBagError, MovedMeanwhileError
from services.fusion_scorer.inputs import CaseInputs, PlanFacts, SlideInput
from services.fusion_scorer.snapshot import CaseSnapshot
from shared import keys
from shared.blob.port import BlobInfo, BlobStore, ObjectChangedError
from shared.canonical import sha256
from shared.json_objects import MAX_BYTES
from shared.model.errors import BadClinicalRecordError
from shared.model.profile import Profile
from shared.model.record import ClinicalRecord, ReadRecord, parse_record
from shared.times import when
from shared.units import CaseId


@dataclass(frozen=True)
class StoredCase:
    """A case's inputs and when each of them landed."""

    inputs: CaseInputs
    landed: tuple[datetime, ...]
    refused: BadClinicalRecordError | None = None
    """What is wrong with its clinical record, which then counts as missing."""

    @property
    def empty(self) -> bool:
        """Nothing of the case can be used."""
        return not self.inputs.slides and self.inputs.clinical is None


@dataclass(frozen=True)
class CaseReader:
    """Reads cases from the store."""

    store: BlobStore
    read_record: ReadRecord = parse_record

    def __call__(self, case: CaseSnapshot, profile: Profile) -> StoredCase:
        """Read a case; a clinical record that `profile` refuses counts as missing.

        Raises:
            BadBagError: a slide's bag or plan is gone, or not the one that its event told of.
            MovedMeanwhileError: the clinical record was replaced at this moment.
        """
        landed = [when(stored.last_modified) for stored in (*case.objects, *case.record)]
        slides = tuple(self._slide(event) for event in case.slides)
        inputs = CaseInputs(case.case_id, slides, None, case.left_out, case.remarks)
        try:
            clinical = self._clinical(case.case_id, case.clinical, profile)
        except BadClinicalRecordError as error:
            return StoredCase(inputs, tuple(landed), error)
        return StoredCase(replace(inputs, clinical=clinical), tuple(landed))

    def _clinical(self, case: CaseId, info: BlobInfo | None, profile: Profile) -> ClinicalRecord | None:
        return None if info is None else self.read_record(read_version(self.store, info), case, profile)

    def _slide(self, event: SlideEmbedded) -> SlideInput:
        data = self._get(event, event.bag.key)
        if sha256(data) != event.bag.digest:
            raise BadBagError(f"the bag {event.bag.key} was altered: its SHA-256 is not the one of its event", event)
        return _bag(event, data, self._plan(event))

    def _plan(self, event: SlideEmbedded) -> PlanFacts:
        key = event.plan.prefix + keys.PLAN
        try:
            return PlanFacts.model_validate_json(self._get(event, key))
        except ValidationError as error:
            raise BadBagError(f"the plan {key} is not understood", event) from error

    def _get(self, event: SlideEmbedded, key: str) -> bytes:
        try:
            return self.store.get(key)
        except ObjectChangedError as error:
            raise BadBagError(f"{key} of slide {event.slide.slide_id} is gone", event) from error


def read_version(store: BlobStore, info: BlobInfo) -> bytes:
    """The bytes of exactly the version that `info` describes; of a record too large to be one, the first.

    Raises:
        MovedMeanwhileError: it is no longer that version.
    """
    try:
        return store.get_range(info, 0, min(info.size, MAX_BYTES + 1))
    except ObjectChangedError as error:
        raise MovedMeanwhileError(f"{info.key} was replaced or deleted at this moment") from error


def _bag(event: SlideEmbedded, data: bytes, plan: PlanFacts) -> SlideInput:
    try:
        arrays = load(data)
        features, coords = arrays["features"].astype(np.float32), arrays["coords"].astype(np.int32)
    except (SafetensorError, KeyError) as error:
        raise BadBagError(f"the bag {event.bag.key} holds no features and coords", event) from error
    if features.ndim != 2 or coords.shape != (len(features), 2):
        raise BadBagError(f"the bag {event.bag.key} has features and coords that do not fit each other", event)
    if not np.isfinite(features).all():
        raise BadBagError(f"the bag {event.bag.key} has features that are no numbers", event)
    return SlideInput(event, plan, features, coords)

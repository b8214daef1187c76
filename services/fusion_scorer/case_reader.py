"""Reads the inputs of a case: bags, plans, the clinical record and vectors, each checked as it is read."""

from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import PurePosixPath
from typing import TypeAlias

import numpy as np
from medulla.v1.events_pb2 import SlideEmbedded
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.numpy import load

from services.fusion_scorer.errors import BadBagError, MovedMeanwhileError
from services.fusion_scorer.inputs import CaseInputs, PlanFacts, SlideInput
from services.fusion_scorer.snapshot import CaseSnapshot
from services.fusion_scorer.vector_messages import refused_vector, unknown_block
from services.fusion_scorer.vectors import read_vector
from shared import keys
from shared.blob.port import BlobInfo, BlobStore, ObjectChangedError
from shared.canonical import sha256
from shared.json_objects import MAX_BYTES
from shared.model.bundle import Bundle
from shared.model.errors import BadClinicalRecordError, BadVectorsError
from shared.model.record import ReadRecord, parse_record
from shared.times import when

Refusal: TypeAlias = BadClinicalRecordError | BadVectorsError


@dataclass(frozen=True, slots=True)
class RefusedInput:
    """A record or vector that the bundle refuses."""

    info: BlobInfo
    error: Refusal


@dataclass(frozen=True)
class StoredCase:
    """A case's inputs and when each of them landed."""

    inputs: CaseInputs
    landed: tuple[datetime, ...]
    accepted: tuple[BlobInfo, ...] = ()
    """The record and vectors that were not refused, those of unknown blocks included."""
    refused: tuple[RefusedInput, ...] = ()
    """The others, which count as missing."""

    @property
    def empty(self) -> bool:
        """Nothing of the case can be used."""
        return not self.inputs.slides and not self.accepted


@dataclass(frozen=True)
class CaseReader:
    """Reads cases from the store."""

    store: BlobStore
    read_record: ReadRecord = parse_record

    def __call__(self, case: CaseSnapshot, bundle: Bundle) -> StoredCase:
        """Read a case; a clinical record or vector that `bundle` refuses counts as missing.

        Raises:
            BadBagError: a slide's bag or plan is gone, or not the one that its event told of.
            MovedMeanwhileError: the clinical record or a vector was replaced at this moment.
        """
        landed = [when(stored.last_modified) for stored in (*case.objects, *case.read)]
        slides = tuple(self._slide(event) for event in case.slides)
        stored = StoredCase(
            CaseInputs(case.case_id, slides, left_out=case.left_out, remarks=case.remarks), tuple(landed)
        )
        stored = stored if case.clinical is None else self._with_record(stored, case.clinical, bundle)
        for info in case.vectors:
            stored = self._with_vector(stored, info, bundle)
        return stored

    def _with_record(self, stored: StoredCase, info: BlobInfo, bundle: Bundle) -> StoredCase:
        data = read_version(self.store, info)
        try:
            clinical = self.read_record(data, stored.inputs.case_id, bundle.manifest.profile)
        except BadClinicalRecordError as error:
            return replace(stored, refused=(*stored.refused, RefusedInput(info, error)))
        inputs = replace(stored.inputs, clinical=clinical)
        return replace(stored, inputs=inputs, accepted=(*stored.accepted, info))

    def _with_vector(self, stored: StoredCase, info: BlobInfo, bundle: Bundle) -> StoredCase:
        inputs, block = stored.inputs, PurePosixPath(info.key).stem
        try:
            vector = read_vector(read_version(self.store, info), inputs.case_id, block, bundle)
        except BadVectorsError as error:
            inputs = replace(inputs, remarks=(*inputs.remarks, refused_vector(error)))
            return replace(stored, inputs=inputs, refused=(*stored.refused, RefusedInput(info, error)))
        if vector is None:
            inputs = replace(inputs, remarks=(*inputs.remarks, unknown_block(bundle, block)))
        else:
            inputs = replace(inputs, vectors=(*inputs.vectors, vector))
        return replace(stored, inputs=inputs, accepted=(*stored.accepted, info))

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
    """The bytes of exactly the version that `info` describes; of a file too large to be read, the first.

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

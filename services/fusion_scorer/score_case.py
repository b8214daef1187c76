"""Scores a stored case with the promoted bundle and keeps the score; asked twice, it writes the same bytes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from medulla.v1.events_pb2 import CaseScored
from medulla.v1.scorer_pb2 import LeftOutSlide, Score, ScoreCaseRequest

from services.fusion_scorer.case_index import CaseIndex
from services.fusion_scorer.case_reader import CaseReader
from services.fusion_scorer.clinical import parse
from services.fusion_scorer.errors import NothingToScoreError, UnknownCaseError
from services.fusion_scorer.promoted import Bundles
from services.fusion_scorer.score import Scored, score
from services.fusion_scorer.score_json import to_bytes
from services.fusion_scorer.watching import Sites, count
from shared import keys
from shared.blob.port import BlobStore
from shared.bus.events import event_id
from shared.canonical import sha256
from shared.times import stamp
from shared.units import CaseId, Sha256

_EPOCH = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True)
class ScoreCase:
    """One case in, one stored score out."""

    store: BlobStore
    bundles: Bundles
    program_version: str
    sites: Sites = field(default_factory=Sites)

    def __call__(self, case: CaseId, left_out: Iterable[LeftOutSlide] = ()) -> CaseScored:
        """Score the case as it stands; `left_out` are slides of it that never came into the store.

        Raises:
            NoBundleError: none is promoted.
            NothingToScoreError: nothing of the case is stored.
            BadClinicalRecordError: a record that the bundle refuses is all that is stored of it.
            BadSlideError: a bag cannot be used, or was made by another encoder than the bundle's.
        """
        promoted = self.bundles.promoted()
        stored = CaseReader(self.store, CaseIndex(self.store))(case, promoted.bundle.manifest.profile)
        if stored.empty:
            raise stored.refused or NothingToScoreError(f"nothing is stored of case {case} to make a score from")
        inputs = replace(stored.inputs, left_out=(*stored.inputs.left_out, *left_out))
        made = score(promoted.bundle, inputs, self.program_version)
        digest = self._keep(case, made)
        count(made.score, self.sites.label(stored.inputs.clinical))
        return _event(made.score, digest, (*stored.landed, promoted.since))

    def _keep(self, case: CaseId, made: Scored) -> Sha256:
        """Write the score, evidence first; digest of what the store holds, which an older program may have written."""
        for key, data in made.attention.items():
            self.store.put_new(key, data)
        key, data = keys.score(case, Sha256(made.score.score_id)), to_bytes(made.score)
        return sha256(data if self.store.put_new(key, data) else self.store.get(key))


@dataclass(frozen=True)
class WhatIf:
    """Answers "what if" about a stored case; stores and publishes nothing."""

    store: BlobStore
    bundles: Bundles
    program_version: str

    def __call__(self, request: ScoreCaseRequest) -> Score:
        """Score the case as it stands, or with another record or bundle, or without its slides.

        Raises:
            UnknownCaseError: nothing is stored of the case.
            BadClinicalRecordError: the record of the request is refused.
            BadBundleError: there is no such bundle.
        """
        case, index = keys.case_id(request.case_id, "the request"), CaseIndex(self.store)
        if not index.knows(case):
            raise UnknownCaseError(f"nothing is stored of case {case}")
        digest = Sha256(request.bundle_digest)
        bundle = self.bundles.by_digest(digest) if digest else self.bundles.promoted().bundle
        profile = bundle.manifest.profile
        inputs = CaseReader(self.store, index)(case, profile).inputs
        if request.HasField("clinical_json"):
            inputs = replace(inputs, clinical=parse(request.clinical_json.encode(), case, profile))
        if request.without_slides:
            inputs = replace(inputs, slides=())
        return _without_files(score(bundle, inputs, self.program_version).score)


def _without_files(answer: Score) -> Score:
    for slide in answer.slides:
        slide.attention_key = ""
    return answer


def revision(landed: Iterable[datetime]) -> str:
    """Landing times of a score's inputs as text, newest first; a new or replaced input makes it greater."""
    return "".join(f"{(time - _EPOCH) // timedelta(microseconds=1):016x}" for time in sorted(landed, reverse=True))


def _event(answer: Score, digest: Sha256, landed: Sequence[datetime]) -> CaseScored:
    return CaseScored(
        event_id=event_id(CaseScored, answer.score_id, revision(landed)),
        case_id=answer.case_id,
        score_id=answer.score_id,
        score_key=keys.score(CaseId(answer.case_id), Sha256(answer.score_id)),
        score_digest=digest,
        as_of=stamp(max(landed)),
        revision=revision(landed),
    )

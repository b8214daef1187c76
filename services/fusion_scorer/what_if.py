"""Answers "what if" about a stored case; stores and publishes nothing."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from medulla.v1.scorer_pb2 import DescribeFormRequest, DescribeFormResponse, Score, ScoreCaseRequest

from services.fusion_scorer.case_index import CaseIndex
from services.fusion_scorer.case_reader import CaseReader
from services.fusion_scorer.encoder_bags import encoder_of
from services.fusion_scorer.errors import BadQuestionError, UnknownCaseError
from services.fusion_scorer.inputs import CaseInputs
from services.fusion_scorer.promoted import Bundles
from services.fusion_scorer.score import score
from services.fusion_scorer.snapshot import CaseSnapshot, TakeSnapshot
from services.fusion_scorer.vectors import no_model, read_vector
from services.fusion_scorer.what_if_form import form
from shared import keys
from shared.blob.port import BlobStore
from shared.model.bundle import Bundle
from shared.model.case_vector import CaseVector
from shared.model.course import EVENT_FREE_YEARS
from shared.model.errors import BadClinicalRecordError, BadVectorsError
from shared.model.record import ReadRecord, parse_record
from shared.units import CaseId, Sha256

_ADVICE = "Correct what is named and ask again."
"""What to do about an input of a question, which is stored nowhere."""


@dataclass(frozen=True)
class WhatIf:
    """Scores a stored case with other inputs."""

    store: BlobStore
    bundles: Bundles
    program_version: str
    read_record: ReadRecord = parse_record
    """Reads stored records."""

    def __call__(self, request: ScoreCaseRequest) -> Score:
        """Score the case as it stands, or with another record, other vectors or another bundle, or without slides.

        Raises:
            UnknownCaseError: nothing is stored of the case.
            BadClinicalRecordError, BadVectorsError: the record or a vector of the request is refused, or a block to
                leave out is unknown.
            BadQuestionError: event_free_years is out of range.
            BadBundleError: there is no such bundle.
        """
        bundle = self._bundle(request.bundle_digest)
        snapshot = self._look(request.case_id, bundle)
        years = _event_free_years(request, bundle)
        _check_left_out(request.without_vectors, snapshot, bundle)
        snapshot = _without(snapshot, {*request.vectors_json, *request.without_vectors})
        inputs = self._read(snapshot, bundle)
        try:
            inputs = _with_given(inputs, request, bundle)
        except (BadClinicalRecordError, BadVectorsError) as error:
            error.advice = _ADVICE
            raise
        return _without_files(score(bundle, inputs, self.program_version, years).score)

    def describe(self, request: DescribeFormRequest) -> DescribeFormResponse:
        """What a form of questions about a case is made of.

        Raises:
            UnknownCaseError, BadBundleError: as above.
        """
        bundle = self._bundle(request.bundle_digest)
        snapshot = self._look(request.case_id, bundle)
        return form(bundle, self._read(snapshot, bundle))

    def _look(self, case_id: str, bundle: Bundle) -> CaseSnapshot:
        case, index = keys.named_case(case_id, "the request"), CaseIndex(self.store)
        if not index.has_case(case):
            raise UnknownCaseError(f"no embedded slide, clinical record or vector of case {case} is stored")
        return TakeSnapshot(self.store, index)(case, encoder_of(bundle))

    def _bundle(self, digest: str) -> Bundle:
        return self.bundles.by_digest(Sha256(digest)) if digest else self.bundles.promoted().bundle

    def _read(self, snapshot: CaseSnapshot, bundle: Bundle) -> CaseInputs:
        return CaseReader(self.store, self.read_record)(snapshot, bundle).inputs


def _event_free_years(request: ScoreCaseRequest, bundle: Bundle) -> Sequence[float]:
    if not request.HasField("event_free_years"):
        return EVENT_FREE_YEARS
    if not bundle.manifest.profile.outcome.time:
        raise BadQuestionError("event_free_years cannot be answered: the outcome of the training cohort has no times")
    years, last = request.event_free_years, bundle.manifest.profile.horizons_years[-1]
    if not 0 < years < last:  # not a number is refused too
        raise BadQuestionError(f"event_free_years is {years:g}; allowed is a number above 0 and below {last:g}")
    return (years,)


def _check_left_out(blocks: Collection[str], snapshot: CaseSnapshot, bundle: Bundle) -> None:
    stored = {info.key for info in snapshot.vectors}
    for block in blocks:
        if block not in bundle.vectors and keys.vector(snapshot.case_id, block) not in stored:
            raise no_model(block, bundle)


def _without(snapshot: CaseSnapshot, blocks: Collection[str]) -> CaseSnapshot:
    """The snapshot less the vectors of some blocks."""
    omitted = {keys.vector(snapshot.case_id, block) for block in blocks}
    return replace(snapshot, vectors=tuple(info for info in snapshot.vectors if info.key not in omitted))


def _with_given(inputs: CaseInputs, request: ScoreCaseRequest, bundle: Bundle) -> CaseInputs:
    """The inputs with those of the request."""
    case = inputs.case_id
    if request.HasField("clinical_json"):
        record = parse_record(request.clinical_json.encode(), case, bundle.manifest.profile)
        inputs = replace(inputs, clinical=record)
    if request.without_slides:
        inputs = replace(inputs, slides=())
    given = tuple(_vector(text, case, block, bundle) for block, text in sorted(request.vectors_json.items()))
    return replace(inputs, vectors=(*inputs.vectors, *given), without_vectors=frozenset(request.without_vectors))


def _vector(text: str, case: CaseId, block: str, bundle: Bundle) -> CaseVector:
    vector = read_vector(text.encode(), case, block, bundle)
    if vector is None:
        raise no_model(block, bundle)
    return vector


def _without_files(answer: Score) -> Score:
    for slide in answer.slides:
        slide.attention_key = ""
    return answer

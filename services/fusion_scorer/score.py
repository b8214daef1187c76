"""Scores a case: bundle, bags, clinical record and vectors in, one Score out; no clock, no store, no network."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from medulla.v1.scorer_pb2 import Provenance, Remark, Score, SlideEvidence

from services.fusion_scorer import ood, record_messages, vector_messages
from services.fusion_scorer.case_evidence import CaseEvidence, case_evidence
from services.fusion_scorer.comparisons import cohort_risk, record_only, rule_answer
from services.fusion_scorer.contributions import contributions
from services.fusion_scorer.evidence import attention_file, provenance, resolution_remarks, slide_evidence
from services.fusion_scorer.inputs import CaseInputs, SlideInput
from services.fusion_scorer.missing_values import missing_variables
from services.fusion_scorer.risk_group import group_horizon, set_group
from services.fusion_scorer.risk_messages import event_free_risks, horizon_risks, incidence
from services.fusion_scorer.score_json import rounded
from services.fusion_scorer.tile_prototypes import tile_prototypes
from shared.model.bundle import Bundle
from shared.model.case_values import CaseValues
from shared.model.course import EVENT_FREE_YEARS
from shared.model.manifest import ArmRef, Manifest
from shared.model.prediction import ArmPrediction
from shared.notice import NOTICE
from shared.ranks import percentile_rank
from shared.units import Sha256

RESERVATION = "model_reservation"
"""Code of the remark with what speaks against the bundle, or against the model that served the case."""
NOTHING_KNOWN = "Nothing is known of the case that a model of the bundle could use."


@dataclass(frozen=True)
class Scored:
    """A score, and the attention files that it names, by key."""

    score: Score
    attention: Mapping[str, bytes]


def score(
    bundle: Bundle, case: CaseInputs, program_version: str, event_free_years: Sequence[float] = EVENT_FREE_YEARS
) -> Scored:
    """Score a case with the bundle's first arm that what is known can serve; abstain where none can or the case is odd.

    `event_free_years` are the times without an event that risks are given for.

    Raises:
        EncoderMismatchError: a bag was made by another encoder than the bundle's.
    """
    evidence, profile = case_evidence(bundle, case), bundle.manifest.profile
    known = CaseValues.of_case(profile, evidence.values)
    arm = bundle.arm_for(known)
    answer = _frame(evidence, case, program_version)
    missing = (block for block in bundle.blocks if not known.has_block(block)[0])
    answer.modalities_missing.extend(profile.titles_of(missing))
    if evidence.checked.too_far is not None:
        _abstain_at(answer, evidence.checked.too_far)
    elif arm is None:
        answer.abstained, answer.abstained_reason = True, NOTHING_KNOWN
    else:
        _answer_by(arm, answer, evidence, known)
        _add_course(arm, answer, bundle, known, event_free_years)
    return Scored(rounded(answer), _attention(case, evidence, answer))


def _frame(evidence: CaseEvidence, case: CaseInputs, program_version: str) -> Score:
    """Everything that does not depend on the arm."""
    bundle, checked = evidence.bundle, evidence.checked
    score_id, record = case.score_id(bundle.digest), case.clinical
    return Score(
        case_id=case.case_id,
        score_id=score_id,
        slides=[_slide(evidence, slide, score_id) for slide in case.slides],
        vectors=map(vector_messages.evidence, evidence.vectors),
        provenance=_provenance(evidence, case, program_version),
        left_out=(*case.left_out, *checked.left_out),
        remarks=(
            *case.remarks,
            *(record_messages.remarks(record) if record else ()),
            *checked.remarks,
            *resolution_remarks(case.slides),
            *_reservations(bundle.manifest),
        ),
        readings=record_messages.readings(record) if record else (),
        prototypes=tile_prototypes(bundle.prototypes) if bundle.prototypes and evidence.slide_risk else (),
        composition_classes=evidence.composition.classifier.classes if evidence.composition else (),
        simulated=bundle.manifest.simulated or case.simulated,
        notice=NOTICE,
    )


def _reservations(source: Manifest | ArmRef) -> list[Remark]:
    return [Remark(code=RESERVATION, sentence=sentence) for sentence in source.reservations]


def _slide(evidence: CaseEvidence, slide: SlideInput, score_id: Sha256) -> SlideEvidence:
    bag = slide.embedded.bag.digest
    tiles = evidence.slide_risk.tiles.get(bag) if evidence.slide_risk else None
    message = slide_evidence(slide, tiles, evidence.checked.distances.get(slide.slide_id), score_id)
    if evidence.slide_risk and evidence.slide_risk.has_equal_shares:
        del message.top_tiles[:]
    if evidence.bundle.prototypes and tiles and tiles.prototypes is not None:
        message.prototype_shares.extend(evidence.bundle.prototypes.shares_of(tiles.prototypes))
    if evidence.composition:
        message.composition_shares.extend(evidence.composition.shares(bag))
    return message


def _provenance(evidence: CaseEvidence, case: CaseInputs, program_version: str) -> Provenance:
    bundle, encoder = evidence.bundle, evidence.bundle.manifest.encoder
    return Provenance(
        slides=map(provenance, evidence.checked.used),
        clinical_digest=case.clinical.digest if case.clinical else "",
        vectors=map(vector_messages.provenance, evidence.vectors),
        bundle_digest=bundle.digest,
        bundle_name=bundle.manifest.name,
        encoder_digest=encoder.digest if encoder else "",
        encoder_name=encoder.name if encoder else "",
        program_version=program_version,
    )


def _abstain_at(answer: Score, far: ood.Distance) -> None:
    answer.abstained, answer.abstained_reason = True, far.reason
    answer.out_of_distribution.CopyFrom(far.message())


def _answer_by(arm: ArmRef, answer: Score, evidence: CaseEvidence, known: CaseValues) -> None:
    bundle, profile = evidence.bundle, evidence.bundle.manifest.profile
    answer.model = arm.name
    answer.remarks.extend(_reservations(arm))
    answer.modalities_used.extend(profile.titles_of(bundle.weighed_by(arm)))
    answer.modalities_left_aside.extend(profile.titles_of(_left_aside(bundle, arm, known)))
    far = ood.farthest(evidence.distances(arm.name))
    if far is not None:
        answer.out_of_distribution.CopyFrom(far.message())
    if far is not None and far.too_far:
        _abstain_at(answer, far)
    else:
        _fill(answer, evidence, bundle.predict(arm.name, known))
        _add_comparisons(arm, answer, bundle, known)


def _left_aside(bundle: Bundle, arm: ArmRef, known: CaseValues) -> list[str]:
    """Blocks that are known of the case and that the bundle can read, but that the arm does not read or weigh."""
    slides = bundle.manifest.profile.slides
    read = {slides.name} if slides and bundle.mil else set()
    others = (bundle.blocks | bundle.vectors.keys() | read) - bundle.weighed_by(arm)
    return [block for block in others if known.has_block(block)[0]]


def _fill(answer: Score, evidence: CaseEvidence, prediction: ArmPrediction) -> None:
    bundle = evidence.bundle
    answer.log_risk = float(prediction.log_risk[0])
    quantiles = bundle.reference.log_risk.get(answer.model)
    if quantiles:
        answer.percentile = percentile_rank(answer.log_risk, quantiles)
    answer.contributions.extend(contributions(evidence, answer.model, prediction))
    answer.risks.extend(horizon_risks(prediction))
    set_group(answer, bundle, prediction)


def _add_comparisons(arm: ArmRef, answer: Score, bundle: Bundle, known: CaseValues) -> None:
    """What stands beside the risk, each as far as bundle and case know it."""
    years = group_horizon(bundle, arm.name)
    answer.missing_variables.extend(missing_variables(bundle, arm.name, years, known))
    answer.MergeFrom(
        Score(
            cohort_risk=cohort_risk(bundle, arm.name),
            rule=rule_answer(bundle, known),
            record_only=record_only(bundle, arm, known),
        )
    )


def _add_course(
    arm: ArmRef, answer: Score, bundle: Bundle, known: CaseValues, event_free_years: Sequence[float]
) -> None:
    """Risks over time; none where the scorer abstained, or the training cohort's outcome has no times."""
    if not answer.abstained and bundle.manifest.profile.outcome.time:
        course = bundle.course(arm.name, known, event_free_years)
        answer.incidence.CopyFrom(incidence(course))
        answer.event_free_risks.extend(event_free_risks(course))


def _attention(case: CaseInputs, evidence: CaseEvidence, answer: Score) -> dict[str, bytes]:
    if evidence.slide_risk is None:
        return {}
    tiles, files = evidence.slide_risk.tiles, {}
    for message, slide in zip(answer.slides, case.slides, strict=True):
        if message.attention_key:
            bag = slide.embedded.bag.digest
            classes = evidence.composition.likeliest(bag) if evidence.composition else None
            files[message.attention_key] = attention_file(slide, tiles[bag], classes)
    return files

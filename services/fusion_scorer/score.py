"""Scores a case: bundle, bags and clinical record in, one Score out; no clock, no store, no network."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from medulla.v1.scorer_pb2 import (
    Contribution,
    HorizonRisk,
    Provenance,
    Score,
)

from services.fusion_scorer import ood, record_messages
from services.fusion_scorer.evidence import attention_file, evidence, provenance, resolution_remarks
from services.fusion_scorer.inputs import CaseInputs
from services.fusion_scorer.pathomics import Pathomics, check_encoders, pathomics_of
from services.fusion_scorer.score_json import rounded
from services.fusion_scorer.slide_check import CheckedSlides, check_slides
from shared.model.block import PATHOMICS
from shared.model.bundle import Bundle
from shared.model.case_values import CaseValues
from shared.model.manifest import ArmRef
from shared.model.prediction import ArmPrediction
from shared.model.quantiles import percentile_rank
from shared.model.reference import Reference
from shared.model.variable import Value
from shared.notice import NOTICE

NOTHING_KNOWN = "Nothing is known of the case that a model of the bundle could use."


@dataclass(frozen=True)
class Scored:
    """A score, and the attention files that it names, by key."""

    score: Score
    attention: Mapping[str, bytes]


def score(bundle: Bundle, case: CaseInputs, program_version: str) -> Scored:
    """Score a case with the bundle's first arm that what is known can serve; abstain where none can or the case is odd.

    Raises:
        EncoderMismatchError: a bag was made by another encoder than the bundle's.
    """
    check_encoders(bundle, case.slides)
    checked = check_slides(bundle.reference.slides, case.slides)
    pathomics = pathomics_of(bundle, checked.used)
    values = _values(case, pathomics)
    known = CaseValues.of_case(bundle.manifest.profile, values)
    arm = bundle.arm_for(known)
    answer = _frame(bundle, case, checked, pathomics, program_version)
    missing = (block for block in bundle.blocks if not known.has_block(block)[0])
    answer.modalities_missing.extend(_modalities(bundle, missing))
    if checked.too_far is not None:
        _abstain_at(answer, checked.too_far)
    elif arm is None:
        answer.abstained, answer.abstained_reason = True, NOTHING_KNOWN
    else:
        _answer_by(arm, answer, bundle, values, pathomics)
    return Scored(rounded(answer), _attention(case, pathomics, answer))


def _values(case: CaseInputs, pathomics: Pathomics | None) -> dict[str, Value]:
    values = dict(case.clinical.values) if case.clinical else {}
    return values | ({PATHOMICS: pathomics.log_risk} if pathomics else {})


def _modalities(bundle: Bundle, blocks: Iterable[str]) -> list[str]:
    """Titles of blocks."""
    return sorted(map(bundle.manifest.profile.title_of, blocks))


def _frame(
    bundle: Bundle, case: CaseInputs, checked: CheckedSlides, pathomics: Pathomics | None, program_version: str
) -> Score:
    """Everything that does not depend on the arm."""
    score_id = case.score_id(bundle.digest)
    encoder, record = bundle.manifest.encoder, case.clinical
    attention = pathomics.attention if pathomics else {}
    return Score(
        case_id=case.case_id,
        score_id=score_id,
        slides=[
            evidence(slide, attention.get(slide.embedded.bag.digest), checked.distances.get(slide.slide_id), score_id)
            for slide in case.slides
        ],
        provenance=Provenance(
            slides=[provenance(slide) for slide in checked.used],
            clinical_digest=record.digest if record else "",
            bundle_digest=bundle.digest,
            bundle_name=bundle.manifest.name,
            encoder_digest=encoder.digest if encoder else "",
            encoder_name=encoder.name if encoder else "",
            program_version=program_version,
        ),
        left_out=(*case.left_out, *checked.left_out),
        remarks=(
            *case.remarks,
            *(record_messages.remarks(record) if record else ()),
            *checked.remarks,
            *resolution_remarks(case.slides),
        ),
        readings=record_messages.readings(record) if record else (),
        simulated=bundle.manifest.simulated or bool(record and record.simulated),
        notice=NOTICE,
    )


def _abstain_at(answer: Score, far: ood.Distance) -> None:
    answer.abstained, answer.abstained_reason = True, far.reason
    answer.out_of_distribution.CopyFrom(far.message())


def _answer_by(
    arm: ArmRef, answer: Score, bundle: Bundle, values: Mapping[str, Value], pathomics: Pathomics | None
) -> None:
    answer.model = arm.name
    answer.modalities_used.extend(_modalities(bundle, arm.blocks))
    used = {column.variable for column in bundle.arms[arm.name].columns}
    far = ood.farthest(_distances(bundle.reference, used, values, pathomics))
    if far is not None:
        answer.out_of_distribution.CopyFrom(far.message())
    if far is not None and far.too_far:
        _abstain_at(answer, far)
    else:
        _fill(answer, bundle, bundle.predict(arm.name, CaseValues.of_case(bundle.manifest.profile, values)), values)


def _distances(
    reference: Reference, used: set[str], values: Mapping[str, Value], pathomics: Pathomics | None
) -> list[ood.Distance]:
    used_values = {name: value for name, value in values.items() if name in used}
    return ood.case_distances(reference, pathomics.pooled if pathomics and PATHOMICS in used else None, used_values)


def _fill(answer: Score, bundle: Bundle, prediction: ArmPrediction, values: Mapping[str, Value]) -> None:
    answer.log_risk = float(prediction.log_risk[0])
    quantiles = bundle.reference.log_risk.get(answer.model)
    if quantiles:
        answer.percentile = percentile_rank(answer.log_risk, quantiles)
    for name, log_hazard in prediction.by_variable.items():
        answer.contributions.append(_contribution(bundle, answer.model, name, values, float(log_hazard[0])))
    for years, risk, lo, hi in zip(
        prediction.horizons_years, prediction.risk[0], prediction.lo[0], prediction.hi[0], strict=True
    ):
        answer.risks.add().CopyFrom(HorizonRisk(horizon_years=years, risk=risk, lo=lo, hi=hi, level=prediction.level))
    _set_group(answer, bundle, prediction)


def _contribution(bundle: Bundle, arm: str, name: str, values: Mapping[str, Value], log_hazard: float) -> Contribution:
    variable, label = bundle.manifest.profile.variable(name), name.replace("_", " ")
    return Contribution(
        variable=name,
        label=(variable.label if variable else "") or label,
        block=variable.block if variable else "",
        value=_shown(bundle, arm, name, values),
        log_hazard=log_hazard,
    )


def _set_group(answer: Score, bundle: Bundle, prediction: ArmPrediction) -> None:
    rule = bundle.thresholds.arms.get(answer.model)
    if rule and rule.horizon_years in prediction.horizons_years:
        risk = float(prediction.risk[0, prediction.horizons_years.index(rule.horizon_years)])
        answer.risk_group, answer.risk_group_rule = rule.group_of(risk), rule.explained(risk)


def _shown(bundle: Bundle, arm: str, name: str, values: Mapping[str, Value]) -> str:
    if name not in values:
        return "missing"
    value = values[name]
    if name == PATHOMICS:
        return f"{_in_spreads(bundle, arm, float(value)):+.2f} SD"
    return value if isinstance(value, str) else f"{value:.4g}"


def _in_spreads(bundle: Bundle, arm: str, log_risk: float) -> float:
    """The slides' log-risk in standard deviations of the training cohort."""
    column = next(column for column in bundle.arms[arm].columns if column.variable == PATHOMICS)
    return (log_risk - column.mean) / column.scale


def _attention(case: CaseInputs, pathomics: Pathomics | None, answer: Score) -> dict[str, bytes]:
    if pathomics is None:
        return {}
    by_key = zip((item.attention_key for item in answer.slides), case.slides, strict=True)
    return {key: attention_file(slide, pathomics.attention[slide.embedded.bag.digest]) for key, slide in by_key if key}

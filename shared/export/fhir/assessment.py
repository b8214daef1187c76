"""The risk as a RiskAssessment, and the model that answered as a Device."""

from decimal import Decimal

from fhir.resources.R4B.annotation import Annotation
from fhir.resources.R4B.device import Device, DeviceDeviceName, DeviceVersion
from fhir.resources.R4B.quantity import Quantity
from fhir.resources.R4B.range import Range
from fhir.resources.R4B.riskassessment import RiskAssessment, RiskAssessmentPrediction
from medulla.v1.scorer_pb2 import HorizonRisk, Score

from shared.export import risk_text
from shared.export.case_texts import caveats, interval, notices, risk_lines, states_clear
from shared.export.exported_case import ExportedCase
from shared.export.fhir.parts import BUNDLE, SCORE, UCUM, concept, identifier, meta, narrative, notes, reference
from shared.export.fhir.record import PATIENT, observations

DEVICE, ASSESSMENT = "device", "assessment"
UNVERIFIED = "preliminary"
"""Status of what no person has verified."""


def device(score: Score) -> Device:
    """The model bundle, with its digest and the version of the program that ran it."""
    provenance = score.provenance
    name = f"Medulla {provenance.program_version}, bundle {provenance.bundle_name}"
    return Device(
        meta=meta(score),
        text=narrative([f"{name}, SHA-256 {provenance.bundle_digest}", *notices(score)]),
        identifier=[identifier(BUNDLE, provenance.bundle_digest)],
        status="active",
        deviceName=[DeviceDeviceName(name=provenance.bundle_name, type="model-name")],
        type=concept("Statistical model of recurrence (software)"),
        version=[DeviceVersion(type=concept("Medulla"), value=provenance.program_version)],
        note=notes(score),
    )


def assessment(case: ExportedCase) -> RiskAssessment:
    """The risks of a score; none where the scorer abstained."""
    score = case.score
    predictions = [] if score.abstained else [_prediction(score, risk) for risk in score.risks]
    return RiskAssessment(
        meta=meta(score),
        text=narrative([*risk_lines(score), *notices(score)]),
        identifier=[identifier(SCORE, score.score_id)],
        status=UNVERIFIED,
        method=concept(_method(score)),
        code=concept("Risk of recurrence"),
        subject=reference(score, PATIENT),
        occurrenceDateTime=case.dated,
        performer=reference(score, DEVICE, score.provenance.bundle_name),
        basis=[reference(score, name) for name in observations(score)] or None,
        prediction=predictions or None,
        note=[*notes(score), *(Annotation(text=text) for text in caveats(score))],
    )


def _method(score: Score) -> str:
    bundle = score.provenance.bundle_name
    if not score.model:
        return f"Bundle {bundle}, none of whose models could answer"
    read = ", ".join(score.modalities_used) or "the average of its training cohort"
    method = f"Model {score.model} of bundle {bundle}, from {read}"
    return f"{method}; it gave no risk" if score.abstained else method


def _prediction(score: Score, risk: HorizonRisk) -> RiskAssessmentPrediction:
    """One horizon: a percentage where the answer is clear, else only its interval."""
    clear = states_clear(score)
    return RiskAssessmentPrediction(
        outcome=concept(f"Relapse within {risk.horizon_years:g} years"),
        probabilityDecimal=_percent(risk.risk) if clear else None,
        probabilityRange=None if clear else Range(low=_share(risk.lo), high=_share(risk.hi)),
        qualitativeRisk=concept(risk_text.group(score)) if clear and score.risk_group else None,
        whenRange=Range(low=_years(0), high=_years(risk.horizon_years)),
        rationale=f"{interval(risk)} {score.risk_group_rule}".strip(),
    )


def _percent(share: float) -> Decimal:
    """R4 states probabilities in percent, at most 100."""
    return Decimal(f"{100 * share:.4g}")


def _share(share: float) -> Quantity:
    return Quantity(value=_percent(share), unit="%", system=UCUM, code="%")


def _years(years: float) -> Quantity:
    return Quantity(value=Decimal(f"{years:g}"), unit="years", system=UCUM, code="a")

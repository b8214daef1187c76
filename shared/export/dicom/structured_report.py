"""The risk as a DICOM Comprehensive SR with the measurement report of TID 1500."""

from collections.abc import Iterator, Sequence

from highdicom.sr import (
    AlgorithmIdentification,
    ComprehensiveSR,
    DeviceObserverIdentifyingAttributes,
    Measurement,
    MeasurementReport,
    MeasurementsAndQualitativeEvaluations,
    ObservationContext,
    ObserverContext,
    QualitativeEvaluation,
    RelationshipTypeValues,
    SourceImageForMeasurementGroup,
    TextContentItem,
    TrackingIdentifier,
)
from medulla.v1.scorer_pb2 import HorizonRisk, Score
from pydicom import Dataset
from pydicom.sr.codedict import codes
from pydicom.uid import VLWholeSlideMicroscopyImageStorage

from shared.export import risk_text
from shared.export.case_texts import caveats, interval, notices, states_clear
from shared.export.dicom.identity import MANUFACTURER, MODEL, concept, subject, uid, version, written
from shared.export.dicom.source_images import source_images
from shared.export.exported_case import ExportedCase

_TITLE = "Recurrence risk"


def structured_report(case: ExportedCase) -> bytes:
    """The report as a file; it names the instances of DICOM slides that stand.

    It is preliminary and unverified: no person has looked at it.
    """
    score, sources = case.score, _sources(case)
    content = _content(score, sources)
    report = ComprehensiveSR(
        evidence=[*sources] or [_placeholder(case)],
        content=content[0],
        series_instance_uid=uid(score, "sr-series"),
        series_number=1,
        sop_instance_uid=uid(score, "sr"),
        instance_number=1,
        manufacturer=MANUFACTURER,
        is_complete=True,
        is_final=False,
        is_verified=False,
        record_evidence=False,
        manufacturer_model_name=MODEL,
        software_versions=version(score),
        device_serial_number=score.provenance.bundle_digest or "none",
    )
    if not sources:
        del report.CurrentRequestedProcedureEvidenceSequence
    return written(report, case, _TITLE)


def _sources(case: ExportedCase) -> list[Dataset]:
    """The images that the score was made from; of several studies those of the first, as a report names one."""
    images = [image for slide in case.score.slides for image in source_images(case, slide)]
    return [image for image in images if image.StudyInstanceUID == images[0].StudyInstanceUID]


def _placeholder(case: ExportedCase) -> Dataset:
    """An image that does not exist and is not referenced: patient and study are taken from it."""
    image = subject(case)
    image.SOPClassUID, image.SOPInstanceUID = VLWholeSlideMicroscopyImageStorage, uid(case.score, "none")
    image.SeriesInstanceUID = uid(case.score, "none-series")
    return image


def _content(score: Score, sources: Sequence[Dataset]) -> MeasurementReport:
    device = DeviceObserverIdentifyingAttributes(
        uid=uid(score, "device"),
        name=score.provenance.bundle_name or MODEL,
        manufacturer_name=MANUFACTURER,
        model_name=MODEL,
        serial_number=score.provenance.bundle_digest or "none",
    )
    report = MeasurementReport(
        observation_context=ObservationContext(
            observer_device_context=ObserverContext(codes.DCM.Device, observer_identifying_attributes=device)
        ),
        procedure_reported=concept("recurrence-risk", "Estimation of recurrence risk by a model"),
        imaging_measurements=[_group(score, sources)],
    )
    report[0].ContentSequence.extend(_text(line) for line in [*notices(score), *caveats(score)])
    return report


def _group(score: Score, sources: Sequence[Dataset]) -> MeasurementsAndQualitativeEvaluations:
    measured = [] if score.abstained else [item for risk in score.risks for item in _measurements(score, risk)]
    group = MeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(uid=uid(score, "group"), identifier=f"score {score.score_id[:12]}"),
        finding_type=concept("relapse", "Relapse"),
        algorithm_id=_algorithm(score),
        measurements=measured or None,
        qualitative_evaluations=list(_evaluations(score)),
        source_images=[SourceImageForMeasurementGroup(each.SOPClassUID, each.SOPInstanceUID) for each in sources]
        or None,
    )
    if not score.abstained:
        group[0].ContentSequence.extend(_text(interval(risk)) for risk in score.risks)
    return group


def _algorithm(score: Score) -> AlgorithmIdentification:
    provenance = score.provenance
    parameters = [f"bundle {provenance.bundle_digest}", f"encoder {provenance.encoder_digest or 'none'}"]
    name = f"{provenance.bundle_name or MODEL}, model {score.model or 'none'}"
    return AlgorithmIdentification(name=name, version=version(score), parameters=parameters, manufacturer=MANUFACTURER)


def _measurements(score: Score, risk: HorizonRisk) -> Iterator[Measurement]:
    """A percentage where the answer is clear; the limits of its interval always."""
    years, level = f"{risk.horizon_years:g}", f"{risk.level:.0%}"
    outcome = f"risk of relapse in {years} years"
    if states_clear(score):
        yield _percent(f"risk-{years}y", outcome.capitalize(), risk.risk)
    yield _percent(f"risk-{years}y-low", f"Lower {level} limit, {outcome}", risk.lo)
    yield _percent(f"risk-{years}y-high", f"Upper {level} limit, {outcome}", risk.hi)


def _percent(code: str, meaning: str, share: float) -> Measurement:
    return Measurement(name=concept(code, meaning), value=float(f"{100 * share:.4g}"), unit=codes.UCUM.Percent)


def _evaluations(score: Score) -> Iterator[QualitativeEvaluation]:
    """How certain the answer is, and its risk group where it is clear."""
    state = "abstained" if score.abstained else score.certainty.state or "not_stated"
    yield QualitativeEvaluation(
        concept("certainty", "Certainty of the answer"), concept(state, state.replace("_", " "))
    )
    if states_clear(score) and score.risk_group:
        yield QualitativeEvaluation(concept("risk-group", "Risk group"), concept("group", risk_text.group(score)))


def _text(line: str) -> TextContentItem:
    return TextContentItem(codes.DCM.Comment, line, RelationshipTypeValues.CONTAINS)

"""DICOM objects of a score, by dciodvfy and by what they say."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
from highdicom.sr.utils import find_content_items
from medulla.v1.scorer_pb2 import Score
from pydicom import Dataset

from shared.export.dicom.attention_map import attention_map, mapped_dicom_slides
from shared.export.dicom.structured_report import structured_report
from shared.export.errors import NotStoredError
from shared.export.exported_case import ExportedCase
from tests.support import dicom_series
from tests.support import scores as samples
from tests.support.dciodvfy import complaints
from tests.support.exports import certain, complete, exported

SCORES: list[Callable[[], Score]] = [
    *(samples.score, samples.abstained, samples.remarkable, samples.with_vectors),
    *(certain, complete),
]
PATIENT = ("Jane^Doe", "MRN-4711")


def of_dicom(parts: int = 1) -> ExportedCase:
    """A certain score of a DICOM slide, whose files name a patient."""
    case, files = exported(certain()), dicom_series.series(parts=parts)
    case.score.slides[0].width_px, case.score.slides[0].height_px = 1280, 2304
    heads = [naming_patient(data) for name, data in files.items() if name.startswith(("level", "label"))]
    return ExportedCase(case.score, case.dated, case.read, lambda _: heads)


def naming_patient(data: bytes) -> bytes:
    dataset = pydicom.dcmread(io.BytesIO(data))
    dataset.PatientName, dataset.PatientID = PATIENT
    file = io.BytesIO()
    dataset.save_as(file)
    return file.getvalue()


def read(data: bytes) -> Dataset:
    return pydicom.dcmread(io.BytesIO(data))


def numbers(report: Dataset) -> dict[str, float]:
    items = find_content_items(report, value_type="NUM", recursive=True)
    return {
        item.ConceptNameCodeSequence[0].CodeValue: float(item.MeasuredValueSequence[0].NumericValue) for item in items
    }


def coded(report: Dataset) -> dict[str, str]:
    items = find_content_items(report, value_type="CODE", recursive=True)
    return {item.ConceptNameCodeSequence[0].CodeValue: item.ConceptCodeSequence[0].CodeMeaning for item in items}


@pytest.mark.parametrize("sample", SCORES)
def test_every_report_is_valid(sample: Callable[[], Score], tmp_path: Path) -> None:
    assert complaints(structured_report(exported(sample())), tmp_path) == []


def test_the_validator_finds_faults(tmp_path: Path) -> None:
    report = read(structured_report(exported(certain())))
    del report.CompletionFlag
    file = io.BytesIO()
    report.save_as(file)
    assert any("CompletionFlag" in line for line in complaints(file.getvalue(), tmp_path))


def test_a_clear_answer_is_a_percentage_with_its_limits_and_group() -> None:
    report = read(structured_report(exported(certain())))
    assert numbers(report) == {
        "risk-3y": 31,
        "risk-3y-low": 22,
        "risk-3y-high": 43,
        "risk-5y": 38,
        "risk-5y-low": 27,
        "risk-5y-high": 51,
    }
    assert (coded(report)["certainty"], coded(report)["risk-group"]) == ("clear", "high")


def test_an_answer_that_is_not_clear_is_its_limits_without_group() -> None:
    score = samples.score()
    score.certainty.state = "crosses_threshold"
    report = read(structured_report(exported(score)))
    assert set(numbers(report)) == {"risk-3y-low", "risk-3y-high", "risk-5y-low", "risk-5y-high"}
    assert coded(report)["certainty"] == "crosses threshold"
    assert "risk-group" not in coded(report)


def test_an_abstained_score_has_no_number() -> None:
    report = read(structured_report(exported(samples.abstained())))
    assert (numbers(report), coded(report)["certainty"]) == ({}, "abstained")


def test_the_report_is_preliminary_research_of_a_pseudonym() -> None:
    report = read(structured_report(exported(certain())))
    assert (report.PreliminaryFlag, report.VerificationFlag) == ("PRELIMINARY", "UNVERIFIED")
    assert (report.PatientID, report.PatientIdentityRemoved) == ("MB-0042", "YES")
    assert report.SeriesDescription == "Recurrence risk (SIMULATED, research use only)"
    texts = [item.TextValue for item in find_content_items(report, value_type="TEXT", recursive=True)]
    assert "Research use only. Not for diagnosis or treatment decisions." in texts
    assert any(text.startswith("SIMULATED") for text in texts)
    assert f"bundle {certain().provenance.bundle_digest}" in texts


@pytest.mark.parametrize("parts", [1, 2])
def test_map_and_report_name_the_slide_s_own_instances(tmp_path: Path, parts: int) -> None:
    case = of_dicom(parts)
    (slide,) = mapped_dicom_slides(case)
    data = attention_map(case, slide)
    assert complaints(data, tmp_path) == []
    levels = [f"{dicom_series.SERIES}.1{f'.{number}' if parts > 1 else ''}" for number in range(1, parts + 1)]
    (other,) = read(data).StudiesContainingOtherReferencedInstancesSequence
    (series,) = other.ReferencedSeriesSequence
    assert [item.ReferencedSOPInstanceUID for item in series.ReferencedInstanceSequence] == levels
    report = structured_report(case)
    assert complaints(report, tmp_path) == []
    (study,) = read(report).CurrentRequestedProcedureEvidenceSequence
    assert study.StudyInstanceUID == other.StudyInstanceUID != read(report).StudyInstanceUID
    assert [item.ReferencedSOPInstanceUID for item in study.ReferencedSeriesSequence[0].ReferencedSOPSequence] == levels


def test_the_map_lies_on_the_slide_with_a_pixel_for_a_tile() -> None:
    case = of_dicom()
    parametric_map = read(attention_map(case, case.score.slides[0]))
    values = np.frombuffer(parametric_map.FloatPixelData, np.float32).reshape(
        parametric_map.Rows, parametric_map.Columns
    )
    assert values.shape == (11, 8)
    assert values[2, :5] == pytest.approx([0.09, 0.08, 0.07, 0.06, 0.05])
    measures = parametric_map.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
    assert measures.PixelSpacing == pytest.approx([0.2565 * 0.499] * 2)
    assert parametric_map.FrameOfReferenceUID == f"{dicom_series.SERIES}.5"


def test_nothing_of_the_patient_in_the_slide_s_files_is_copied() -> None:
    case = of_dicom()
    for data in (attention_map(case, case.score.slides[0]), structured_report(case)):
        assert not any(text.encode() in data for text in PATIENT)


@pytest.mark.parametrize("heads", [[], [b""], [b"II*\0"], [bytes(132)], [dicom_series.series()["label"]]])
def test_a_slide_that_is_no_dicom_has_no_map_and_the_report_names_none(heads: list[bytes]) -> None:
    whole = exported(certain())
    case = ExportedCase(whole.score, whole.dated, whole.read, lambda _: heads)
    assert mapped_dicom_slides(case) == []
    with pytest.raises(NotStoredError, match="slide A1 is no DICOM slide that stands"):
        attention_map(case, case.score.slides[0])
    assert "CurrentRequestedProcedureEvidenceSequence" not in read(structured_report(case))


def test_the_same_score_is_the_same_bytes() -> None:
    case = of_dicom()
    assert structured_report(case) == structured_report(case)
    assert attention_map(case, case.score.slides[0]) == attention_map(case, case.score.slides[0])

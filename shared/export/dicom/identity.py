"""What the DICOM objects of a score share: ids, patient and study, codes, times and how they are written."""

import io
from uuid import NAMESPACE_URL, uuid5

from highdicom.sr import CodedConcept
from medulla.v1.scorer_pb2 import Score
from pydicom import Dataset
from pydicom.uid import UID

from shared.export.case_texts import record_values
from shared.export.exported_case import ExportedCase

MANUFACTURER, MODEL = "Medulla", "Medulla recurrence risk"
SCHEME = "99MEDULLA"
_PSEUDONYM = "Case id in place of the patient's identity"
_SEX = {"female": "F", "male": "M"}
_SERIES_TEXT, _CODE, _MEANING = 64, 16, 64
"""Most characters of a SeriesDescription, of a code and of its meaning."""


def uid(score: Score, name: str) -> UID:
    """A UID out of a UUID, the same for the same score and name."""
    return UID(f"2.25.{uuid5(NAMESPACE_URL, f'urn:medulla:dicom:{score.score_id}:{name}').int}")


def concept(value: str, meaning: str) -> CodedConcept:
    """A code of ours, within the lengths that the standard allows."""
    return CodedConcept(value[:_CODE], SCHEME, meaning[:_MEANING])


def version(score: Score) -> str:
    """The version of the program that made the score."""
    return score.provenance.program_version or "unknown"


def subject(case: ExportedCase) -> Dataset:
    """Patient and study: the pseudonym alone, in a study of the score's own."""
    score, values = case.score, {item.variable: item.value for item in record_values(case.score)}
    study = Dataset()
    study.PatientID, study.PatientName, study.PatientBirthDate = score.case_id, "", ""
    study.PatientSex = _SEX.get(values.get("sex", ""), "")
    study.StudyInstanceUID, study.StudyID, study.AccessionNumber = uid(score, "study"), "1", ""
    study.ReferringPhysicianName = ""
    study.StudyDate, study.StudyTime = f"{case.dated:%Y%m%d}", f"{case.dated:%H%M%S}"
    return study


def written(dataset: Dataset, case: ExportedCase, title: str) -> bytes:
    """The file of an object: pseudonymous, dated as its score, called research and, where it is, SIMULATED."""
    date, time = f"{case.dated:%Y%m%d}", f"{case.dated:%H%M%S}"
    dataset.InstanceCreationDate = dataset.ContentDate = date
    dataset.InstanceCreationTime = dataset.ContentTime = time
    dataset.TimezoneOffsetFromUTC = "+0000"
    dataset.StudyInstanceUID = uid(case.score, "study")
    for contribution in dataset.get("ContributingEquipmentSequence", ()):
        contribution.ContributionDateTime = f"{date}{time}"
    for dimension in (*dataset.get("DimensionOrganizationSequence", ()), *dataset.get("DimensionIndexSequence", ())):
        dimension.DimensionOrganizationUID = uid(case.score, "dimensions")
    dataset.PatientIdentityRemoved, dataset.DeidentificationMethod = "YES", _PSEUDONYM
    simulated = "SIMULATED, " if case.score.simulated else ""
    dataset.SeriesDescription = f"{title} ({simulated}research use only)"[:_SERIES_TEXT]
    file = io.BytesIO()
    dataset.save_as(file)
    return file.getvalue()

"""Exported documents against HL7's own validator of FHIR R4."""

import json
from collections.abc import Callable
from pathlib import Path

from medulla.v1.scorer_pb2 import Score

from shared.export.fhir.document import fhir_document
from tests.support import scores as samples
from tests.support.exports import certain, exported, unanswered
from tests.support.fhir_validator import EXPECTED, FhirValidator

SAMPLES: dict[str, Callable[[], Score]] = {
    "certain": certain,
    "uncertain": samples.score,
    "abstained": samples.abstained,
    "unanswered": unanswered,
    "remarkable": samples.remarkable,
    "vectors": samples.with_vectors,
}


def test_every_kind_of_score_is_a_valid_document(tmp_path: Path, fhir_validator: FhirValidator) -> None:
    files = [tmp_path / f"{name}.json" for name in SAMPLES]
    for file, sample in zip(files, SAMPLES.values(), strict=True):
        file.write_bytes(fhir_document(exported(sample())))
    findings = fhir_validator.findings([*files, broken(files[0], tmp_path)])
    assert [item for item in findings if item.file in files and not item.text.startswith(EXPECTED)] == []
    errors = [item.text for item in findings if item.file not in files and item.severity == "error"]
    assert any("ras-2" in text for text in errors)
    assert any("finished" in text for text in errors)


def broken(file: Path, folder: Path) -> Path:
    """A copy with faults that the validator has to find: a probability above 100 %, a status that does not exist."""
    document = json.loads(file.read_bytes())
    (risk,) = (item["resource"] for item in document["entry"] if item["resource"]["resourceType"] == "RiskAssessment")
    risk["prediction"][0]["probabilityDecimal"] = 101
    risk["status"] = "finished"
    copy = folder / "broken.json"
    copy.write_text(json.dumps(document))
    return copy

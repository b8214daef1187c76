"""A patient's name in every place that a lab or a registry controls."""

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pydicom

from tests.chaos.history import Landed
from tests.chaos.landing import FUSED, RECORD_ONLY, SLIDE_ONLY
from tests.support import slides
from tests.support.dicom_series import series
from tests.support.installation import CLINICAL, Installation

NAME = "Quagmire7431"
"""Inside objects, and in what the store keeps beside them."""
FOLDER_NAME = "Zanzibar5318"
"""In keys that are refused, as they name no case."""
FILE_NAME = "Wolverine8642"
"""In the name of a slide's file, which is no pseudonym."""
RECORD = "-canary-record"
"""Ends the name of the case whose record holds the name."""
_SERIES = "1.2.826.0.1.99.7431"


@dataclass(frozen=True, slots=True)
class Planted:
    """What a run lands with the name in everything; all that it lands is named after `prefix`."""

    prefix: str = "CHAOS"

    @property
    def case(self) -> str:
        """The case that has a slide and a record; names of the others begin with it."""
        return f"{self.prefix}-canary"

    @property
    def cases(self) -> Sequence[str]:
        """All cases."""
        return [self.case, *(f"{self.case}-{kind}" for kind in ("dicom", "vector", "file", "record", "refused"))]

    @property
    def folder(self) -> str:
        """What stands for the case in keys that are refused, as it is no pseudonym."""
        return f"{FOLDER_NAME} Anna {self.prefix}"

    @property
    def bad_keys(self) -> Sequence[str]:
        """Keys that name no case."""
        return [f"slides/{self.folder}/1.svs", f"clinical/{self.folder}.json", f"vectors/{self.folder}.json"]

    def land(self, system: Installation) -> list[Landed]:
        """Put everything into the bucket; how each case has to end."""
        for key, content in self._objects().items():
            system.land(key, content, beside=NAME)
        whole, dicom, vector, file, record, refused = self.cases
        for case_id in (whole, dicom, vector):
            system.land_record(case_id)
        return [
            Landed(whole, FUSED),
            Landed(dicom, FUSED),
            Landed(file, SLIDE_ONLY),
            Landed(vector, RECORD_ONLY),
            Landed(record, "bad_clinical_record"),
            Landed(refused, "not_a_slide"),
        ]

    def _objects(self) -> Mapping[str, bytes]:
        whole, dicom, vector, file, record, refused = self.cases
        demo = json.loads(CLINICAL.read_text())
        block = {"case_id": vector, "block": "blood", "values": {NAME: 1.0}, "patient": NAME}
        slide, loose, odd_folder = self.bad_keys
        return {
            f"slides/{whole}/slide.svs": described() + NAME.encode(),
            f"slides/{refused}/slide.svs": NAME.encode(),
            f"slides/{file}/{FILE_NAME} Eva.svs": slides.cc0_bytes() + FILE_NAME.encode(),
            f"clinical/{record}.json": json.dumps(demo | {"case_id": record, NAME: NAME, "sex": NAME}).encode(),
            f"vectors/{vector}/blood.json": json.dumps(block).encode(),
            slide: slides.cc0_bytes(),
            loose: json.dumps(demo).encode(),
            odd_folder: json.dumps(block).encode(),
            **{f"slides/{dicom}/{kind}.dcm": data for kind, data in _tagged_series()},
        }


def described() -> bytes:
    """The bundled slide with the name in the descriptions of slide, label and macro."""
    data = slides.cc0_bytes().replace(b"|Filename = CMU-1", f"|P = {NAME}".encode(), 1)
    for picture in (b"label", b"macro"):
        library = b"Library v11.2.1 "
        data = data.replace(library + b"\n" + picture, NAME.encode().ljust(len(library)) + b"\n" + picture, 1)
    return data


def _tagged_series() -> Iterator[tuple[str, bytes]]:
    """A series whose levels, label and overview name the patient as scanners do."""
    for kind, data in series(_SERIES).items():
        dataset = pydicom.dcmread(io.BytesIO(data))
        dataset.PatientName, dataset.PatientID, dataset.OtherPatientNames = f"{NAME}^Anna", NAME, NAME
        dataset.AccessionNumber, dataset.StudyID, dataset.StudyDescription = NAME, NAME, NAME
        dataset.ContainerIdentifier, dataset.SeriesDescription, dataset.ImageComments = NAME, NAME, NAME
        if kind in {"label", "overview"}:
            dataset.LabelText = dataset.BarcodeValue = NAME
        stored = io.BytesIO()
        dataset.save_as(stored, enforce_file_format=True)
        yield kind, stored.getvalue()

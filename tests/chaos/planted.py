"""A patient's name in every place that a lab or a registry controls."""

import io
import json
from collections.abc import Iterator, Mapping

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
CASE = "CHAOS-canary"
RECORD, REFUSED, DICOM, VECTOR, FILE = (f"{CASE}-{kind}" for kind in ("record", "refused", "dicom", "vector", "file"))
PLANTED = (CASE, DICOM, VECTOR, FILE, RECORD, REFUSED)
BAD_KEYS = tuple(f"{folder}/{FOLDER_NAME} Anna" for folder in ("slides", "clinical", "vectors"))
_SERIES = "1.2.826.0.1.99.7431"


def plant(system: Installation) -> list[Landed]:
    """Land cases with the name in everything; how each has to end."""
    for key, content in _objects().items():
        system.land(key, content, beside=NAME)
    for case_id in (CASE, DICOM, VECTOR):
        system.land_record(case_id)
    return [
        Landed(CASE, FUSED),
        Landed(DICOM, FUSED),
        Landed(FILE, SLIDE_ONLY),
        Landed(VECTOR, RECORD_ONLY),
        Landed(RECORD, "bad_clinical_record"),
        Landed(REFUSED, "not_a_slide"),
    ]


def _objects() -> Mapping[str, bytes]:
    record = json.loads(CLINICAL.read_text())
    vector = {"case_id": VECTOR, "block": "blood", "values": {NAME: 1.0}, "patient": NAME}
    odd_record = record | {"case_id": RECORD, NAME: NAME, "sex": NAME}
    slide, loose, odd_folder = (f"{key}/1.svs" if "slides" in key else f"{key}.json" for key in BAD_KEYS)
    return {
        f"slides/{CASE}/slide.svs": described() + NAME.encode(),
        f"slides/{REFUSED}/slide.svs": NAME.encode(),
        f"slides/{FILE}/{FILE_NAME} Eva.svs": slides.cc0_bytes() + FILE_NAME.encode(),
        f"clinical/{RECORD}.json": json.dumps(odd_record).encode(),
        f"vectors/{VECTOR}/blood.json": json.dumps(vector).encode(),
        slide: slides.cc0_bytes(),
        loose: json.dumps(record).encode(),
        odd_folder: json.dumps(vector).encode(),
        **{f"slides/{DICOM}/{kind}.dcm": data for kind, data in _tagged_series()},
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

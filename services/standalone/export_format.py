"""The formats of `medulla export`."""

from enum import StrEnum


class Format(StrEnum):
    """What a score can be exported as."""

    PDF = "pdf"
    FHIR = "fhir"
    GEOJSON = "geojson"
    DICOM = "dicom"

"""The formats of `medulla export`."""

from enum import StrEnum


class Format(StrEnum):
    """What a score can be exported as."""

    FHIR = "fhir"
    GEOJSON = "geojson"

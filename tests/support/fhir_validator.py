"""HL7's validator of FHIR R4 (HAPI): one Java process for any number of resources, without the network."""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_PROGRAM = Path(__file__).parent / "fhir" / "ValidateR4.java"
_TIMEOUT_S = 300
EXPECTED = ("Best Practice Recommendation", "CodeSystem is unknown and can't be validated: urn:medulla:variable")
"""Warnings that stay: performer and time of a record's values are not stored, and our codes are ours."""


@dataclass(frozen=True)
class Finding:
    """What the validator says of one file."""

    file: Path
    severity: str
    """error, warning, information or fatal."""
    place: str
    text: str


@dataclass(frozen=True)
class FhirValidator:
    """The validator, its jars in `libs`."""

    libs: Path

    def findings(self, files: Sequence[Path]) -> list[Finding]:
        """Everything that it says of files in JSON."""
        java = ["java", "-Xmx800m", "-XX:+UseSerialGC", "-cp", f"{self.libs}/*", str(_PROGRAM), *map(str, files)]
        done = subprocess.run(java, capture_output=True, text=True, check=True, timeout=_TIMEOUT_S)
        rows = (line.split("\t") for line in done.stdout.splitlines())
        return [Finding(Path(file), severity, place, text) for file, severity, place, text in rows]

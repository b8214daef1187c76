"""What the resources of the document share: ids, references, concepts, labels, narratives."""

from collections.abc import Iterable
from html import escape
from uuid import NAMESPACE_URL, uuid5

from fhir.resources.R4B.annotation import Annotation
from fhir.resources.R4B.codeableconcept import CodeableConcept
from fhir.resources.R4B.coding import Coding
from fhir.resources.R4B.identifier import Identifier
from fhir.resources.R4B.meta import Meta
from fhir.resources.R4B.narrative import Narrative
from fhir.resources.R4B.reference import Reference
from medulla.v1.scorer_pb2 import Score

from shared.export.case_texts import notices

CASE, SCORE, BUNDLE, SHA256, VARIABLE = (
    f"urn:medulla:{name}" for name in ("case", "score", "bundle", "sha256", "variable")
)
"""Systems of our identifiers and codes."""
UCUM = "http://unitsofmeasure.org"
"""System of codes of units."""
NOT_STATED = Coding(
    system="http://terminology.hl7.org/CodeSystem/list-empty-reason", code="unavailable", display="Unavailable"
)
"""Why a section has no entries."""
_REASONS = "http://terminology.hl7.org/CodeSystem/v3-ActReason"


def full_url(score: Score, name: str) -> str:
    """The address of a resource inside the document: the same for the same score."""
    return uuid5(NAMESPACE_URL, f"{SCORE}:{score.score_id}:{name}").urn


def reference(score: Score, name: str, display: str = "") -> Reference:
    """A reference to a resource of the document."""
    return Reference(reference=full_url(score, name), display=display or None)


def concept(text: str, *codings: Coding) -> CodeableConcept:
    """A concept in words, with codes where they are certain."""
    return CodeableConcept(text=text, coding=list(codings) or None)


def identifier(system: str, value: str) -> Identifier:
    """An identifier of ours."""
    return Identifier(system=system, value=value)


def meta(score: Score) -> Meta:
    """Security labels: healthcare research, and test data where the model was fitted on simulated patients."""
    labels = [Coding(system=_REASONS, code="HRESCH", display="healthcare research")]
    if score.simulated:
        labels.append(Coding(system=_REASONS, code="HTEST", display="test health data"))
    return Meta(security=labels)


def notes(score: Score) -> list[Annotation]:
    """Research use only, and SIMULATED."""
    return [Annotation(text=text) for text in notices(score)]


def narrative(lines: Iterable[str]) -> Narrative:
    """Lines for people, as the text of a resource or a section."""
    paragraphs = "".join(f"<p>{escape(line)}</p>" for line in lines)
    return Narrative(status="generated", div=f'<div xmlns="http://www.w3.org/1999/xhtml">{paragraphs}</div>')

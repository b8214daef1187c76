"""The document: a Composition, and all that it refers to, as one Bundle."""

from collections.abc import Iterator

from fhir.resources.R4B.bundle import Bundle, BundleEntry
from fhir.resources.R4B.composition import Composition, CompositionSection
from fhir.resources.R4B.identifier import Identifier
from fhir.resources.R4B.provenance import Provenance, ProvenanceAgent, ProvenanceEntity
from fhir.resources.R4B.reference import Reference
from fhir.resources.R4B.resource import Resource
from medulla.v1.scorer_pb2 import Score

from shared.export.case_texts import notices, risk_lines
from shared.export.exported_case import ExportedCase
from shared.export.fhir.assessment import ASSESSMENT, DEVICE, UNVERIFIED, assessment, device
from shared.export.fhir.parts import NOT_STATED, SHA256, concept, full_url, identifier, meta, narrative, reference
from shared.export.fhir.record import PATIENT, observations, patient

_COMPOSITION, _PROVENANCE = "composition", "provenance"
_TITLE = "Risk of recurrence (research use only)"


def document_identifier(score: Score) -> str:
    """The identifier of a score's document: the same for the same score."""
    return full_url(score, "document")


def fhir_document(case: ExportedCase, bundle_id: str = "") -> bytes:
    """A FHIR R4 document Bundle in JSON, UTF-8; the patient is named by pseudonym alone.

    `bundle_id` is the id that it has on a server.
    """
    score = case.score
    resources: dict[str, Resource] = {
        _COMPOSITION: _composition(case),
        PATIENT: patient(score),
        ASSESSMENT: assessment(case),
        DEVICE: device(score),
        _PROVENANCE: _provenance(case),
        **observations(score),
    }
    document = Bundle(
        id=bundle_id or None,
        meta=meta(score),
        identifier=Identifier(system="urn:ietf:rfc:3986", value=document_identifier(score)),
        type="document",
        timestamp=case.dated,
        entry=[BundleEntry(fullUrl=full_url(score, name), resource=each) for name, each in resources.items()],
    )
    return document.model_dump_json(exclude_none=True, indent=1).encode() + b"\n"


def _composition(case: ExportedCase) -> Composition:
    score = case.score
    return Composition(
        meta=meta(score),
        text=narrative([_TITLE, f"Case {score.case_id}", *notices(score)]),
        status=UNVERIFIED,
        type=concept("Risk assessment report"),
        subject=reference(score, PATIENT),
        date=case.dated,
        author=[reference(score, DEVICE, score.provenance.bundle_name)],
        title=_TITLE,
        section=list(_sections(score)),
    )


def _sections(score: Score) -> Iterator[CompositionSection]:
    yield CompositionSection(
        title="Risk",
        text=narrative([*risk_lines(score), *notices(score)]),
        entry=[reference(score, ASSESSMENT)],
    )
    yield _record_section(score)
    yield CompositionSection(title="Provenance", entry=[reference(score, DEVICE), reference(score, _PROVENANCE)])


def _record_section(score: Score) -> CompositionSection:
    """The Observations of the record; a score without risk holds no values, so it says so in words."""
    title, record = "Clinical record, as the model read it", [reference(score, name) for name in observations(score)]
    if record:
        return CompositionSection(title=title, entry=record)
    empty = "A score without risk does not repeat the record." if score.abstained else "The model reads no record."
    return CompositionSection(title=title, text=narrative([empty]), emptyReason=concept("Not stated", NOT_STATED))


def _provenance(case: ExportedCase) -> Provenance:
    score = case.score
    lines = [f"Made by Medulla {score.provenance.program_version} from:", *_inputs(score).values(), *notices(score)]
    return Provenance(
        meta=meta(score),
        text=narrative(lines),
        target=[reference(score, ASSESSMENT), reference(score, _COMPOSITION)],
        recorded=case.dated,
        agent=[ProvenanceAgent(who=reference(score, DEVICE, score.provenance.bundle_name))],
        entity=[_source(digest, display) for digest, display in _inputs(score).items()],
    )


def _inputs(score: Score) -> dict[str, str]:
    """What the score was made from, by digest."""
    provenance = score.provenance
    inputs = {slide.slide_digest: f"slide {slide.slide_id}" for slide in provenance.slides}
    inputs |= {vector.digest: f"vector {vector.block}" for vector in provenance.vectors}
    others = {provenance.clinical_digest: "clinical record", provenance.encoder_digest: "encoder"}
    return inputs | {digest: text for digest, text in others.items() if digest}


def _source(digest: str, display: str) -> ProvenanceEntity:
    return ProvenanceEntity(role="source", what=Reference(identifier=identifier(SHA256, digest), display=display))

"""The record and vectors of a case: checked against a bundle, and put where the scorer reads them."""

from collections.abc import Iterator
from pathlib import Path

from services.fusion_scorer.vectors import no_model, read_vector
from services.standalone.advice import bundle_advice, vector_advice
from services.standalone.case import Case
from services.standalone.demo_case import DEMO_BUNDLE
from services.standalone.selection import Refused
from shared import keys
from shared.blob.port import BlobStore
from shared.model.bundle import Bundle
from shared.model.errors import BadClinicalRecordError, BadVectorsError
from shared.model.record import parse_record


def check_inputs(case: Case, bundle: Bundle, folder: Path) -> tuple[Refused, ...]:
    """The vectors that the score leaves out; the advice names the bundle's folder.

    Raises:
        BadClinicalRecordError: the record is refused.
        BadVectorsError: a vector is refused, and nothing else is known of the case.
    """
    try:
        if case.clinical is not None:
            parse_record(case.clinical, case.case_id, bundle.manifest.profile)
    except BadClinicalRecordError as error:
        if folder != DEMO_BUNDLE:
            error.advice = bundle_advice(folder)
        raise
    refused = tuple(_refused_vectors(case, bundle, folder))
    if refused and not (case.slides or case.clinical) and len(refused) == len(case.vectors):
        raise refused[0].error
    return refused


def put_inputs(store: BlobStore, case: Case) -> None:
    """Store the record and the vectors, refused ones included: the scorer remarks what it leaves out."""
    if case.clinical is not None:
        store.put(keys.clinical(case.case_id), case.clinical)
    for block, vector in case.vectors.items():
        store.put(keys.vector(case.case_id, block), vector.data)


def _refused_vectors(case: Case, bundle: Bundle, folder: Path) -> Iterator[Refused]:
    for block, vector in case.vectors.items():
        try:
            if read_vector(vector.data, case.case_id, block, bundle) is None:
                raise no_model(block, bundle)
        except BadVectorsError as error:
            if folder != DEMO_BUNDLE:
                error.advice = vector_advice(folder)
            yield Refused(vector.path, error, case.case_id)

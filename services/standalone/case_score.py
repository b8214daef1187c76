"""The inputs of one case that lies in files, as the scorer reads them."""

from pathlib import Path

from services.fusion_scorer.case_reader import CaseReader
from services.fusion_scorer.inputs import CaseInputs
from services.standalone.case import Case
from services.standalone.case_inputs import check_inputs
from services.standalone.cohort_snapshot import CohortBags, case_snapshot
from shared.model.bundle import Bundle


def read_case(case: Case, bags: CohortBags | None, bundle: Bundle, folder: Path) -> CaseInputs:
    """Check and read the record, the vectors and the bags of a case; advice names `folder`, the bundle's.

    Raises:
        BadClinicalRecordError: the record is refused.
        BadVectorsError: a vector is refused, and nothing else is known of the case.
        BadEmbeddingsError: a bag or its plan cannot be read.
    """
    check_inputs(case, bundle, folder)
    store, snapshot = case_snapshot(case, bags)
    return CaseReader(store)(snapshot, bundle).inputs

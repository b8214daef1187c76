"""Who a bundle was trained on, in counts: what a validation shows beside its own patients."""

from services.trainer.report_model.entry import Entry
from services.trainer.report_model.patients import CohortSummary, VariableRow


class Development(Entry):
    """Counts of the training cohort, and its variables in all patients."""

    cohort: CohortSummary
    table_one: tuple[VariableRow, ...]
    """One cell a variable."""

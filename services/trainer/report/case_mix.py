"""Who a bundle was trained on beside who it was validated on, row by row."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

from services.trainer.report.numbers import NOTHING, shown_briefly, shown_figure, shown_number
from services.trainer.report_model.patients import CohortSummary, CountedCell, MeasuredCell, VariableRow
from services.trainer.report_model.report import Report


class CaseMixRow(NamedTuple):
    """A line of the table."""

    what: str
    development: str
    validation: str
    is_level: bool = False


def case_mix_rows(report: Report) -> list[CaseMixRow]:
    """Counts, incidence and follow-up, then every variable; empty where the bundle does not say who it learned from."""
    external = report.external_validation
    if external is None or external.development is None:
        return []
    development = external.development
    rows = list(_counts(development.cohort, report.cohort))
    own = {row.variable: row for row in development.table_one}
    for row in report.table_one:
        if row.variable in own:
            rows += _of_variable(report.profile.labels[row.variable], own[row.variable], row)
    return rows


def _counts(development: CohortSummary, validation: CohortSummary) -> Iterator[CaseMixRow]:
    def row(what: str, of: Callable[[CohortSummary], str]) -> CaseMixRow:
        return CaseMixRow(what, of(development), of(validation))

    yield row("patients", lambda cohort: str(cohort.n))
    yield row("sites", lambda cohort: str(cohort.sites or NOTHING))
    for code, meaning in validation.meanings.items():
        yield row(meaning, partial(_events, code))
    for years in validation.incidence:
        yield row(f"incidence by {years:g} years", partial(_incidence, years))
    yield row("median follow-up, years", lambda cohort: shown_number(cohort.follow_up_years.median, 1))


def _incidence(years: float, cohort: CohortSummary) -> str:
    return shown_figure(cohort.incidence.get(years))


def _events(code: str, cohort: CohortSummary) -> str:
    return _share(cohort.events.get(code, 0), cohort.n)


def _of_variable(label: str, development: VariableRow, validation: VariableRow) -> Iterator[CaseMixRow]:
    """One row of a number; of words a row for each level, and one for those in whom it is not known."""
    first, second = development.cells[0], validation.cells[0]
    if isinstance(first, CountedCell) and isinstance(second, CountedCell):
        yield CaseMixRow(label, "", "")
        for level, count in second.counts.items():
            known = sum(first.counts.values()), sum(second.counts.values())
            yield CaseMixRow(level, _share(first.counts.get(level, 0), known[0]), _share(count, known[1]), True)
    elif isinstance(first, MeasuredCell) and isinstance(second, MeasuredCell):
        yield CaseMixRow(f"{label}{f', {validation.unit}' if validation.unit else ''}", _median(first), _median(second))
    if first.missing or second.missing:
        yield CaseMixRow("not known", str(first.missing), str(second.missing), True)


def _median(cell: MeasuredCell) -> str:
    if cell.quartiles is None or None in cell.quartiles:
        return NOTHING
    low, middle, high = (shown_briefly(value or 0.0) for value in cell.quartiles)
    return f"{middle} ({low} to {high})"


def _share(count: int, of: int) -> str:
    return f"{count} ({100 * count / of:.0f} %)" if of else str(count)

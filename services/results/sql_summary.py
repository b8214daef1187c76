"""Derives what the list of cases shows, and stores it in the columns and labels of the case."""

from collections.abc import Iterable, Iterator
from typing import Any

from medulla.v1.results_pb2 import CaseSummary
from sqlalchemy import BindParameter, Connection, bindparam, delete, insert, select, update

from services.results import sql_counts, sql_reads
from services.results.case_list import Field, state_word
from services.results.case_state import slide_ids, summary
from services.results.ports import CaseFacts
from services.results.schema import CASE_LABELS, CASES
from shared.text import capped
from shared.units import CaseId

_LABEL_CHARACTERS = 200
_OF_CASE = "of_case"
"""Parameter that names the case of an update."""
_AT_ONCE = 200


def refresh(tx: Connection, *cases: CaseId) -> None:
    """Store the summaries of cases anew; the caller has changed their rows, or locked them."""
    facts = sql_reads.cases(tx, cases)
    if not facts:
        return
    shown = [summary(each) for each in facts]
    columns = [_columns(each) for each in shown]
    values: dict[str, BindParameter[Any]] = {name: bindparam(name) for name in columns[0] if name != _OF_CASE}
    changed = update(CASES).where(CASES.c.case_id == bindparam(_OF_CASE))
    tx.execute(changed.values(listed_revision=CASES.c.revision, **values), columns)
    tx.execute(delete(CASE_LABELS).where(CASE_LABELS.c.case_id.in_(cases)))
    if labels := [label for pair in zip(facts, shown, strict=True) for label in _labels(*pair)]:
        tx.execute(insert(CASE_LABELS), labels)


def refresh_stale(tx: Connection) -> int:
    """Refresh cases that an older program wrote, a bounded number of them; returns how many."""
    stale = CASES.c.listed_revision.is_distinct_from(CASES.c.revision)
    rows = select(CASES.c.case_id).where(stale).order_by(CASES.c.case_id).limit(_AT_ONCE)
    cases = [CaseId(case_id) for case_id in tx.scalars(rows.with_for_update(skip_locked=True))]
    refresh(tx, *cases)
    return len(cases)


def _columns(shown: CaseSummary) -> dict[str, Any]:
    risk = shown.risk if shown.HasField("risk") else None
    labels = ((name, label) for name, texts in _counted(shown).items() for label in _capped(texts))
    return {
        _OF_CASE: shown.case_id,
        "state": state_word(shown.state),
        "risk_group": capped(shown.risk_group, _LABEL_CHARACTERS),
        "certainty": capped(shown.certainty, _LABEL_CHARACTERS),
        "site_id": shown.site_id,
        "labels": sql_counts.joined(labels),
        "horizon_years": risk.horizon_years if risk else None,
        "risk": risk.risk if risk else None,
        "risk_lo": risk.lo if risk else None,
        "risk_hi": risk.hi if risk else None,
        "risk_level": risk.level if risk else None,
    }


def _labels(facts: CaseFacts, shown: CaseSummary) -> Iterator[dict[str, Any]]:
    for name, texts in (_counted(shown) | {sql_reads.SLIDE: slide_ids(facts)}).items():
        for position, label in enumerate(_capped(texts)):
            yield {"case_id": facts.case_id, "field": name, "label": label, "position": position}


def _counted(shown: CaseSummary) -> dict[str, Iterable[str]]:
    return {Field.FLAG: shown.flags, Field.REASON: shown.reasons}


def _capped(texts: Iterable[str]) -> Iterable[str]:
    return dict.fromkeys(capped(text, _LABEL_CHARACTERS) for text in texts)

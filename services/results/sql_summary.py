"""Derives what the list of cases shows, and stores it in the columns and labels of the case."""

from collections.abc import Iterable, Iterator
from typing import Any

from medulla.v1.results_pb2 import CaseSummary
from sqlalchemy import Connection, delete, insert, select, update

from services.results import sql_reads
from services.results.case_list import Field, state_word
from services.results.case_state import slide_ids, summary
from services.results.schema import CASE_LABELS, CASES
from shared.text import capped
from shared.units import CaseId

_LABEL_CHARACTERS = 200
_AT_ONCE = 200


def refresh(tx: Connection, case_id: CaseId) -> None:
    """Store the summary of a case anew; the caller has changed the case's row, which locks it."""
    facts = sql_reads.case(tx, case_id)
    if facts is None:
        return
    shown = summary(facts)
    labelled = {Field.FLAG: shown.flags, Field.REASON: shown.reasons, sql_reads.SLIDE: slide_ids(facts)}
    tx.execute(update(CASES).where(CASES.c.case_id == case_id).values(_columns(shown)))
    tx.execute(delete(CASE_LABELS).where(CASE_LABELS.c.case_id == case_id))
    if labels := [label for name, texts in labelled.items() for label in _labels(case_id, name, texts)]:
        tx.execute(insert(CASE_LABELS), labels)


def refresh_stale(tx: Connection) -> int:
    """Refresh cases that an older program wrote, a bounded number of them; returns how many."""
    stale = CASES.c.summary_revision.is_distinct_from(CASES.c.revision)
    rows = select(CASES.c.case_id).where(stale).order_by(CASES.c.case_id).limit(_AT_ONCE)
    cases = list(tx.scalars(rows.with_for_update(skip_locked=True)))
    for case_id in cases:
        refresh(tx, case_id)
    return len(cases)


def _columns(shown: CaseSummary) -> dict[str, Any]:
    risk = shown.risk if shown.HasField("risk") else None
    return {
        "summary_revision": CASES.c.revision,
        "state": state_word(shown.state),
        "risk_group": capped(shown.risk_group, _LABEL_CHARACTERS),
        "certainty": capped(shown.certainty, _LABEL_CHARACTERS),
        "site_id": shown.site_id,
        "horizon_years": risk.horizon_years if risk else None,
        "risk": risk.risk if risk else None,
        "risk_lo": risk.lo if risk else None,
        "risk_hi": risk.hi if risk else None,
        "risk_level": risk.level if risk else None,
    }


def _labels(case_id: str, name: str, texts: Iterable[str]) -> Iterator[dict[str, Any]]:
    labels = dict.fromkeys(capped(text, _LABEL_CHARACTERS) for text in texts)
    for position, label in enumerate(labels):
        yield {"case_id": case_id, "field": name, "label": label, "position": position}

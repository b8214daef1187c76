"""People's notes in SQL."""

from sqlalchemy import Connection, and_, insert, or_, select, update

from services.results.ports import NoteMark, NoteRecord
from services.results.schema import CASES, NOTES
from shared.units import CaseId

NOTED = "A person noted something."
"""Text of a note's audit entry."""


def insert_note(tx: Connection, note: NoteRecord) -> bool:
    """Store a note; False if nothing is stored of the case, as after its erasure."""
    changed = update(CASES).where(CASES.c.case_id == note.case_id)
    values = {"revision": CASES.c.revision + 1, "listed_revision": CASES.c.listed_revision + 1}
    if not tx.execute(changed.values(values)).rowcount:
        return False
    tx.execute(insert(NOTES).values(note_id=note.event_id, case_id=note.case_id, at=note.as_of, body=note.body))
    return True


def of_case(tx: Connection, case_id: CaseId) -> list[str]:
    """See ResultStore.notes."""
    query = select(NOTES.c.body).where(NOTES.c.case_id == case_id).order_by(NOTES.c.at.desc(), NOTES.c.note_id)
    return list(tx.scalars(query))


def page(tx: Connection, limit: int, after: NoteMark | None) -> list[str]:
    """See ResultStore.all_notes."""
    query = select(NOTES.c.body).order_by(NOTES.c.at, NOTES.c.note_id).limit(limit)
    if after:
        at, note_id = after
        query = query.where(or_(NOTES.c.at > at, and_(NOTES.c.at == at, NOTES.c.note_id > note_id)))
    return list(tx.scalars(query))

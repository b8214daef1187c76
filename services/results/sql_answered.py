"""The listings of slides in which each slide of a case was answered, in SQL."""

from collections.abc import Collection, Mapping

from sqlalchemy import Connection, bindparam, select, update

from services.results.schema import CASES
from shared.units import CaseId, Sha256

_OF_CASE, _LISTING = "of_case", "listing"


def answered(tx: Connection, cases: Collection[CaseId]) -> dict[CaseId, Sha256]:
    """See ResultStore."""
    listing = CASES.c.answered_listing
    query = select(CASES.c.case_id, listing).where(CASES.c.case_id.in_(cases), listing.is_not(None))
    return {CaseId(row.case_id): Sha256(row.answered_listing) for row in tx.execute(query)}


def note_answered(tx: Connection, listings: Mapping[CaseId, Sha256]) -> None:
    """See ResultStore."""
    changed = update(CASES).where(CASES.c.case_id == bindparam(_OF_CASE)).values(answered_listing=bindparam(_LISTING))
    tx.execute(changed, [{_OF_CASE: case, _LISTING: digest} for case, digest in listings.items()])

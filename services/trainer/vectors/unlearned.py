"""Blocks of vectors that no model can be fitted on, in sentences for the terminal, reports and model cards."""

from services.trainer.arms.ridge_cox import LEAST_EVENTS
from services.trainer.cohort.cohort import Cohort
from shared.words import counted


def events_known(cohort: Cohort, block: str) -> int:
    """Events of interest among the patients who have a vector of a block; 0 where no table of it was given."""
    vectors = cohort.vectors.get(block)
    return int(cohort.outcome.is_event[vectors.known].sum()) if vectors else 0


def unlearned_notes(cohort: Cohort) -> list[str]:
    """A sentence for each block of vectors with a table in which too few patients had the event of interest."""
    given = (block for block in cohort.profile.vectors if block.name in cohort.vectors)
    counts = {block.title: events_known(cohort, block.name) for block in given}
    return [
        f"no model reads {title}: patients who have a vector had {counted(count, 'event')}, {LEAST_EVENTS} are needed"
        for title, count in counts.items()
        if count < LEAST_EVENTS
    ]

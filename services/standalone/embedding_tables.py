"""The tables of a folder of embeddings: what was embedded, what was refused, and slides that are in several cases."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from medulla.v1.events_pb2 import SlideEmbedded

from services.standalone.advice import here
from services.trainer.bucket.bags import write_index
from services.trainer.cohort.embeddings import INDEX
from shared.csv_file import write_csv
from shared.errors import PermanentError
from shared.slides.embedded import IN_TWO_CASES

_NAMED = 5
SWAP_ADVICE = "It was embedded for each of them; find out which case it belongs to, and leave it out of the others."
FAILURES = ("slide", "case_id", "slide_id", "reason", "sentence", "advice")


class Source(Protocol):
    """A file that a command line named: a slide, or its features."""

    @property
    def path(self) -> Path:
        """Where it lies."""

    @property
    def case_id(self) -> str:
        """Its case; empty where nothing names it."""

    @property
    def slide_id(self) -> str:
        """Its slide; empty where nothing names it."""


@dataclass(frozen=True, slots=True)
class Embedded:
    """Outcome of one slide: its event, or why it was refused."""

    item: Source
    event: SlideEmbedded | None = None
    error: PermanentError | None = None


@dataclass(frozen=True, slots=True)
class Tables:
    """The tables of a run, and how many slides each lists."""

    embedded: int
    failed: int
    index: Path
    failures: Path
    swaps: Sequence[str] = ()
    """A sentence on each slide that is in several cases: a sample swap is possible."""


def write_tables(out: Path, outcomes: Sequence[Embedded]) -> Tables:
    """Write `index.csv` and `failures.csv` into the folder of embeddings."""
    embedded = [outcome.event for outcome in outcomes if outcome.event]
    refused = [failure_row(outcome.item, outcome.error) for outcome in outcomes if outcome.error]
    swaps = list(_in_several_cases(outcomes))
    index, failures = out / INDEX, out / "failures.csv"
    write_index(index, embedded)
    write_csv(failures, FAILURES, [*refused, *(_swap_row(outcome.item, sentence) for outcome, sentence in swaps)])
    sentences = list(dict.fromkeys(sentence for _, sentence in swaps))
    return Tables(len(embedded), len(refused), index, failures, sentences)


def _in_several_cases(outcomes: Sequence[Embedded]) -> Iterator[tuple[Embedded, str]]:
    """Embedded slides whose bytes several cases hold, each with a sentence."""
    holders: dict[str, list[Embedded]] = {}
    for outcome in outcomes:
        if outcome.event:
            holders.setdefault(outcome.event.slide.digest, []).append(outcome)
    for same in holders.values():
        if len({outcome.item.case_id for outcome in same}) > 1:
            names = " and ".join(f"{outcome.item.case_id}/{outcome.item.slide_id}" for outcome in same[:_NAMED])
            more = f" and {len(same) - _NAMED} more" if len(same) > _NAMED else ""
            sentence = f"slides {names}{more} hold the same bytes: a sample swap is possible"
            yield from ((outcome, sentence) for outcome in same)


def _swap_row(item: Source, sentence: str) -> Sequence[object]:
    return str(item.path), item.case_id, item.slide_id, IN_TWO_CASES, sentence, SWAP_ADVICE


def failure_row(item: Source, error: PermanentError) -> Sequence[object]:
    """The row of `failures.csv` on one refused input."""
    what_to_do = here(error.reason, error.advice)
    return str(item.path), item.case_id, item.slide_id, error.reason, str(error), what_to_do

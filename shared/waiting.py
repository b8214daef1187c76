"""Slides that wait for a score or a refusal: results lists them in the bucket, retries on the bus say why they wait."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from operator import attrgetter

from pydantic import TypeAdapter, ValidationError

from shared import keys
from shared.blob.port import BlobStore, ObjectChangedError
from shared.bus.retried import Retry
from shared.errors import TransientError


@dataclass(frozen=True, slots=True)
class WaitingSlide:
    """One slide that landed and has no outcome yet."""

    case_id: str
    slide_id: str
    landed: datetime
    """Aware, as are the other times."""
    stage: str
    """The last that a service reported: landed, downloading, planning, embedding, scoring or waiting."""
    since: datetime
    """When that was reported."""
    why: str
    """A sentence for people."""
    next_attempt: datetime | None = None
    """When a service tries again; None where none has put the slide aside."""
    trace: str = ""
    """Address of the trace of the last work that began on it, or its id where no address is set.

    Empty where none has begun, and without tracing. In the published list always an id.
    """


@dataclass(frozen=True, slots=True)
class WaitingList:
    """What waits, and when results looked."""

    at: datetime | None
    """None where results has not looked yet."""
    slides: Sequence[WaitingSlide]
    """The oldest first."""
    problem: str = ""
    """Why the reasons of retries are missing; empty where they are not."""


def nothing_listed() -> WaitingList:
    """The list where results does not look at a bucket, as on a laptop."""
    return WaitingList(None, ())


_LIST = TypeAdapter(WaitingList)
Retries = Callable[[], Iterable[Retry]]


def as_json(listed: WaitingList) -> dict[str, object]:
    """The list in names and values of JSON, as REST and the command line show it; times are ISO 8601."""
    described: dict[str, object] = _LIST.dump_python(listed, mode="json")
    return described


def publish(store: BlobStore, slides: Sequence[WaitingSlide], at: datetime) -> None:
    """Write the list of what waits; each look replaces the one before.

    Raises:
        TransientError: the store is down.
    """
    store.put(keys.WAITING, _LIST.dump_json(WaitingList(at, sorted(slides, key=attrgetter("landed")))))


def last_published(store: BlobStore) -> WaitingList:
    """The list as results last wrote it.

    Raises:
        TransientError: the store is down.
    """
    try:
        return _LIST.validate_json(store.get(keys.WAITING))
    except (ObjectChangedError, ValidationError):
        return nothing_listed()


def read_waiting(store: BlobStore, retries: Retries, trace_url: str = "") -> WaitingList:
    """The list as results last wrote it, with what retries say at this moment.

    `trace_url` is the address of a trace, with `{trace_id}` in it.

    Raises:
        TransientError: the store is down; without the bus the list is returned with a problem.
    """
    listed = last_published(store)
    if listed.at is None:
        return listed
    retry_of, problem = dict[tuple[str, str], Retry](), ""
    try:
        retry_of = {(retry.case_id, retry.slide_id): retry for retry in retries()}
    except TransientError as error:
        problem = str(error)
    slides = [_linked(_explained(slide, retry_of), trace_url) for slide in listed.slides]
    return replace(listed, slides=slides, problem=problem)


def _explained(slide: WaitingSlide, retry_of: dict[tuple[str, str], Retry]) -> WaitingSlide:
    """With the retry of the slide, else with one of its whole case, as of its score."""
    retry = retry_of.get((slide.case_id, slide.slide_id)) or retry_of.get((slide.case_id, ""))
    if retry is None:
        return slide
    return replace(slide, why=retry.sentence, next_attempt=retry.due, trace=retry.trace_id or slide.trace)


def _linked(slide: WaitingSlide, trace_url: str) -> WaitingSlide:
    if not trace_url or not slide.trace:
        return slide
    return replace(slide, trace=trace_url.replace("{trace_id}", slide.trace))

"""The slides that wait in the running system, for the command line."""

from collections.abc import Iterator
from datetime import datetime
from functools import partial

from shared.blob.s3 import S3Store
from shared.bus.kafka_backlog import retries
from shared.settings import PlatformSettings, load
from shared.waiting import WaitingList, WaitingSlide, read_waiting
from shared.words import counted


def listed() -> WaitingList:
    """The list as results last wrote it, with what retries say at this moment.

    Raises:
        BadSettingsError: MEDULLA_… variables are wrong.
        TransientError: the store is down.
    """
    platform = load(PlatformSettings)
    return read_waiting(S3Store(platform.s3), partial(retries, platform.kafka, platform.s3.home), platform.trace_url)


def lines(answer: WaitingList) -> Iterator[str]:
    """For people: one line for each slide, and when results looked."""
    if answer.at is None:
        yield "Results has not looked yet; it does so every few minutes while it runs."
        return
    yield from map(_line, answer.slides)
    yield f"{counted(len(answer.slides), 'slide')} waiting at {_time(answer.at)}"


def _line(slide: WaitingSlide) -> str:
    again = f"; next attempt {_time(slide.next_attempt)}" if slide.next_attempt else ""
    trace = f"; trace {slide.trace}" if slide.trace else ""
    name = f"{slide.case_id}/{slide.slide_id}"
    return (
        f"{name:32} landed {_time(slide.landed)}, {slide.stage} since {_time(slide.since)}: {slide.why}{again}{trace}"
    )


def _time(at: datetime) -> str:
    return at.isoformat(timespec="seconds")

"""Progress as server-sent events: first what moves now, then every change, and a beat without changes."""

import json
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from time import monotonic

import anyio
from google.protobuf import json_format
from medulla.v1.events_pb2 import Progress

from services.results.progress_feed import Changes, Feed
from shared.errors import MedullaError
from shared.rpc.auth import UnauthenticatedError
from shared.times import when


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Timing of a stream, in seconds."""

    beat_s: float = 15.0
    life_s: float = 900.0
    """A stream ends after this; the watcher reconnects."""


async def stream(feed: Feed, case_id: str, rhythm: Rhythm, check: Callable[[], object]) -> AsyncIterator[str]:
    """Text of the stream, of one case or, if `case_id` is empty, of all.

    It ends when `check` raises: with an event of its own if the caller has to log in again, else so that the caller
    reconnects and reads the refusal.

    Raises:
        TooManyWatchersError: the maximum is watching.
    """
    with feed.watch(case_id) as look:
        yield "retry: 3000\n\n"
        start = last_sent = monotonic()
        while not feed.closed and monotonic() - start < rhythm.life_s:
            refusal = await anyio.to_thread.run_sync(_refusal, check)
            if refusal is not None:
                yield refusal
                return
            events = "".join(_events(await anyio.to_thread.run_sync(look)))
            if events or monotonic() - last_sent >= rhythm.beat_s:
                last_sent = monotonic()
                yield events or ": beat\n\n"
            await anyio.sleep(feed.every_s)


async def begun(flow: AsyncIterator[str]) -> AsyncIterator[str]:
    """The same stream after its first event, so that a refusal is a response and not a broken stream."""
    first = await anext(flow)

    async def whole() -> AsyncIterator[str]:
        yield first
        async for piece in flow:
            yield piece

    return whole()


def _refusal(check: Callable[[], object]) -> str | None:
    """Last text of a stream whose caller is refused by now; None while it may go on."""
    try:
        check()
    except UnauthenticatedError as error:
        return _event("unauthorized", {"reason": "unauthorized", "detail": str(error)})
    except MedullaError:
        return ""
    return None


def _events(changes: Changes) -> Iterator[str]:
    for progress in changes.progress:
        yield _event("progress", _progress(progress), identity=str(int(when(progress.at).timestamp() * 1_000_000)))
    for case_id in changes.cases:
        yield _event("case", {"case_id": case_id})
    for case_id, slide_id in changes.over:
        yield _event("over", {"case_id": case_id, "slide_id": slide_id})
    for digest in changes.erased:
        yield _event("erased", {"case_digest": digest})


def _progress(progress: Progress) -> dict[str, object]:
    return json_format.MessageToDict(
        progress, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )


def _event(kind: str, data: dict[str, object], identity: str = "") -> str:
    lines = [f"id: {identity}"] if identity else []
    return "\n".join([*lines, f"event: {kind}", f"data: {json.dumps(data)}", "", ""])

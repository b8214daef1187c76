"""Counts process crashes per record, identified by its content, and keeps a record from two processes at a time."""

import time
from dataclasses import dataclass

from shared import keys
from shared.attempt_ranges import Offset
from shared.attempts import Attempts
from shared.bus import headers
from shared.bus.dead_letters import origin_of
from shared.bus.retry import GIVE_UP_AFTER, deferred
from shared.bus.topics import is_background
from shared.canonical import digest_of, sha256
from shared.errors import AtWorkError, CrashedWorkerError
from shared.logs import get
from shared.steps.dead_letters import DeadLetters
from shared.steps.step import Handle, Outcome, Task

_log = get(__name__)


@dataclass(frozen=True, slots=True)
class Crashes:
    """A mark in the bucket around the work; a record that crashed GIVE_UP_AFTER processes is given up at once."""

    attempts: Attempts
    dead_letters: DeadLetters

    def __call__(self, task: Task, handle: Handle) -> Outcome:
        """Work under a mark, unless the route says that the event cannot crash the process.

        In the background it is a mark of many records. What a live process is at work on comes again later,
        as does what a stopping one does not begin.

        Raises:
            TransientError: the store is down.
        """
        if not task.route.may_crash(task.event):
            return handle(task)
        try:
            return self._attempt(task, handle)
        except AtWorkError as error:
            _log.info("deferred", sentence=str(error), origin=origin_of(task.delivery))
            return Outcome("deferred", [deferred(task.delivery, task.service, time.time(), str(error))])

    def _attempt(self, task: Task, handle: Handle) -> Outcome:
        with self.attempts.attempt(_mark_key(task), task.service, _offset(task)) as deaths:
            if deaths < GIVE_UP_AFTER:
                return handle(task)
            crashed = CrashedWorkerError(f"{deaths} processes died at work on this input")
            return self.dead_letters.give_up(task, crashed)


def _offset(task: Task) -> Offset | None:
    topic, delivery = task.record.topic, task.delivery
    return Offset(topic, delivery.partition, delivery.offset) if is_background(topic) else None


def _mark_key(task: Task) -> str:
    identity = task.record.headers.get(headers.CE_ID) or sha256(task.record.value)
    digest = digest_of([task.route.topic, identity, task.record.headers.get(headers.REPLAYED, "")])
    return keys.attempt(task.service, digest, task.route.context(task.event).get("case_id", ""))

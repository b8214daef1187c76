"""Gives records up: a dead letter for operators, and the notification of people that the route builds."""

from dataclasses import dataclass
from functools import partial

from medulla.v1.events_pb2 import SlideRejected

from shared.bus.dead_letters import origin_of, to_dead_letter
from shared.bus.events import to_record
from shared.bus.port import Record
from shared.errors import PermanentError, TransientError
from shared.failure import Failure
from shared.incidents import contained
from shared.logs import get
from shared.steps.retries import Retries
from shared.steps.step import Handle, Outcome, Task

_log = get(__name__)


@dataclass(frozen=True, slots=True)
class DeadLetters:
    """A dead letter for each PermanentError; other errors propagate."""

    retries: Retries
    """For a notification that cannot be built while a dependency is down."""

    def __call__(self, task: Task, handle: Handle) -> Outcome:
        """Work, or give the record up."""
        try:
            return handle(task)
        except PermanentError as error:
            return self.give_up(task, error)

    def give_up(self, task: Task, error: PermanentError) -> Outcome:
        """A dead letter and the notification; without the notification if that fails."""
        try:
            notice = _notice(task, error)
        except TransientError as down:
            return self.retries.later(task, down) or _rejected(task, error)
        return _rejected(task, error, notice)


@dataclass(frozen=True, slots=True)
class _Notice:
    event: SlideRejected
    record: Record


def _notice(task: Task, error: PermanentError) -> _Notice | None:
    """The notification, if the route has one for the event; none for a record that was not decoded."""
    if task.route.rejected is None or task.event is None:
        return None
    with contained(task.service, TransientError):
        event = task.route.rejected(task.event, error)
        return None if event is None else _Notice(event, to_record(event, task.service))
    return None


def _rejected(task: Task, error: PermanentError, notice: _Notice | None = None) -> Outcome:
    _log.warning("dead letter", reason=error.reason, advice=error.advice, origin=origin_of(task.delivery))
    letter, failure = to_dead_letter(task.delivery, error, task.service), Failure.of(error)
    if notice is None:
        return Outcome("rejected", [letter], failure)
    report = partial(task.route.reported, notice.event) if task.route.reported else None
    return Outcome("rejected", [notice.record, letter], failure, report)

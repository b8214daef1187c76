"""What a step is, what it is given and what it returns; several steps in order are a step again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any, Literal, TypeAlias

from shared.bus.port import Delivery, Record
from shared.failure import Failure
from shared.route import Route


@dataclass(frozen=True, slots=True)
class Task:
    """One record at work in a service."""

    service: str
    route: Route[Any]
    delivery: Delivery
    event: Any = None
    """What the record was decoded to; None before that."""

    @property
    def record(self) -> Record:
        """The record as it was delivered."""
        return self.delivery.record

    def split(self) -> list["Task"]:
        """One task for each object that the record is about."""
        return [replace(self, delivery=replace(self.delivery, record=each)) for each in self.route.split(self.record)]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a task ended, and what to publish before its offset is committed."""

    name: Literal["ok", "retried", "unfinished", "deferred", "rejected"]
    records: Sequence[Record]
    failure: Failure | None = None
    """Why it was retried or rejected: no error, whose frames would keep the data of the work until a collection."""
    on_published: Callable[[], None] | None = None
    """What is done once the bus holds the records."""


Handle: TypeAlias = Callable[[Task], Outcome]
"""The work itself, or the steps that remain with the work inside."""
Step: TypeAlias = Callable[[Task, Handle], Outcome]
"""Calls the handle, or decides without it."""


def chain(*steps: Step) -> Step:
    """The steps as one, the first outermost."""
    return lambda task, handle: reduce(_around, reversed(steps), handle)(task)


def _around(handle: Handle, step: Step) -> Handle:
    return lambda task: step(task, handle)

"""Decodes records, and adds the ids of their events to logs and traces."""

from dataclasses import replace

from shared.logs import bound
from shared.steps.step import Handle, Outcome, Task
from shared.tracing import set_ids


def decode(task: Task, handle: Handle) -> Outcome:
    """Work on the event of the record.

    Raises:
        PoisonMessageError: the bytes are no event of the route.
    """
    event = task.route.decode(task.record)
    ids = task.route.context(event)
    set_ids(ids)
    with bound(**ids):
        return handle(replace(task, event=event))

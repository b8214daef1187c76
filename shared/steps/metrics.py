"""Counts and times the work on records."""

import time
from collections.abc import Iterable

from shared import metrics
from shared.bus.dead_letters import attempts_of, turns_of
from shared.steps.step import Handle, Outcome, Task


def show_no_retries(service: str, topics: Iterable[str]) -> None:
    """Export the counters of retries from the start, so that the first retry is an increase."""
    for topic in topics:
        metrics.RETRIES.labels(service, topic)


def observe_age(task: Task) -> None:
    """Note how long a record waited for its first attempt."""
    if task.delivery.written_at and not attempts_of(task.record) and not turns_of(task.record):
        age = metrics.EVENT_AGE_SECONDS.labels(task.service, task.record.topic)
        age.observe(max(0.0, time.time() - task.delivery.written_at))


def time_event(task: Task, handle: Handle) -> Outcome:
    """Note how long the work took."""
    with metrics.EVENT_SECONDS.labels(task.service, task.route.topic).time():
        return handle(task)


def count_outcome(task: Task, handle: Handle) -> Outcome:
    """Count the outcome; a rejected record under the topic it was read from last, which may be that of retries."""
    outcome = handle(task)
    topic = task.record.topic if outcome.name == "rejected" else task.route.topic
    metrics.EVENTS.labels(task.service, topic, outcome.name).inc()
    if outcome.name == "retried":
        metrics.RETRIES.labels(task.service, topic).inc()
    if outcome.name == "rejected" and outcome.failure is not None:
        metrics.DEAD_LETTERS.labels(task.service, outcome.failure.reason).inc()
    return outcome

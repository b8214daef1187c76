"""Takes records off the bus, sends each through the steps around its handler, and publishes what comes of it."""

from collections.abc import Sequence
from threading import Event as StopEvent
from typing import Any

from shared.attempts import Attempts
from shared.bus.dead_letters import origin_of, topic_of
from shared.bus.events import to_record
from shared.bus.port import Consumer, Delivery, Producer, RecordTooLargeError
from shared.bus.retry import RetryPolicy
from shared.errors import TransientError
from shared.incidents import contained
from shared.logs import get
from shared.publisher import Publisher
from shared.route import Route, no_route
from shared.steps.completion import log_done
from shared.steps.crashes import Crashes
from shared.steps.dead_letters import DeadLetters
from shared.steps.decoding import decode
from shared.steps.incidents import report_incidents
from shared.steps.metrics import count_outcome, observe_age, show_no_retries, time_event
from shared.steps.retries import Retries
from shared.steps.spans import trace
from shared.steps.step import Outcome, Step, Task, chain
from shared.steps.turns import take_turn

_FOLLOW_UPS, _FOLLOW_UP_AGAIN_S = 5, 1.0
"""How often an outcome's `on_published` is tried, and the time between two tries."""
_log = get(__name__)


class Worker:
    """A part: every record of its routes ends as done, in the retry topic or as a dead letter.

    An unexpected error ends the record, never the process. With `attempts` a record that crashed three processes is
    given up as well.
    """

    def __init__(
        self,
        service: str,
        consumer: Consumer,
        producer: Producer,
        routes: Sequence[Route[Any]],
        retry: RetryPolicy | None = None,
        attempts: Attempts | None = None,
    ) -> None:
        self._service = service
        self._consumer = consumer
        self._publisher = Publisher(producer)
        self._routes = {route.topic: route for route in routes}
        self._steps, self._on_failure = _steps(retry or RetryPolicy(), attempts)
        show_no_retries(service, self._routes)

    def run(self, stop: StopEvent) -> None:
        """Work until `stop` is set, finish what is in flight, return."""
        self._consumer.run(stop, lambda delivery: self._on_delivery(delivery, stop))

    def _on_delivery(self, delivery: Delivery, stop: StopEvent) -> None:
        topic = topic_of(origin_of(delivery))
        task = Task(self._service, self._routes.get(topic) or no_route(self._service, topic), delivery)
        observe_age(task)
        for single in self._split(task, stop):
            self._publish(single, self._steps(single, _handle), stop)

    def _split(self, task: Task, stop: StopEvent) -> Sequence[Task]:
        try:
            return task.split()
        except BaseException as error:  # noqa: BLE001 - what ends a program is raised again by the steps
            self._publish(task, self._failed(task, error), stop)
            return ()

    def _failed(self, task: Task, error: BaseException) -> Outcome:
        """The outcome of a task that failed outside of its handler."""

        def fail(_: Task) -> Outcome:
            raise error

        return self._on_failure(task, fail)

    def _publish(self, task: Task, outcome: Outcome, stop: StopEvent) -> None:
        """Publish the results of a task, or a dead letter if they are too large for the bus."""
        try:
            self._publisher.publish(outcome.records, stop)
        except RecordTooLargeError as error:
            self._publisher.publish_letters(self._failed(task, error).records, stop)
        _follow_up(task, outcome, stop)


def _follow_up(task: Task, outcome: Outcome, stop: StopEvent) -> None:
    """Run the outcome's `on_published`; if it keeps failing, the next event gives another dead letter."""
    if outcome.on_published is None:
        return
    for _ in range(_FOLLOW_UPS):
        try:
            with contained(task.service, TransientError):
                outcome.on_published()
            return
        except TransientError as error:
            _log.warning("the refusal is not remembered", sentence=str(error), origin=origin_of(task.delivery))
            if stop.wait(_FOLLOW_UP_AGAIN_S):
                return


def _steps(retry: RetryPolicy, attempts: Attempts | None) -> tuple[Step, Step]:
    """The steps around a handler, the first outermost; and those of a failure outside of it.

    Failures have steps twice: a record that cannot be decoded has no ids to log and nobody to notify.
    """
    retries = Retries(retry)
    dead_letters = DeadLetters(retries)
    failures = chain(dead_letters, retries, report_incidents)
    crashes = [] if attempts is None else [Crashes(attempts, dead_letters)]
    work = chain(time_event, count_outcome, trace, failures, decode, failures, *crashes, take_turn, log_done)
    return work, chain(count_outcome, failures)


def _handle(task: Task) -> Outcome:
    return Outcome("ok", [to_record(result, task.service) for result in task.route.handle(task.event)])

"""Sends records to the retry topic while they have attempts left."""

import time
from dataclasses import dataclass

from shared.bus.dead_letters import attempts_of, origin_of
from shared.bus.retry import RetryPolicy
from shared.errors import GivenUpError, MedullaError, RetriesExhaustedError, TransientError
from shared.failure import Failure
from shared.logs import get
from shared.steps.step import Handle, Outcome, Task

_log = get(__name__)


@dataclass(frozen=True, slots=True)
class Retries:
    """Another attempt after a TransientError or a GivenUpError; other errors propagate."""

    policy: RetryPolicy

    def __call__(self, task: Task, handle: Handle) -> Outcome:
        """Work, or try again later.

        Raises:
            RetriesExhaustedError: a dependency stayed down for every attempt.
            GivenUpError: the last attempt ended without an answer, too.
        """
        try:
            return handle(task)
        except GivenUpError as error:
            if outcome := self.later(task, error, fault=True):
                return outcome
            raise
        except TransientError as error:
            if outcome := self.later(task, error):
                return outcome
            raise RetriesExhaustedError(str(error)) from error

    def later(self, task: Task, error: MedullaError, *, fault: bool = False) -> Outcome | None:
        """Another attempt; None when they are used up. `fault`: this one ended without an answer."""
        again = self.policy.again(task.delivery, task.service, time.time(), why=str(error), fault=fault)
        if again is None:
            return None
        _log.warning("retry later", sentence=str(error), origin=origin_of(task.delivery), attempt=attempts_of(again))
        return Outcome("retried", [again], Failure.of(error))

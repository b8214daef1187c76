"""Gives long work its turn, and sends what is unfinished to the retry topic."""

from shared import turns
from shared.bus.dead_letters import origin_of, turns_of
from shared.bus.retry import next_turn
from shared.errors import UnfinishedError
from shared.logs import get
from shared.steps.step import Handle, Outcome, Task

_log = get(__name__)


def take_turn(task: Task, handle: Handle) -> Outcome:
    """Work for one turn; no attempt is counted when it ends before the work."""
    number = turns_of(task.record)
    try:
        with turns.turn(number):
            return handle(task)
    except UnfinishedError as error:
        _log.info("the turn is over", sentence=str(error), origin=origin_of(task.delivery), turns=number + 1)
        return Outcome("unfinished", [next_turn(task.delivery, task.service)])

"""Poison of every kind ends as one dead letter of each reader; more, fewer, or a fault of ours are told apart."""

from collections.abc import Sequence
from typing import cast

import pytest

from shared.bus import topics
from shared.bus.dead_letters import to_dead_letter
from shared.bus.port import Delivery, Record
from shared.errors import InternalError, PermanentError, PoisonMessageError
from tests.chaos.poisons import Poison, broken_slides, ended_once, one_of_each
from tests.stack.services import SERVICES
from tests.support.installation import Installation

_POISON = Poison("odd bytes", "CHAOS-odd", ("tiler", "fusion_scorer"), lambda _: None)


class _Letters:
    """A system on whose topic of dead letters these stand."""

    def __init__(self, letters: Sequence[Record]) -> None:
        self._letters = letters

    def read(self, topic: str) -> list[Delivery]:  # noqa: ARG002 - the signature
        return [Delivery(letter, 0, offset, 0.0) for offset, letter in enumerate(self._letters)]


def _letter(service: str, error: PermanentError | None = None, key: str = _POISON.name) -> Record:
    delivery = Delivery(Record("s3.events", key, b"odd"), 0, 0, 0.0)
    return to_dead_letter(delivery, error or PoisonMessageError("odd"), service)


@pytest.mark.parametrize(
    ("letters", "is_one_outcome"),
    [
        ([_letter("tiler"), _letter("fusion_scorer")], True),
        ([_letter("tiler"), _letter("fusion_scorer"), _letter("results", key="CHAOS-other")], True),
        ([_letter("tiler")], False),
        ([_letter("tiler"), _letter("tiler"), _letter("fusion_scorer")], False),
        ([_letter("tiler"), _letter("fusion_scorer"), _letter("results")], False),
        ([_letter("tiler"), _letter("fusion_scorer", InternalError("a bug"))], False),
        ([], False),
    ],
)
def test_each_reader_gives_a_poison_up_once_with_an_answer(letters: Sequence[Record], is_one_outcome: bool) -> None:
    system = cast("Installation", _Letters(letters))
    assert ended_once(system, [_POISON]) == ([_POISON] if is_one_outcome else [])


def test_no_poison_is_named_in_the_letters_of_another() -> None:
    names = [poison.name for poison in one_of_each(1, "CHAOS-poison")]
    assert len(set(names)) == len(names)
    assert not [(one, other) for one in names for other in names if one != other and one in other]


def test_the_order_of_poisons_follows_the_seed() -> None:
    kinds = [[poison.kind for poison in one_of_each(seed, "CHAOS")] for seed in (1, 1, 2)]
    assert kinds[0] == kinds[1] != kinds[2]
    assert sum("slide" in kind for kind in kinds[0]) >= len(broken_slides()) - 1


def test_every_topic_that_a_service_works_through_gets_odd_bytes() -> None:
    odd = {poison.kind.split()[3] for poison in one_of_each(1, "CHAOS") if poison.kind.startswith("odd bytes on ")}
    assert odd == {*topics.ALL, *map(topics.retry_topic, SERVICES)} - {topics.DEAD_LETTERS}

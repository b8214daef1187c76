"""The next item is fetched while the present one is worked on, and no more than that one."""

from collections.abc import Iterator
from threading import Event

import pytest

from services.embedder.prefetch import prefetch
from shared.errors import TransientError


def test_items_come_in_order() -> None:
    assert list(prefetch(iter(range(1, 50)))) == list(range(1, 50))


def test_the_next_item_is_made_while_this_one_is_held_and_no_other() -> None:
    produced: list[int] = []
    second = Event()

    def items() -> Iterator[int]:
        for number in range(1, 5):
            produced.append(number)
            if number == 2:
                second.set()
            yield number

    source = prefetch(items())
    assert next(source) == 1
    assert second.wait(10)
    assert produced == [1, 2]
    source.close()


def test_an_error_comes_after_the_items_before_it() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise TransientError("gone")

    source = prefetch(items())
    assert next(source) == 1
    with pytest.raises(TransientError, match="gone"):
        next(source)

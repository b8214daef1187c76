"""A lock by name is waited for, but not for long."""

from threading import Event, Thread

import pytest

from services.tiler.named_locks import NamedLocks
from shared.errors import TransientError


def test_a_name_that_is_held_for_long_is_given_up_and_others_are_free() -> None:
    locks, entered, release = NamedLocks(patience_s=0.05), Event(), Event()

    def hold() -> None:
        with locks("case-1/a"):
            entered.set()
            release.wait(20)

    holder = Thread(target=hold)
    holder.start()
    assert entered.wait(20)
    with locks("case-1/b"):
        pass
    with pytest.raises(TransientError, match="case-1/a is at work"), locks("case-1/a"):
        pass
    release.set()
    holder.join()
    with locks("case-1/a"):
        pass

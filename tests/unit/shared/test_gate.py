"""Exclusive work runs alone; nothing waits for ever."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event, Lock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.gate import Gate


@given(exclusive=st.lists(st.booleans(), min_size=1, max_size=12))
@settings(max_examples=20, deadline=None)
def test_nothing_runs_during_exclusive_work(exclusive: list[bool]) -> None:
    gate, inside, lock = Gate(), [], Lock()
    beside: list[tuple[bool, int]] = []

    def work(is_exclusive: bool) -> None:
        with gate.exclusive() if is_exclusive else gate.shared():
            with lock:
                inside.append(is_exclusive)
                beside.append((any(inside), len(inside)))
            Event().wait(0.001)
            with lock:
                inside.remove(is_exclusive)

    with ThreadPoolExecutor(len(exclusive)) as pool:
        list(pool.map(work, exclusive))
    assert len(beside) == len(exclusive)
    assert all(count == 1 for has_suspect, count in beside if has_suspect)


@pytest.mark.parametrize(
    ("first", "second"), [("exclusive", "shared"), ("shared", "exclusive"), ("exclusive", "exclusive")]
)
def test_hanging_work_does_not_block_other_work_for_ever(first: str, second: str) -> None:
    gate, entered = Gate(patience_s=0.01), []
    with getattr(gate, first)(), getattr(gate, second)():
        entered.append("beside the work that hangs")
    with gate.exclusive():
        entered.append("afterwards")
    assert entered == ["beside the work that hangs", "afterwards"]

"""What is suspected works alone; nobody waits for ever."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event, Lock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.gate import Gate


@given(alone=st.lists(st.booleans(), min_size=1, max_size=12))
@settings(max_examples=20, deadline=None)
def test_nobody_is_beside_who_is_alone(alone: list[bool]) -> None:
    gate, inside, lock = Gate(), [], Lock()
    beside: list[tuple[bool, int]] = []

    def work(is_alone: bool) -> None:
        with gate.exclusive() if is_alone else gate.shared():
            with lock:
                inside.append(is_alone)
                beside.append((any(inside), len(inside)))
            Event().wait(0.001)
            with lock:
                inside.remove(is_alone)

    with ThreadPoolExecutor(len(alone)) as pool:
        list(pool.map(work, alone))
    assert len(beside) == len(alone)
    assert all(count == 1 for has_suspect, count in beside if has_suspect)


@pytest.mark.parametrize(("first", "second"), [("alone", "shared"), ("shared", "alone"), ("alone", "alone")])
def test_work_that_hangs_holds_nobody_up_for_ever(first: str, second: str) -> None:
    gate, entered = Gate(patience_s=0.01), []
    with getattr(gate, first)(), getattr(gate, second)():
        entered.append("beside the work that hangs")
    with gate.exclusive():
        entered.append("afterwards")
    assert entered == ["beside the work that hangs", "afterwards"]

"""What a kill repeats is held to slide by slide."""

import pytest

from services.tiler.planner import PlanSpec
from tests.chaos.scenarios.kills import row

_CHUNK = PlanSpec().tiles_per_chunk


@pytest.mark.parametrize(
    ("counted", "held"),
    [
        ([(2 * _CHUNK, 1400)], True),
        ([(2 * _CHUNK, 1400), (0, 1400)], True),
        ([(2 * _CHUNK + 1, 1400), (0, 1400)], False),
        ([(0, 1400), None], False),
        ([None], False),
    ],
)
def test_two_kills_of_a_slide_repeat_two_chunks_at_most(counted: list[tuple[int, int] | None], held: bool) -> None:
    assert row(counted, 1, "glance").held is held

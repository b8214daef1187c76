"""What `medulla rescore --bundle` says of the cases that a promoted bundle cannot score yet."""

import pytest

from services.standalone.running_system import Promotion


@pytest.mark.parametrize(
    ("promotion", "words"),
    [
        (Promotion("d", 0, is_served=False), "every case is scored again"),
        (Promotion("d", 2, is_served=True), "2 cases once the bundle's encoder has embedded their slides"),
        (Promotion("d", 1, is_served=False), "1 case refused: no embedder of the bundle's encoder"),
    ],
)
def test_the_cases_that_wait_or_are_refused_are_counted(promotion: Promotion, words: str) -> None:
    assert promotion.sentence.startswith("every case is scored again")
    assert words in promotion.sentence

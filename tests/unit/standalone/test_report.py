"""The report's words on where the model looked."""

from collections.abc import Sequence

from services.standalone.report import SlidePage, render
from tests.support import scores as made

PICTURE = "data:image/png;base64,AA=="
NO_PREFERENCE = "The model had no preference among the tiles"
RANKED = "Most attended tiles, highest first"


def page(attention: str, top_tiles: Sequence[str]) -> str:
    score = made.score("MB-1", slides=("A1",))
    return render(score, [SlidePage(score.slides[0], PICTURE, attention, "highest 1 %", top_tiles)])


def test_a_preference_is_shown_as_a_ranked_list() -> None:
    said = page(PICTURE, [PICTURE] * 2)
    assert RANKED in said
    assert NO_PREFERENCE not in said


def test_no_preference_is_said_and_nothing_is_ranked() -> None:
    said = page(PICTURE, [])
    assert NO_PREFERENCE in said
    assert RANKED not in said


def test_a_model_that_looked_at_no_slide_is_not_said_to_have_no_preference() -> None:
    said = page("", [])
    assert NO_PREFERENCE not in said
    assert RANKED not in said

"""The report's words on where the model looked."""

import re
from collections.abc import Sequence
from functools import partial

import pytest
from medulla.v1.scorer_pb2 import TopTile

from services.standalone.demo_case import DEMO_SLIDE
from services.standalone.local_slides import slide_at
from services.standalone.report_page import SlidePage, render
from services.standalone.score_files import slide_page
from services.standalone.score_lines import score_lines
from services.standalone.scored_case import tile_pictures
from services.tiler.readers import open_slide
from shared.blob.memory import MemoryStore
from shared.export import score_text
from tests.support import scores as samples
from tests.support.results import attention_map, thumbnail

PICTURE = "data:image/png;base64,AA=="
NO_PREFERENCE = "The model had no preference among the tiles"
RANKED = "Most attended tiles, highest first"


def page(attention: str, top_tiles: Sequence[str]) -> str:
    score = samples.score("MB-1", slides=("A1",))
    return render(score, [SlidePage(score.slides[0], PICTURE, attention, "highest 1 %", top_tiles, bool(top_tiles))])


def test_a_preference_is_shown_as_a_ranked_list() -> None:
    text = page(PICTURE, [PICTURE] * 2)
    assert RANKED in text
    assert NO_PREFERENCE not in text


def test_no_preference_is_said_and_nothing_is_ranked() -> None:
    text = page(PICTURE, [])
    assert NO_PREFERENCE in text
    assert RANKED not in text


def test_a_model_that_looked_at_no_slide_is_not_said_to_have_no_preference() -> None:
    text = page("", [])
    assert NO_PREFERENCE not in text
    assert RANKED not in text


@pytest.mark.parametrize(("highest", "shown"), [(0.011, 0), (0.02, 2)])
def test_tiles_are_cut_for_the_report_only_where_the_model_preferred_some(highest: float, shown: int) -> None:
    top = [TopTile(x_px=256 * i, y_px=512, attention=highest) for i in range(2)]
    store, evidence = MemoryStore(), samples.slide_evidence("MB-1", "A1", top)
    store.put_new(evidence.thumbnail_key, thumbnail())
    store.put_new(evidence.attention_key, attention_map(top, faint=0.011, steps=1))
    shown_page = slide_page(store, evidence, partial(tile_pictures, {"A1": slide_at(DEMO_SLIDE)}, open_slide))
    assert shown_page.attention
    assert len(shown_page.top_tiles) == shown


def test_a_slide_of_which_only_features_were_at_hand_has_no_picture() -> None:
    score = samples.score("MB-1", slides=("A1",))
    shown = render(score, [slide_page(MemoryStore(), score.slides[0], lambda _: [PICTURE])])
    assert "No picture of the slide is stored" in shown
    assert "<img" not in shown


def test_what_a_person_must_see_stands_above_the_risk() -> None:
    score = samples.remarkable()
    shown = render(score, [SlidePage(slide, PICTURE, "", "", []) for slide in score.slides])
    places = [shown.index(text) for text in ("Slide DAB.tif was left out", "MYC amplification", "<h2>Risk")]
    assert places == sorted(places)
    assert "Slide DAB.tif, left out of the score" in shown
    assert "molecular group: “Group 3”, read as G3" in shown
    assert "outside the training distribution (distance 8.40, limit 2.20)" in shown


def test_report_and_terminal_say_words_and_no_codes() -> None:
    score = samples.remarkable()
    del score.contributions[:]
    shown = render(score, [SlidePage(slide, PICTURE, "", "", []) for slide in score.slides])
    for text in (shown.partition("</style>")[2], "\n".join(score_lines(score))):
        assert "few tiles" in text
        assert not re.search(r"\b[a-z]+_[a-z_]+\b", text)


def test_report_and_terminal_say_what_goes_with_the_prototypes_of_a_slide() -> None:
    score = samples.add_prototypes(samples.score("MB-1", slides=("A1",)))
    shown = render(score, [SlidePage(score.slides[0], PICTURE, "", "", [])])
    for text in (shown, "\n".join(score_lines(score))):
        assert "Prototype 0: 50.0% of tiles, goes with higher risk (hazard ratio 1.42, 1.10 to 1.83)" in text
        assert "Prototype 2: 12.0% of tiles, no clear association with risk" in text
        assert "found without labels" in text


def test_the_terminal_says_first_what_a_person_must_see() -> None:
    text = score_lines(samples.remarkable())
    assert [line for line in text if line.startswith("LOOK FIRST: ")] == text[2:4]
    assert "left out" in text[2]
    assert any(line.endswith("(distance 8.40, limit 2.20)") for line in text)


def test_why_a_slide_was_left_out_is_a_sentence() -> None:
    score = samples.score()
    score.left_out.add(slide_id="a.tif", reason="unsupported_format", sentence="the slide is grey")
    assert list(score_text.attention_needed(score)) == [
        "Slide a.tif was left out of the score (unsupported format). The slide is grey."
    ]


def test_titles_columns_and_remarks_are_text_and_never_markup() -> None:
    score = samples.with_vectors("MB-1")
    hostile = "<img src=x onerror=alert(1)>"
    score.vectors[0].title = hostile
    score.remarks.add(code="unclear_value", sentence=hostile)
    for contribution in score.contributions:
        contribution.label = hostile
        for share in contribution.columns:
            share.column = hostile
    shown = render(score, [])
    assert "<img src=x" not in shown
    assert "&lt;img src=x" in shown

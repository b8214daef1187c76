"""The report as a PDF: two tagged pages that say what the score says."""

import io
from collections.abc import Callable, Iterator
from dataclasses import replace

import pypdf
import pytest
from medulla.v1.scorer_pb2 import Score
from pypdf.generic import DictionaryObject

from shared.export.errors import BrokenMapError
from shared.export.exported_case import ExportedCase
from shared.export.pdf.report import pdf_report
from tests.support import scores as samples
from tests.support.exports import certain, complete, excessive, exported, without_objects
from tests.support.results import attention_map

NOTICE = "Research use only. Not for diagnosis or treatment decisions."
SCORES: list[Callable[[], Score]] = [
    *(samples.score, samples.abstained, samples.remarkable, samples.with_vectors),
    *(certain, complete, excessive),
]


def read(score: Score) -> pypdf.PdfReader:
    return pypdf.PdfReader(io.BytesIO(pdf_report(exported(score))))


def text(score: Score) -> str:
    return " ".join(" ".join(page.extract_text().split()) for page in read(score).pages)


@pytest.mark.parametrize("sample", SCORES)
def test_every_score_fits_two_pages_with_the_notice_on_each(sample: Callable[[], Score]) -> None:
    pages = [" ".join(page.extract_text().split()) for page in read(sample()).pages]
    assert len(pages) == 2
    for number, page in enumerate(pages, 1):
        assert page.startswith(f"{NOTICE} SIMULATED")
        assert f"page {number} of 2" in page


def test_a_model_of_real_patients_is_not_called_simulated() -> None:
    score = samples.score()
    score.simulated = False
    assert "SIMULATED" not in text(score)


def test_the_file_is_tagged_with_language_title_and_alternative_texts() -> None:
    reader = read(complete())
    root = reader.root_object
    assert entry(root, "/MarkInfo")["/Marked"]
    assert str(root["/Lang"]) == "en"
    assert entry(root, "/ViewerPreferences")["/DisplayDocTitle"]
    assert reader.metadata is not None
    assert reader.metadata.title == "Risk of recurrence, case MB-0042"
    kinds = list(elements(entry(root, "/StructTreeRoot")))
    assert {"/H1", "/H2", "/Table", "/TH", "/Figure"} <= {kind for kind, _ in kinds}
    texts = [alt for kind, alt in kinds if kind == "/Figure"]
    assert any("Cumulative incidence of relapse" in alt and "3 years: 28.0%" in alt for alt in texts)
    assert any("where the model looked, highest 9%" in alt for alt in texts)


def entry(node: DictionaryObject, name: str) -> DictionaryObject:
    value = node[name].get_object()
    assert isinstance(value, DictionaryObject)
    return value


def elements(node: object) -> Iterator[tuple[str, str]]:
    """Kind and alternative text of every structure element."""
    kids = node.get("/K", []) if isinstance(node, DictionaryObject) else []
    for kid in kids if isinstance(kids, list) else [kids]:
        child = kid.get_object() if hasattr(kid, "get_object") else kid
        if isinstance(child, DictionaryObject) and "/S" in child:
            yield str(child["/S"]), str(child.get("/Alt", ""))
            yield from elements(child)


def test_a_clear_answer_has_its_group_and_what_stands_beside_it() -> None:
    words = text(complete())
    assert "within 3 years 31.0% 22.0% to 43.0% (90% interval)" in words
    assert "Risk group: high. Risk at 3 years is 0.31; high from 0.25 upward." in words
    assert "Certainty: clear; the 90% interval" in words
    assert "no event until year 2: relapse by year 5 15.0% 10.0% to 20.0%" in words
    assert "By clinical alone: 27.0% within 3 years, with slides 31.0%;" in words
    assert "The rule puts the case at high risk. It calls high risk: m >= M1." in words
    assert "extent of resection: from GTR to STR 20.0% to 40.0%" in words
    assert "molecular group G3 +0.34" in words


@pytest.mark.parametrize("state", ["", "crosses_threshold", "too_uncertain"])
def test_an_answer_that_is_not_clear_has_no_group(state: str) -> None:
    score = samples.score()
    if state:
        score.certainty.state = state
    assert "Risk group" not in text(score)


def test_an_abstained_score_has_no_number() -> None:
    words = text(samples.abstained())
    assert "No risk is given: The slides look like none in the training cohort" in words
    assert "31.0%" not in words


def test_an_answer_between_groups_says_what_they_mean() -> None:
    score = certain()
    score.risk_group, score.certainty.state = "", "crosses_threshold"
    assert f"What the groups mean: {score.risk_group_rule[0].upper()}{score.risk_group_rule[1:]}" in text(score)


def test_the_widest_ranges_of_missing_values_come_first_and_the_others_are_counted() -> None:
    score = certain()
    for number in range(6):
        score.missing_variables.add(label=f"v{number}", lo=0.2, lo_value="no", hi=0.3 + number / 10, hi_value="yes")
    words = text(score)
    assert words.index("v5: from no to yes 20.0% to 80.0%") < words.index("v4: from no to yes")
    assert "v1:" not in words
    assert "And 2 more, in the score." in words


def test_contributions_that_do_not_fit_are_counted() -> None:
    score = certain()
    for number in range(11 - len(score.contributions)):
        score.contributions.add(variable=f"v{number}", value="-0.15 SD", log_hazard=-0.01)
    words = text(score)
    assert "And 2 more, in the score." in words
    assert "\u22120.15 SD \u22120.01" in words


def test_the_inputs_are_named_by_digest() -> None:
    score, words = certain(), text(certain()).replace(" ", "")
    assert all(digest in words for digest in (score.score_id, score.provenance.bundle_digest))


def test_the_same_score_is_the_same_bytes() -> None:
    assert pdf_report(exported(complete())) == pdf_report(exported(complete()))


def test_a_score_whose_pictures_are_not_stored_says_so() -> None:
    reader = pypdf.PdfReader(io.BytesIO(pdf_report(without_objects(certain()))))
    assert "No picture of the slide is stored." in " ".join(reader.pages[1].extract_text().split())


@pytest.mark.parametrize(("steps", "differ"), [(1, False), (7, True)])
def test_attention_is_explained_only_where_tiles_differ_in_it(steps: int, differ: bool) -> None:
    case = exported(certain())
    stored = {case.score.slides[0].attention_key: attention_map([], steps=steps)}
    pages = pypdf.PdfReader(
        io.BytesIO(pdf_report(replace(case, read=lambda key: stored.get(key) or case.read(key))))
    ).pages
    words = " ".join(" ".join(page.extract_text().split()) for page in pages)
    assert ("The model had no preference among the tiles." in words) != differ
    assert ("Attention shows which tiles the risk comes from" in words) == differ


def test_a_damaged_thumbnail_is_refused() -> None:
    with pytest.raises(BrokenMapError, match="thumbnail of slide A1 is no picture"):
        pdf_report(ExportedCase(certain(), samples.at(5), {certain().slides[0].thumbnail_key: b"no picture"}.get))


def test_markup_of_typst_in_a_text_is_text() -> None:
    score = certain()
    score.remarks.add(code="profile_check", sentence='#read("/etc/passwd") *bold* $x$ \\ "quoted" 中')
    assert '#read("/etc/passwd") *bold* $x$ \\ "quoted" ⟨U+4E2D⟩' in text(score)


def test_control_characters_in_texts_are_shown_by_their_number() -> None:
    score = certain()
    score.contributions[0].label = "a\u0007b\u0000\u007f"
    score.slides[0].slide_id = "a\u001b.svs"
    score.remarks.add(code="profile_check", sentence="one\ntwo\u2028three")
    words = text(score)
    for shown in ("a⟨U+0007⟩b⟨U+0000⟩⟨U+007F⟩", "a⟨U+001B⟩.svs", "one two three"):
        assert shown in words

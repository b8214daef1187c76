"""Words for how sure a risk is and what stands beside it, on terminal and report."""

import pytest
from medulla.v1.scorer_pb2 import (
    Certainty,
    CohortRisk,
    Contribution,
    EventFreeRisk,
    HorizonRisk,
    IncidenceCurve,
    MissingVariable,
    RecordOnly,
    RuleAnswer,
    Score,
)

from services.standalone.curve_picture import curve_picture
from services.standalone.report_page import bars, render
from services.standalone.score_lines import score_lines
from shared.export import risk_text
from tests.support import scores as samples

GROUP = "higher risk of relapse"
MEANING = (
    "3-year risk 0.310: higher risk of relapse from 0.25; 80 of 100 patients with relapse were at or above the limit"
)


def complete(state: str = "clear") -> Score:
    """A score with all that may stand beside a risk."""
    score = samples.score()
    score.modalities_used[:] = ["clinical", "molecular", "slides"]
    score.risk_group, score.risk_group_rule = (GROUP if state == "clear" else ""), MEANING
    score.certainty.CopyFrom(Certainty(state=state, rule="the 90% interval is 21 points wide", width=0.21, limit=0.5))
    score.event_free_risks.extend(
        EventFreeRisk(event_free_years=t, horizon_years=h, risk=0.2, lo=0.1, hi=0.3, level=0.9)
        for t, h in ((1, 3), (1, 5), (3, 5))
    )
    score.incidence.CopyFrom(IncidenceCurve(years=[0, 3, 5], risk=[0, 0.3, 0.4], lo=[0, 0.2, 0.3], hi=[0, 0.4, 0.6]))
    score.cohort_risk.CopyFrom(CohortRisk(horizon_years=3, quantiles=[0.1, 0.3, 0.9], patients=265))
    score.rule.CopyFrom(RuleAnswer(expression="stage == M1", answer="high", sentence="The rule says high."))
    alone = [HorizonRisk(horizon_years=y, risk=0.35, lo=0.2, hi=0.5, level=0.9) for y in (3, 5)]
    score.record_only.CopyFrom(RecordOnly(model="c", modalities=["clinical", "molecular"], risks=alone))
    score.missing_variables.append(
        MissingVariable(label="age", horizon_years=3, lo=0.2, lo_value="18 years", hi=0.4, hi_value="2 years")
    )
    return score


@pytest.mark.parametrize(
    ("probability", "words"),
    [(0, "0.0%"), (1e-6, "<1%"), (0.01, "1.0%"), (0.274, "27.4%"), (0.99, "99.0%"), (0.99998, ">99%"), (1, "100.0%")],
)
def test_no_probability_below_one_reads_as_certain(probability: float, words: str) -> None:
    assert risk_text.percent(probability) == words


def test_three_blocks_are_listed_with_commas() -> None:
    score = complete()
    score.modalities_used[:] = ["clinical", "molecular", "slides", "blood counts", "MRI texture"]
    assert "with slides, blood counts and MRI texture 31.0%" in risk_text.record_only(score)
    score.record_only.modalities.append("ICD codes")
    assert risk_text.record_only(score).startswith("By clinical, molecular and ICD codes alone: ")


@pytest.mark.parametrize("score", [complete(), complete("crosses_threshold")])
def test_terminal_and_report_show_all_that_stands_beside_the_risk(score: Score) -> None:
    for text in ("\n".join(score_lines(score)), render(score, [])):
        for words in (
            "The rule says high. It calls high risk: stage == M1.",
            "By clinical and molecular alone: 35.0% within 3 years, with slides 31.0%",
            "fter 1 year without any event: 20.0% (90% interval 10.0% to 30.0%) by 3 years, 20.0%",
            "fter 3 years without any event",
            "ge is missing: the risk within 3 years would be 20.0% (18 years) to 40.0% (2 years).",
            "higher than the risks of 51 of 100 patients of the training cohort (265 patients",
            "80 of 100 patients with relapse were at or above the limit",
            "he 90% interval is 21 points wide",
        ):
            assert words in text


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("crosses_threshold", "ot clear, it may be of either risk group"),
        ("too_uncertain", "oo uncertain to be read"),
    ],
)
def test_a_group_is_named_only_where_it_is_clear(state: str, words: str) -> None:
    score = complete(state)
    assert f"Risk group: none is given ({MEANING})" in score_lines(score)
    page = render(score, [])
    assert f'<p class="group"><strong>{GROUP.capitalize()}' not in page
    for text in (page, "\n".join(score_lines(score))):
        assert words in text
    clear = render(complete(), [])
    assert f'<p class="group"><strong>{GROUP.capitalize()}' in clear
    assert words not in clear


def test_a_score_of_an_older_program_shows_its_group_and_nothing_beside_it() -> None:
    score = samples.score()
    assert risk_text.is_clear(score)
    page = render(score, [])
    assert '<p class="group"><strong>High' in page
    for words in ("without any event", "alone:", "<svg", "Rule of the profile"):
        assert words not in page
    assert not any(line.startswith("Certainty") for line in score_lines(score))


def test_a_group_of_an_older_bundle_is_not_called_above_threshold_alone() -> None:
    score = complete()
    score.risk_group = "above threshold"
    assert "<strong>Higher risk, at or above the threshold of the training cohort.</strong>" in render(score, [])
    assert any(line.startswith("Risk group: higher risk, at or above") for line in score_lines(score))


def test_contributions_stand_on_one_scale_and_an_arrow_marks_what_lies_past_it() -> None:
    strong, mild = Contribution(variable="a", log_hazard=-3.0), Contribution(variable="b", log_hazard=0.693147)
    first, second = bars([mild, strong])
    assert (first.contribution, first.offset, first.width, first.beyond) == (strong, 0.0, 50.0, True)
    assert second.width == pytest.approx(50 / 3, abs=1e-3)
    assert (second.offset, second.beyond) == (50.0, False)
    (alone,) = bars([mild])
    assert alone == second


def test_the_curve_spans_years_and_all_of_probability() -> None:
    picture = curve_picture(complete())
    assert picture.line == "0.0,200.0 360.0,140.0 600.0,120.0"
    assert picture.band == "0.0,200.0 360.0,120.0 600.0,80.0 600.0,140.0 360.0,160.0 0.0,200.0"
    assert picture.years[-1] == (5, 600.0)

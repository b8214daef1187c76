"""What a report's page says beside its tables: the decision curve in words, a reader's guide, sites, no fusion."""

from collections import Counter

import numpy as np
import pytest

from services.trainer.evaluation.subgroups import MOST_SITES, by_site
from services.trainer.report.decision_words import decision_words
from services.trainer.report.page import limits, render
from services.trainer.report_model.arms import DecisionCurve, Subgroup
from services.trainer.report_model.report import Report
from tests.support.reports import PROFILE, VALIDATION, small_report

AT = (0.1, 0.2, 0.3, 0.4)
DRAWN = {f"{name}.svg": "" for name in ("flow", "forest", "calibration", "decision_curve")}


def curve(own: tuple[float, ...], of_all: tuple[float, ...]) -> Report:
    ends = tuple((value - 0.02, value + 0.02) for value in own)
    return small_report(
        decision_curve=DecisionCurve(
            horizon_years=2.0,
            thresholds=AT,
            net_benefit={"fused": own, "treat_all": of_all, "treat_none": (0.0,) * len(AT)},
            intervals={"fused": ends},
        )
    )


def test_the_decision_curve_is_read_where_an_arm_is_above_treating_all_and_none() -> None:
    sentences = decision_words(curve((0.2, 0.15, 0.1, -0.01), (0.2, 0.1, 0.0, -0.1)))
    assert "a risk of 20\N{NO-BREAK SPACE}% to 30\N{NO-BREAK SPACE}% does better by late fusion" in sentences[0]
    assert "as much as treating 15.0 (13.0 to 17.0) of 100 patients" in sentences[1]
    assert "as large as 20.0 fewer of 100 treated without need" in sentences[1]  # (0.15 - 0.10) * 0.8 / 0.2
    assert sentences[3].endswith("treating all is worth less than treating none.")
    assert "does as well by treating all or none" in decision_words(curve((0.0,) * 4, (0.1,) * 4))[0]
    assert decision_words(small_report()) == []


def test_of_many_sites_the_smallest_are_joined_and_nobody_is_lost() -> None:
    sites = [f"S{i:02}" for i in range(35) for _ in range(40 - i)]
    parts = by_site(sites)
    assert len(parts) == MOST_SITES
    assert parts["other sites (26)"].sum() == sum(Counter(sites)[f"S{i:02}"] for i in range(9, 35))
    assert np.sum(list(parts.values()), axis=0).tolist() == [1] * len(sites)
    assert list(by_site(["b", "a", "a"])) == ["site a", "site b"]


@pytest.fixture(scope="module")
def unfused() -> Report:
    whole = small_report()
    arms = {name: arm for name, arm in whole.arms.items() if name != "fused"}
    return small_report(
        kind="validate",
        procedure=VALIDATION,
        arms=arms,
        contrasts=(),
        modalities=(Subgroup(name="clinical, molecular", n=50, events=26, harrell_c={}),),
        primary="The gain of fusion cannot be estimated: the bundle was trained without slides.",
    )


def test_a_validation_without_fusion_names_no_primary_contrast(unfused: Report) -> None:
    page = render(unfused, DRAWN)
    assert "the one primary contrast" not in page
    assert "There is no fusion here" in page
    assert "There are no two arms to compare." in page
    assert limits(unfused)[0].endswith("Uno's C of clinical + molecular reaches from 0.60 to 0.80.")


def test_the_page_says_how_to_read_it_and_how_competing_events_enter(unfused: Report) -> None:
    page = render(unfused, DRAWN)
    assert "/guide/read-a-report" in page
    assert "observation ends at a competing event" in page
    bare = unfused.model_copy(update={"profile": PROFILE.model_copy(update={"has_times": False})})
    text = render(bare, DRAWN)
    assert "nobody is weighted, and a competing event counts as no" in text
    assert "Aalen-Johansen" not in text
    assert "weighted for censoring" not in text


def test_an_evaluation_without_refits_says_that_optimism_was_not_computed_and_how_it_is() -> None:
    page = render(small_report(), DRAWN)
    assert page.count("Not computed, optimism by refitting") == 1
    assert "medulla evaluate --optimism 100" in page
    validated = small_report(kind="validate", procedure=VALIDATION)
    assert "optimism" not in render(validated, DRAWN)


def test_the_first_page_says_what_was_shown_of_sensitivity_and_specificity() -> None:
    claimed = small_report(claims=("All blocks together at 2 years: a claim.", "A detail.", "Another."))
    page = render(claimed, DRAWN)
    assert page.index("a claim.") < page.index("How to read it")
    assert page.count("a claim.") == 1
    assert page.index("A detail.") > page.index('id="contrasts"')

"""What a report's page says: in the words of the profile, by the kind of report, and nothing that is not so."""

import re

import pytest

from services.trainer.metrics.bootstrap import NO_FIGURE, Contrast
from services.trainer.profile import load_profile
from services.trainer.report.checklist import checklist
from services.trainer.report.figures import decision_curve
from services.trainer.report.flow import flow
from services.trainer.report.names import column_name, counted, events_of, metric_name, outcome_of
from services.trainer.report.numbers import shown_briefly
from services.trainer.report.page import limits
from services.trainer.report_model.arms import DecisionCurve, Subgroup
from services.trainer.report_model.patients import HazardRatio
from services.trainer.report_model.report import Report
from tests.support.reports import PROFILE, VALIDATION, small_report

EVERYTHING = Subgroup(name="clinical, molecular, pathomic", n=10, events=3, harrell_c={})


def items(report: Report) -> dict[str, str]:
    return {number: where for number, _, where, _ in checklist(report)}


def test_the_event_of_interest_is_found_by_its_code_and_named_by_its_meaning() -> None:
    assert outcome_of(small_report()) == "death of the tumour"
    assert events_of(small_report()) == 26
    assert counted(small_report()) == "20 alive, 26 death of the tumour, 4 other death"


def test_the_limits_state_the_width_of_the_primary_interval() -> None:
    assert limits(small_report())[0].startswith(
        "26 events of interest: the 95 % interval of the primary contrast reaches 0.050"
    )
    (primary,) = small_report().contrasts
    wide = primary.model_copy(update={"gain": Contrast(0.04, None, None, None)})
    assert "no interval" in limits(small_report(contrasts=(wide,)))[0]


@pytest.mark.parametrize(
    ("column", "variable", "sentence"),
    [
        ("chang_m_stage >= M1", "chang_m_stage", "Chang M stage >= M1"),
        ("age_at_diagnosis_years < 3.0", "age_at_diagnosis_years", "age at diagnosis < 3"),
        ("myc_amp missing", "myc_amp", "MYC amplification missing"),
    ],
)
def test_a_column_is_told_by_its_variables_label(column: str, variable: str, sentence: str) -> None:
    labels = {variable.name: variable.shown for variable in load_profile().variables}
    row = HazardRatio(column=column, variable=variable, strata="", ratio=NO_FIGURE)
    assert column_name(row, small_report(profile=PROFILE.model_copy(update={"labels": labels}))) == sentence


def test_a_bare_yes_or_no_has_an_auc_and_no_c() -> None:
    bare = small_report(profile=PROFILE.model_copy(update={"has_times": False}))
    assert metric_name("uno_c", small_report()) == "Uno's C"
    assert metric_name("uno_c", bare) == metric_name("harrell_c", bare) == "AUC at 2 years"
    assert metric_name("ibs", bare) == "Brier score at 2 years (lower is better)"


def test_the_checklist_of_an_evaluation_says_where_the_equation_is_and_what_splits_keep_together() -> None:
    rows = items(small_report())
    assert "`medulla train` writes" in rows["22"]
    assert rows["16"].startswith("splits by site")
    assert "validation" not in rows["24"]
    assert "inside each fold" in rows["7"]


def test_an_item_of_the_checklist_is_filled_missing_or_in_part() -> None:
    profile = PROFILE.model_copy(update={"population": "Children with missing records"})
    states = {number: state for number, *_, state in checklist(small_report(profile=profile))}
    assert [states[number] for number in ("2", "3", "6", "9", "11", "17")] == [
        "filled", "missing", "in part", "in part", "filled", "missing",
    ]  # fmt: skip


def test_the_checklist_of_a_validation_claims_no_folds() -> None:
    rows = items(small_report(kind="validate", procedure=VALIDATION))
    assert not any("fold" in rows[number] or "split" in rows[number] for number in ("7", "16", "24"))
    assert rows["22"].startswith("bundle ffffffffffff")


def test_the_checklist_fills_nothing_that_the_profile_does_not_say() -> None:
    rows = items(small_report())
    assert "missing" in rows["9"]
    assert rows["6"].startswith("missing")
    assert rows["14"].startswith("missing")
    profile = PROFILE.model_copy(update={"prediction_time": "before the operation", "population": "Adults"})
    rows = items(small_report(profile=profile))
    assert rows["9"] == "Table 1; all known before the operation"
    assert rows["6"].startswith("Adults")


def test_text_of_the_flow_stays_within_its_box() -> None:
    drawn = flow(small_report(modalities=(EVERYTHING,) * 4))
    width = min(float(size) for size in re.findall(r'rect x="[\d.]+" y="\d+" width="([\d.]+)"', drawn))
    names = re.findall(r">(clinical[^<]*|molecular[^<]*|slides[^<]*)</text>", drawn)
    assert names
    assert all(7.2 * len(name) < width - 14 for name in names)


@pytest.mark.parametrize("highest", [0.05, 0.55, 1.0])
def test_the_band_of_a_decision_curve_is_whole_and_below_the_legend(highest: float) -> None:
    curve = DecisionCurve(
        horizon_years=2.0,
        thresholds=(0.1, 0.5),
        net_benefit={"fused": (highest / 2, 0.0), "treat_none": (0.0, 0.0)},
        intervals={"fused": ((0.0, highest), (0.0, 0.0)), "treat_none": ((0.0, 0.0),) * 2},
    )
    drawn = decision_curve(small_report(decision_curve=curve))
    band = re.search(r'polygon points="([^"]+)"', drawn)
    assert band
    assert min(float(point.split(",")[1]) for point in band[1].split()) > 60


@pytest.mark.parametrize(("value", "sentence"), [(-1.5, "\N{MINUS SIGN}1.5"), (12.345678, "12.35")])
def test_a_negative_quartile_has_a_true_minus(value: float, sentence: str) -> None:
    assert shown_briefly(value) == sentence

"""The report as types: its entries in report.json, read back as they were and refused where they are not so."""

import json
from pathlib import Path
from typing import Any

import pytest

from services.trainer.errors import BadReportError
from services.trainer.metrics.bootstrap import NO_FIGURE, Figure
from services.trainer.report_model.arms import Curve, RiskGroup, RiskGroups
from services.trainer.report_model.comparisons import Reclassification
from services.trainer.report_model.patients import HazardRatio
from services.trainer.report_model.report import Report
from shared.model.block import DEFAULT_BLOCKS, Block
from tests.support.reports import PROFILE, VALIDATION, C, arm, contrast, small_report

CURVE = Curve(times=(0.0, 1.0), incidence=(0.0, 0.2), lo=(0.0, 0.1), hi=(0.0, None), years=(0.0, 1.0), at_risk=(9, 5))
GROUP = RiskGroup(name="low risk", n=9, events=2, at={2.0: C, 2.5: NO_FIGURE}, curve=CURVE)
FULL = small_report(
    risk_groups=(RiskGroups(arm="fused", groups=(GROUP, GROUP.model_copy(update={"curve": None})), log_rank_p=None),),
    hazard_ratios=(HazardRatio(column="age < 3", variable="age", strata="", ratio=C),),
    contrasts=(contrast("fused", "clinical", primary=True), contrast("fused", "clinical", metric="ibs")),
)


def written(report: Report, folder: Path) -> dict[str, Any]:
    report.write(folder)
    content: dict[str, Any] = json.loads((folder / "report.json").read_text())
    return content


@pytest.mark.parametrize("report", [FULL, FULL.model_copy(update={"kind": "validate", "procedure": VALIDATION})])
def test_a_report_is_read_back_as_it_was_written(report: Report, tmp_path: Path) -> None:
    content = written(report, tmp_path)
    assert Report.read(tmp_path) == Report.read(tmp_path / "report.json") == report
    assert written(Report.read(tmp_path), tmp_path) == content


def test_a_report_is_shown_by_what_it_is_of() -> None:
    assert repr(FULL) == f"Report(kind='evaluate', n={FULL.cohort.n}, arms={list(FULL.arms)})"


def test_figures_of_a_time_are_named_by_it_and_those_of_a_contrast_stand_beside_its_arms(tmp_path: Path) -> None:
    content = written(FULL, tmp_path)
    assert list(content["arms"]["fused"])[2:9] == [
        "harrell_c", "uno_c", "auc_2y", "auc_4y", "ibs", "brier_2y", "brier_4y",
    ]  # fmt: skip
    assert list(content["contrasts"][0]) == ["a", "b", "metric", "est", "lo", "hi", "p", "p_holm", "primary"]
    assert content["hazard_ratios"] == [
        {"column": "age < 3", "variable": "age", "strata": "", "est": 0.7, "lo": 0.6, "hi": 0.8}
    ]
    with_curve, without = content["risk_groups"][0]["groups"]
    assert list(with_curve["at"]) == ["2y", "2.5y"]
    assert with_curve["at_risk"] == [9, 5]
    assert "times" not in without


def test_entries_of_the_other_kind_of_report_are_absent(tmp_path: Path) -> None:
    evaluated = written(FULL, tmp_path)
    validated = written(FULL.model_copy(update={"kind": "validate", "procedure": VALIDATION}), tmp_path)
    assert evaluated.keys() - validated.keys() == {"grouped_by", "seed", "repeats", "folds"}
    assert validated.keys() - evaluated.keys() == {"recalibration", "bundle"}
    assert (validated["splits"], validated["negative_controls"]) == (None, {})
    assert "blocks" not in evaluated["profile"], "the default profile's blocks are not repeated"


def test_a_profile_with_blocks_of_its_own_lists_them(tmp_path: Path) -> None:
    blocks = (*DEFAULT_BLOCKS, Block(name="blood", source="vectors"))
    report = small_report(profile=PROFILE.model_copy(update={"blocks": blocks}))
    assert written(report, tmp_path)["profile"]["blocks"][-1]["name"] == "blood"
    assert Report.read(tmp_path).profile.blocks == blocks


def test_secondary_figures_are_all_there_or_none(tmp_path: Path) -> None:
    moved = Reclassification(n=9, continuous_nri=C, idi=C, delong_auc=contrast("a", "b").gain)
    secondary = FULL.secondary.model_copy(update={"reclassification": moved})
    content = written(FULL.model_copy(update={"secondary": secondary}), tmp_path)
    assert list(content["secondary"])[3:] == ["n", "continuous_nri", "idi", "delong_auc", "fine_gray"]
    assert Report.read(tmp_path).secondary.reclassification == moved
    del content["secondary"]["idi"]
    (tmp_path / "report.json").write_text(json.dumps(content))
    with pytest.raises(BadReportError, match=r"secondary\.reclassification\.idi: Field required"):
        Report.read(tmp_path)


@pytest.mark.parametrize(
    ("where", "value", "sentence"),
    [
        (("version",), 2, "version"),
        (("arms", "fused", "auc_2y"), {"est": "high", "lo": None, "hi": None}, r"arms\.fused\.auc"),
        (("arms", "fused", "luck"), 1, r"arms\.fused\.luck: Extra inputs"),
        (("cohort", "n"), None, r"cohort\.n"),
    ],
)
def test_a_file_that_is_no_report_is_refused_with_the_place(
    tmp_path: Path, where: tuple[str, ...], value: object, sentence: str
) -> None:
    content = written(FULL, tmp_path)
    *way, last = where
    entry = content
    for step in way:
        entry = entry[step]
    entry[last] = value
    (tmp_path / "report.json").write_text(json.dumps(content))
    with pytest.raises(BadReportError, match=f"is no report: {sentence}"):
        Report.read(tmp_path)


def test_a_report_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadReportError, match=r"report\.json cannot be read: No such file"):
        Report.read(tmp_path / "report.json")


def test_figures_are_written_to_six_digits_and_undefined_ones_as_nothing() -> None:
    assert Figure(0.123456789, float("nan"), None).rounded() == Figure(0.123457, None, None)
    assert arm("x").calibration.slope == C

"""Arms of a report by name, role and block: what they are called, their colours, and what each block adds."""

import pytest

from services.standalone.evaluation_lines import evaluation_lines
from services.trainer.metrics.bootstrap import Contrast
from services.trainer.report.block_gains import block_gains
from services.trainer.report.colours import arm_colour, role_of
from services.trainer.report.names import blocks_of, evidence, shown_arm, shown_blocks
from services.trainer.report_model.arms import Subgroup
from services.trainer.report_model.comparisons import Secondary
from services.trainer.report_model.report import Report
from shared.model.block import DEFAULT_BLOCKS, Block
from tests.support.reports import PROFILE, arm, contrast, small_report

BLOCKS = (
    *DEFAULT_BLOCKS,
    Block(name="blood", source="vectors", title="blood counts"),
    Block(name="mri", source="vectors", title="MRI", log_risk="mri_risk"),
)
ALONE = ("pathomics", "blood", "mri_risk")
LESS_ONE = {
    "molecular_pathomics_blood_mri_risk": "clinical",
    "clinical_pathomics_blood_mri_risk": "molecular",
    "clinical_molecular_blood_mri_risk": "slides",
    "clinical_molecular_pathomics_mri_risk": "blood counts",
    "clinical_molecular_pathomics_blood": "MRI",
}


def many_blocks() -> Report:
    """A report of five blocks, with all that is left when one is taken away."""
    names = ("null", "clinical", "clinical_molecular", "clinical_molecular_gbm", *ALONE, "fused", "early_concat")
    compared = [contrast("fused", "clinical_molecular", primary=True), *(contrast("fused", name) for name in LESS_ONE)]
    return small_report(
        profile=PROFILE.model_copy(update={"blocks": BLOCKS}),
        arms={name: arm(name) for name in names},
        contrasts=(*compared, contrast("blood", "clinical_molecular"), contrast("fused", "clinical", metric="ibs")),
    )


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("fused", "late fusion"),
        ("clinical_molecular", "clinical + molecular"),
        ("clinical_molecular_gbm", "LightGBM"),
        ("mri_risk", "MRI alone"),
        ("clinical", "clinical"),
        ("clinical_molecular_pathomics_mri_risk", "all but blood counts"),
        ("clinical_pathomics", "clinical + slides"),
        ("treat_all", "treat all"),
    ],
)
def test_an_arm_is_called_by_the_titles_of_its_blocks(name: str, shown: str) -> None:
    assert shown_arm(name, many_blocks()) == shown


def test_the_name_of_a_method_is_made_of_no_blocks() -> None:
    assert blocks_of("early_concat", many_blocks()) == ()
    assert blocks_of("clinical_unknown", many_blocks()) == ()
    assert [block.name for block in blocks_of("clinical_mri_risk", many_blocks())] == ["clinical", "mri"]


def test_known_blocks_are_told_by_their_titles() -> None:
    assert shown_blocks("clinical, blood", many_blocks()) == "clinical, blood counts"
    assert shown_blocks("nothing known", many_blocks()) == "nothing known"


def test_slides_that_were_not_given_are_ready_made_columns() -> None:
    known = Subgroup(name="clinical, pathomic, blood", n=9, events=3, harrell_c={})
    assert evidence(many_blocks()) == ""
    report = many_blocks().model_copy(update={"modalities": (known,)})
    assert evidence(report) == "ready-made columns of slides and blood counts"


def test_arms_have_colours_by_their_role_and_every_block_its_own() -> None:
    report = many_blocks()
    assert [role_of(name, report) for name in report.arms] == [
        "other", "record", "baseline", "trees", "alone", "alone", "alone", "primary", "early_concat",
    ]  # fmt: skip
    drawn = [arm_colour(name, report) for name in report.arms if name != "null"]
    assert len(set(drawn)) == len(drawn)


def test_a_baseline_of_clinical_variables_alone_has_the_colour_of_a_baseline() -> None:
    both, alone = small_report(), Secondary(a="fused", b="clinical", horizon_years=2.0, fine_gray=None)
    report = both.model_copy(update={"secondary": alone})
    assert arm_colour("clinical", report) == arm_colour("clinical_molecular", both)


def test_each_block_adds_what_all_blocks_gain_over_all_but_it() -> None:
    gains = block_gains(many_blocks())
    assert {gain.contrast.b: gain.block.title for gain in gains} == LESS_ONE
    assert [gain.block.name for gain in gains] == [block.name for block in BLOCKS]


def test_slides_alone_beside_the_record_add_the_primary_contrast() -> None:
    report = small_report(arms={name: arm(name) for name in ("clinical_molecular", "pathomics", "fused")})
    (gain,) = block_gains(report)
    assert (gain.block.title, gain.contrast.primary) == ("slides", True)


def test_without_fusion_no_block_is_said_to_add_anything() -> None:
    report = small_report(contrasts=(contrast("clinical_molecular", "clinical", metric="harrell_c"),))
    assert block_gains(report) == ()
    assert not any(line.startswith("block") for line in evaluation_lines(report, "out"))


def test_the_terminal_shows_what_each_block_adds_with_interval_and_adjusted_p() -> None:
    lines = evaluation_lines(many_blocks(), "out")
    start = next(i for i, line in enumerate(lines) if line.startswith("block"))
    assert lines[start].split(maxsplit=1)[1].startswith("adds to Uno's C")
    rows = lines[start + 1 : start + 6]
    assert [row.split("  ")[0] for row in rows] == ["clinical", "molecular", "slides", "blood counts", "MRI"]
    assert all(row.endswith("0.040") and "0.040 (-0.010 to 0.090)" in row for row in rows)


def test_a_gain_that_rounds_to_nothing_has_no_sign() -> None:
    primary = contrast("fused", "clinical_molecular", primary=True)
    tiny = primary.model_copy(update={"gain": Contrast(-0.0001, -0.01, 0.01, 0.9)})
    names = ("clinical_molecular", "pathomics", "fused")
    lines = evaluation_lines(small_report(arms={name: arm(name) for name in names}, contrasts=(tiny,)), "out")
    assert any("  0.000 (-0.010 to 0.010)" in line for line in lines)


def test_the_terminal_calls_the_order_of_a_yes_or_no_auc_and_shows_it_once() -> None:
    bare = small_report(arms={"fused": arm("fused")}, profile=PROFILE.model_copy(update={"has_times": False}))
    heads, row = evaluation_lines(bare, "out")[:2]
    assert heads.split() == ["arm", "n", "AUC", "O/E"]
    assert row.count("0.700 (0.600-0.800)") == 2
    assert row.index("0.700") == heads.index("AUC")


def test_columns_of_the_terminal_fit_long_names() -> None:
    name = "clinical_molecular_pathomics_mri_risk_gbm"
    lines = evaluation_lines(small_report(arms={"null": arm("null"), name: arm(name)}), "out")
    heads, *rows = lines[:3]
    assert [row.index("0.700") for row in rows] == [heads.index("Harrell C")] * 2

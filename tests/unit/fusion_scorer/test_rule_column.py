"""A score by models that read the rule's answer: what it adds, and what a missing value of it could change."""

from typing import Any

import pytest
from medulla.v1.scorer_pb2 import Score

from services.fusion_scorer.inputs import CaseInputs
from services.fusion_scorer.score import score
from shared.model.bundle import Bundle, load
from shared.model.record import ClinicalRecord
from shared.units import CaseId, Sha256
from tests.support.fusion import PROFILE, STAGE, arm, parts, write_bundle

RULE = {"rule": "stage > M0 or age < 3", "rule_as_column": "clinical"}
HIGH = {"name": "rule = high", "variable": "rule", "form": "level", "levels": ["high"], "impute": 0.5, "mean": 0.5}
AGES = {"age": {"mean": 8, "spread": 4, "low": 0.5, "high": 18, "limits": {"flag": 3, "abstain": 5}}}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """The toy bundle, whose clinical model reads stage and rule; high risk by the rule adds 0.4."""
    reference = {**parts()["reference.json"], "numeric": AGES}
    files: dict[str, Any] = {"clinical.json": arm([STAGE, HIGH], [0.8, 0.4]), "reference.json": reference}
    return load(write_bundle(tmp_path_factory.mktemp("rule") / "b", files, {"profile": PROFILE | RULE}))


def scored(bundle: Bundle, **values: float | str) -> Score:
    record = ClinicalRecord(Sha256("c" * 64), values)
    return score(bundle, CaseInputs(CaseId("MB-1"), (), record), "0.0").score


@pytest.mark.parametrize(
    ("values", "shown", "adds"),
    [
        ({"stage": "M1"}, "high", 0.2),
        ({"stage": "M0", "age": 8.0}, "low", -0.2),
        ({"stage": "M0"}, "missing", 0.0),
    ],
)
def test_the_rule_contributes_under_its_own_name(
    bundle: Bundle, values: dict[str, float | str], shown: str, adds: float
) -> None:
    (rule,) = (item for item in scored(bundle, **values).contributions if item.variable == "rule")
    assert (rule.label, rule.block, rule.value) == ("rule (M stage > M0 or …)", "clinical", shown)
    assert rule.log_hazard == pytest.approx(adds)


def test_a_missing_value_that_only_the_rule_reads_could_change_the_risk(bundle: Bundle) -> None:
    result = scored(bundle, stage="M0")
    (age,) = result.missing_variables
    low, high = (scored(bundle, stage="M0", age=years).risks[0].risk for years in (8.0, 2.0))
    assert (age.variable, age.hi_value) == ("age", "0.5 years")
    assert [age.lo, age.hi] == pytest.approx([low, high])

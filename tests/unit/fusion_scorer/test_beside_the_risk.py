"""What stands beside a risk: certainty, curve, conditional risks, cohort, rule, record alone and missing values."""

import json
from pathlib import Path
from typing import Any

import pytest
from medulla.v1.scorer_pb2 import Score

from services.fusion_scorer.inputs import CaseInputs, SlideInput
from services.fusion_scorer.score import score
from services.fusion_scorer.score_json import to_bytes
from shared.model.bundle import Bundle, load
from shared.model.record import ClinicalRecord
from shared.units import CaseId, Sha256
from tests.support.fusion import PROFILE, features, parts, slide_input, write_bundle

RULE = "stage > M0 or age < 3"


@pytest.fixture
def toy(tmp_path: Path) -> Bundle:
    return bundle(tmp_path)


def bundle(folder: Path, rule: str = RULE, **changed: Any) -> Bundle:
    """The toy bundle with a rule, and with changed files (`reference={...}`)."""
    files = {f"{name}.json": {**parts()[f"{name}.json"], **entries} for name, entries in changed.items()}
    return load(write_bundle(folder / "bundle", files, {"profile": {**PROFILE, "rule": rule}}))


def scored(model: Bundle, *slides: SlideInput, **values: float | str) -> Score:
    record = ClinicalRecord(Sha256("c" * 64), values) if values else None
    return score(model, CaseInputs(CaseId("MB-1"), slides, record), "0.0").score


def slide() -> SlideInput:
    return slide_input("A", features((0, 2), (0, 4)))


def with_limit(below: float, widest: float = 0.5) -> dict[str, Any]:
    rule = json.loads(json.dumps(parts()["thresholds.json"]["arms"]["clinical"]))
    rule["groups"][0]["below"] = below
    return {"arms": {"clinical": {**rule, "widest": {"width": widest, "basis": "made up"}}}}


def test_a_group_is_given_only_where_the_interval_lies_within_it(tmp_path: Path) -> None:
    clear = scored(bundle(tmp_path / "a", thresholds=with_limit(0.9)), stage="M1")
    assert (clear.certainty.state, clear.risk_group) == ("clear", "low")
    middle = clear.risks[0].risk
    crossing = scored(bundle(tmp_path / "b", thresholds=with_limit(middle)), stage="M1")
    assert (crossing.certainty.state, crossing.risk_group) == ("crosses_threshold", "")
    assert "high from" in crossing.risk_group_rule
    wide = scored(bundle(tmp_path / "c", thresholds=with_limit(0.9, widest=0.001)), stage="M1")
    assert (wide.certainty.state, wide.risk_group, wide.certainty.limit) == ("too_uncertain", "", 0.001)
    assert wide.certainty.width == pytest.approx(wide.risks[0].hi - wide.risks[0].lo, rel=1e-4)


def test_a_bundle_that_states_no_limit_has_half_of_all_risk(toy: Bundle) -> None:
    result = scored(toy, stage="M1")
    assert result.certainty.limit == 0.5
    assert "the limit of bundles that state none" in result.certainty.rule


def test_a_model_without_groups_has_a_certainty_and_no_group(tmp_path: Path) -> None:
    result = scored(bundle(tmp_path, thresholds={"arms": {}}), stage="M1")
    assert (result.certainty.state, result.risk_group, result.risk_group_rule) == ("clear", "", "")


def test_the_curve_meets_the_risks_and_a_year_without_an_event_lowers_them(toy: Bundle) -> None:
    result = scored(toy, stage="M1")
    curve = dict(zip(result.incidence.years, result.incidence.risk, strict=True))
    assert [curve[risk.horizon_years] for risk in result.risks] == [risk.risk for risk in result.risks]
    given = {(item.event_free_years, item.horizon_years): item for item in result.event_free_risks}
    assert list(given) == [(1, 3), (1, 5), (2, 3), (2, 5), (3, 5)]
    assert given[3, 5].risk < given[2, 5].risk < given[1, 5].risk < result.risks[1].risk
    assert all(item.lo < item.risk < item.hi for item in given.values())


def test_constant_hazards_make_two_more_years_as_risky_after_three_as_after_one(toy: Bundle) -> None:
    given = {
        (item.event_free_years, item.horizon_years): item.risk for item in scored(toy, stage="M1").event_free_risks
    }
    assert given[3, 5] == pytest.approx(given[1, 3], rel=1e-5)


@pytest.mark.parametrize(
    ("values", "answer", "words"),
    [
        ({"stage": "M1"}, "high", "at high risk"),
        ({"stage": "M0", "age": 8.0}, "low", "at low risk"),
        ({"stage": "M0"}, "unknown", "cannot be applied without age"),
        ({"group": "G3"}, "unknown", "cannot be applied without age and M stage"),
    ],
)
def test_the_rule_of_the_profile_answers_as_far_as_the_record_goes(
    toy: Bundle, values: dict[str, float | str], answer: str, words: str
) -> None:
    result = scored(toy, slide(), **values)
    assert (result.rule.expression, result.rule.answer) == (RULE, answer)
    assert words in result.rule.sentence


def test_a_profile_without_a_rule_has_no_answer(tmp_path: Path) -> None:
    assert not scored(bundle(tmp_path, rule=""), stage="M1").HasField("rule")


def test_the_record_alone_stands_beside_a_model_that_read_more(toy: Bundle) -> None:
    fused, alone = scored(toy, slide(), stage="M1", group="G3"), scored(toy, stage="M1", group="G3")
    assert fused.record_only.model == alone.model == "clinical_molecular"
    assert list(fused.record_only.modalities) == ["clinical", "molecular"]
    assert list(fused.record_only.risks) == list(alone.risks)
    assert not alone.HasField("record_only")
    assert not scored(toy, slide()).HasField("record_only")


def test_the_record_alone_names_its_blocks_in_the_order_of_the_profile(tmp_path: Path) -> None:
    titles = {"clinical": "record of the clinic", "molecular": "genes"}
    blocks = [{"name": name, "source": "record", "title": title} for name, title in titles.items()]
    slides = {"name": "pathomic", "source": "slides", "title": "slides", "log_risk": "pathomics"}
    model = load(write_bundle(tmp_path / "bundle", None, {"profile": {**PROFILE, "blocks": [*blocks, slides]}}))
    result = scored(model, slide(), stage="M1", group="G3")
    assert list(result.record_only.modalities) == ["record of the clinic", "genes"]


def test_a_missing_level_and_a_missing_number_span_the_risks_that_they_can_give(tmp_path: Path) -> None:
    numeric = {"age": {"mean": 8, "spread": 4, "low": 2, "high": 18, "limits": {"flag": 3, "abstain": 5}}}
    toy = bundle(tmp_path, reference={"numeric": numeric})
    (age,) = scored(toy, stage="M1").missing_variables
    ends = [scored(toy, stage="M1", age=float(value)).risks[0].risk for value in (18, 2)]
    assert (age.variable, age.lo_value, age.hi_value, age.horizon_years) == ("age", "18 years", "2 years", 3)
    assert [age.lo, age.hi] == ends
    (stage,) = scored(toy, age=8.0).missing_variables
    assert (stage.label, stage.lo_value, stage.hi_value) == ("M stage", "M0", "M1")
    assert [stage.lo, stage.hi] == [scored(toy, age=8.0, stage=level).risks[0].risk for level in ("M0", "M1")]


def test_an_older_bundle_spans_two_deviations_of_a_number_within_what_is_allowed(toy: Bundle) -> None:
    (age,) = scored(toy, stage="M1").missing_variables
    assert (age.lo_value, age.hi_value) == ("16 years", "0 years")


def test_the_cohort_stands_beside_the_risk_where_the_bundle_holds_it(toy: Bundle, tmp_path: Path) -> None:
    assert not scored(toy, stage="M1").HasField("cohort_risk")
    risk = {"clinical": {"horizon_years": 3, "quantiles": [0.1, 0.3, 0.8], "patients": 40}}
    cohort = scored(bundle(tmp_path / "new", reference={"risk": risk}), stage="M1").cohort_risk
    assert (cohort.horizon_years, list(cohort.quantiles), cohort.patients) == (3, [0.1, 0.3, 0.8], 40)


def test_an_outcome_without_times_has_no_risk_over_time(tmp_path: Path) -> None:
    outcome = {"codes": {"0": "no", "1": "relapse"}, "time": ""}
    model = load(write_bundle(tmp_path / "bundle", None, {"profile": {**PROFILE, "outcome": outcome}}))
    result = scored(model, stage="M1")
    assert len(result.risks) == 2
    assert not result.HasField("incidence")
    assert not result.event_free_risks


def test_an_abstention_has_nothing_of_it(toy: Bundle) -> None:
    result = scored(toy, slide_input("A", features((100, 1))))
    assert result.abstained
    stated = {descriptor.name for descriptor, _ in result.ListFields()}
    beside = {"certainty", "event_free_risks", "incidence", "cohort_risk", "rule", "record_only", "missing_variables"}
    assert not stated & beside


def test_lists_that_came_later_are_left_out_of_the_bytes_where_they_are_empty(toy: Bundle) -> None:
    stored = json.loads(to_bytes(scored(toy, slide_input("A", features((100, 1))))))
    assert not stored.keys() & {"event_free_risks", "missing_variables", "certainty"}

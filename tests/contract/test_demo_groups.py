"""The demo bundle states what its limits are worth, and a demo score what stands beside its risk."""

from pathlib import Path

import pytest

from services.fusion_scorer.inputs import CaseInputs
from services.fusion_scorer.score import score
from shared.model.bundle import Bundle, load
from shared.model.record import parse_record
from shared.units import CaseId
from tests.support.installation import CLINICAL
from tests.support.system import DEMO_BUNDLE


@pytest.fixture(scope="module")
def demo() -> Bundle:
    return load(DEMO_BUNDLE)


def test_its_card_says_of_every_limit_what_the_files_say(demo: Bundle) -> None:
    card = (DEMO_BUNDLE / "model_card.md").read_text()
    for name, rule in demo.thresholds.arms.items():
        assert rule.operating is not None
        shares = (rule.operating.sensitivity, rule.operating.specificity)
        cells = [f"{share.est:.3f} ({share.lo:.3f} to {share.hi:.3f})" for share in shares]
        assert f"| {name} | {rule.groups[0].below:.3f} | {' | '.join(cells)} |" in card
        assert rule.operating.sensitivity.est >= 0.8
        assert "SIMULATED training cohort" in rule.basis


def test_its_groups_are_words_and_no_thresholds(demo: Bundle) -> None:
    names = {group.name for rule in demo.thresholds.arms.values() for group in rule.groups}
    assert names == {"lower risk of relapse or progression", "higher risk of relapse or progression"}


def test_a_score_of_the_demo_record_has_all_that_stands_beside_a_risk(demo: Bundle) -> None:
    case = CaseId("DEMO-001")
    record = parse_record(Path(CLINICAL).read_bytes(), case, demo.manifest.profile)
    result = score(demo, CaseInputs(case, (), record), "0.0").score
    assert result.cohort_risk.patients == demo.reference.risk[result.model].patients
    assert result.certainty.limit == demo.thresholds.arms[result.model].widest.width
    assert (result.rule.answer, len(result.event_free_risks), len(result.incidence.years)) == ("high", 5, 61)
    (missing,) = result.missing_variables
    assert missing.label == "residual tumour area"
    assert missing.lo < result.risks[0].risk < missing.hi

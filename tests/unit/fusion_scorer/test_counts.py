"""What is counted of a score, for those who watch for drift."""

from medulla.v1.scorer_pb2 import Score
from prometheus_client import REGISTRY

from services.fusion_scorer.score_case import count


def _value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def test_a_score_counts_with_its_flags_and_what_it_lacked() -> None:
    answer = Score(model="fused", percentile=35, modalities_missing=["molecular"])
    answer.out_of_distribution.flagged = True
    answer.slides.add(qc_flags=["pen_ink"])
    names = (
        ("medulla_scores_out_of_distribution_total", {"simulated": "false"}),
        ("medulla_score_modalities_missing_total", {"modality": "molecular"}),
        ("medulla_slide_flags_total", {"flag": "pen_ink"}),
        ("medulla_score_percentile_bucket", {"le": "40.0"}),
    )
    before = [_value(name, **labels) for name, labels in names]
    count(answer)
    assert [_value(name, **labels) for name, labels in names] == [value + 1 for value in before]


def test_a_case_that_the_scorer_abstained_from_has_no_percentile() -> None:
    before = _value("medulla_score_percentile_count")
    count(Score(abstained=True))
    assert _value("medulla_score_percentile_count") == before

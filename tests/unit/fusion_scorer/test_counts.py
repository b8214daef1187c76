"""What is counted of a score, for those who watch for drift."""

from dataclasses import replace

from medulla.v1.scorer_pb2 import Score
from prometheus_client import REGISTRY

from services.fusion_scorer.watching import Sites, count
from shared.canonical import sha256
from shared.model.record import ClinicalRecord


def _value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def test_a_score_counts_with_its_flags_and_what_it_lacked() -> None:
    answer = Score(model="fused", percentile=35, modalities_missing=["molecular"])
    answer.out_of_distribution.flagged = True
    answer.slides.add(qc_flags=["pen_ink"])
    names = (
        ("medulla_scores_out_of_distribution_total", {"simulated": "false", "site": "north"}),
        ("medulla_score_modalities_missing_total", {"modality": "molecular", "site": "north"}),
        ("medulla_slide_flags_total", {"flag": "pen_ink", "site": "north"}),
        ("medulla_score_percentile_bucket", {"le": "40.0"}),
    )
    before = [_value(name, **labels) for name, labels in names]
    count(answer, "north")
    assert [_value(name, **labels) for name, labels in names] == [value + 1 for value in before]


def test_a_case_that_the_scorer_abstained_from_has_no_percentile() -> None:
    before = _value("medulla_score_percentile_count")
    count(Score(abstained=True), "north")
    assert _value("medulla_score_percentile_count") == before


def test_what_did_not_happen_is_counted_as_nothing_so_that_a_share_can_be_drawn() -> None:
    count(Score(model="fused"), "quiet")
    labels = {"simulated": "false", "site": "quiet"}
    assert REGISTRY.get_sample_value("medulla_scores_out_of_distribution_total", labels) == 0


def test_sites_beyond_the_most_are_counted_together() -> None:
    sites, record = Sites(most=2), ClinicalRecord(sha256(b""), {})
    labels = [sites.label(replace(record, site=site)) for site in ("a", "b", "c", "a")]
    assert labels == ["a", "b", "other", "a"]
    assert sites.label(record) == sites.label(None) == "unknown"

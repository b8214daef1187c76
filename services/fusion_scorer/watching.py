"""Counts scores by site, to detect drift."""

from medulla.v1.scorer_pb2 import Score

from shared import metrics
from shared.model.record import ClinicalRecord

UNKNOWN, OTHER = "unknown", "other"
_MOST = 50


class Sites:
    """Sites as labels of metrics: the first `most` that scores came from."""

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._known: dict[str, str] = {}

    def label(self, record: ClinicalRecord | None) -> str:
        """The record's site; `unknown` without one, `other` where there are too many already."""
        site = record.site if record else ""
        if not site:
            return UNKNOWN
        if len(self._known) >= self._most:
            return self._known.get(site, OTHER)
        return self._known.setdefault(site, site)


def count(answer: Score, site: str) -> None:
    """Count a new score of a case of that site; what did not happen is counted as 0, so that shares can be drawn."""
    abstained, simulated = str(answer.abstained).lower(), str(answer.simulated).lower()
    metrics.SCORES.labels(answer.model or "none", abstained, simulated, site).inc()
    metrics.SCORES_OUT_OF_DISTRIBUTION.labels(simulated, site).inc(int(answer.out_of_distribution.flagged))
    if not answer.abstained:
        metrics.SCORE_PERCENTILES.observe(answer.percentile)
    for modality in answer.modalities_missing:
        metrics.SCORE_MODALITIES_MISSING.labels(modality, site).inc()
    for slide in answer.slides:
        for flag in slide.qc_flags:
            metrics.SLIDE_FLAGS.labels(flag, site).inc()

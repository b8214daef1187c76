"""`scores.csv`: one row a case, its risks or why it is refused."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from medulla.v1.scorer_pb2 import Score

from services.standalone.advice import here
from shared.csv_file import write_csv
from shared.errors import PermanentError

_FACTS = ("case_id", "score_id", "model", "log_risk", "percentile", "risk_group")
_NOTES = ("used", "missing", "out_of_distribution", "abstained", "remarks", "simulated")
_BOUNDS = {"": "risk", "_lo": "lo", "_hi": "hi"}
"""Fields of a risk by the suffix of their column."""
_REFUSAL = ("reason", "sentence", "advice")


@dataclass(frozen=True, slots=True)
class CaseOutcome:
    """The score of a case, or why it is refused."""

    case_id: str
    score: Score | None = None
    error: PermanentError | None = None


def write_scores(path: Path, outcomes: Sequence[CaseOutcome], horizons_years: Sequence[float]) -> None:
    """Write the table; cells that a case has no value for are empty."""
    risks = [f"risk_{years:g}y{bound}" for years in horizons_years for bound in _BOUNDS]
    header = (*_FACTS, "certainty", *risks, *_NOTES, *_REFUSAL)
    rows = [_row(outcome, horizons_years) for outcome in outcomes]
    write_csv(path, header, ([row.get(name, "") for name in header] for row in rows))


def _row(outcome: CaseOutcome, horizons_years: Sequence[float]) -> dict[str, object]:
    if outcome.score:
        return _facts(outcome.score) | dict(_risks(outcome.score, horizons_years)) | _notes(outcome.score)
    error = outcome.error
    if error is None:
        return {"case_id": outcome.case_id}
    refusal = (error.reason, str(error), here(error.reason, error.advice))
    return {"case_id": outcome.case_id, **dict(zip(_REFUSAL, refusal, strict=True))}


def _facts(score: Score) -> dict[str, object]:
    facts: dict[str, object] = {name: getattr(score, name) for name in _FACTS} | {"certainty": score.certainty.state}
    return facts if score.risks else facts | {"log_risk": "", "percentile": ""}


def _risks(score: Score, horizons_years: Sequence[float]) -> Iterator[tuple[str, object]]:
    for years, risk in zip(horizons_years, score.risks, strict=False):
        yield from ((f"risk_{years:g}y{bound}", getattr(risk, field)) for bound, field in _BOUNDS.items())


def _notes(score: Score) -> dict[str, object]:
    return {
        "used": "; ".join(score.modalities_used),
        "missing": "; ".join(score.modalities_missing),
        "out_of_distribution": str(score.out_of_distribution.flagged).lower(),
        "abstained": score.abstained_reason,
        "remarks": " ".join(remark.sentence for remark in score.remarks),
        "simulated": str(score.simulated).lower(),
    }

"""From the pieces of the study of a rare pattern to its table."""

from collections.abc import Mapping, Sequence
from typing import Any

from tests.studies.criteria import estimate, percent
from tests.studies.sections import table
from tests.studies.summaries import Piece, gains, mean_of

_HEADER = (
    "kinds apart", "effect", "seeds", "AUC of the classifier", "r with the latent", "C of the table",
    "gain of composition", "gain of the oracle", "share of the oracle's gain, %",
)  # fmt: skip


def composition_summary(pieces: Sequence[Piece]) -> dict[str, Any]:
    """By distance of the kinds of tissue and effect: figures of classifier and composition, gains and their share."""
    scenarios = sorted({(piece["plan"]["apart"], piece["plan"]["effect"]) for piece in pieces})
    return {"scenarios": [_scenario(apart, effect, pieces) for apart, effect in scenarios]}


def _scenario(apart: float, effect: float, pieces: Sequence[Piece]) -> dict[str, Any]:
    own = [piece for piece in pieces if (piece["plan"]["apart"], piece["plan"]["effect"]) == (apart, effect)]
    (gained,) = gains((piece["plan"]["seed"], effect, [piece["value"]]) for piece in own).values()
    figures = {name: mean_of([piece["value"][name] for piece in own]) for name in ("auc", "latent_r", "uno_c.table")}
    return {"apart": apart, "effect": effect, **figures, **gained}


def composition_section(value: Mapping[str, Any]) -> str:
    """A row for each scenario."""
    rows = [
        (
            f"{scenario['apart']:g}", f"HR {scenario['effect']:g}", scenario["fused"]["seeds"],
            estimate(scenario["auc"]), estimate(scenario["latent_r"], 2), estimate(scenario["uno_c.table"]),
            estimate(scenario["fused"], 4), estimate(scenario["oracle"], 4),
            estimate(percent(scenario["share"]), 0) if scenario["effect"] > 1 else "",
        )
        for scenario in value["scenarios"]
    ]  # fmt: skip
    return table(_HEADER, rows)

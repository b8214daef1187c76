"""From the streams of the study of monitoring to its table: how many were flagged, and after how many cases."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from services.trainer.metrics.bootstrap import wilson
from tests.studies.sections import table
from tests.studies.summaries import Piece


def monitoring_summary(pieces: Sequence[Piece]) -> dict[str, Any]:
    """By scenario: mean O/E, share of flagged streams with its interval, cases from the change to the flag."""
    return {"scenarios": [_scenario(piece) for piece in pieces]}


def _scenario(piece: Piece) -> dict[str, Any]:
    plan = {name: piece["plan"][name] for name in ("streams", "cases", "ratio", "changed_from")}
    alarms = [alarm for alarm in piece["value"]["alarms"] if alarm is not None]
    early = sum(alarm <= plan["changed_from"] for alarm in alarms) if plan["ratio"] != 1 else 0
    delays = sorted(alarm - plan["changed_from"] for alarm in alarms if alarm > plan["changed_from"])
    counted = len(alarms) - early
    share = wilson(counted / (plan["streams"] - early), plan["streams"] - early)
    quantiles = [_quantile(delays, plan["streams"] - early, level) for level in (0.5, 0.9)]
    return plan | {
        "o_e": float(np.mean(piece["value"]["o_e"])),
        "flagged": {"est": share.est, "lo": share.lo, "hi": share.hi},
        "before_the_change": early,
        "median_cases": quantiles[0],
        "most_cases": quantiles[1],
    }


def _quantile(delays: Sequence[int], streams: int, level: float) -> int | None:
    """Cases after which this share of all streams is flagged; None where fewer are."""
    place = int(np.ceil(level * streams)) - 1
    return delays[place] if place < len(delays) else None


def monitoring_section(value: Mapping[str, Any]) -> str:
    """A row a scenario."""
    header = ("hazard", "changed from case", "cases", "streams", "O/E at the end", "flagged", "50 % by", "90 % by")
    rows = [
        (
            "as predicted" if each["ratio"] == 1 else f"x {each['ratio']:g}",
            "" if each["ratio"] == 1 else each["changed_from"],
            each["cases"],
            each["streams"],
            f"{each['o_e']:.2f}",
            "{est:.3f} ({lo:.3f} to {hi:.3f})".format(**each["flagged"]),
            *("" if each["ratio"] == 1 else _cases(each[name]) for name in ("median_cases", "most_cases")),
        )
        for each in value["scenarios"]
    ]
    return table(header, rows)


def _cases(count: int | None) -> str:
    return "not reached" if count is None else f"{count} cases"

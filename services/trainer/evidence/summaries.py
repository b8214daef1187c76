"""From pieces to the figures of the note: means over seeds with their intervals, shares, rows of tables."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from scipy.stats import t as student

from services.trainer.cohort.cohort import Floats
from services.trainer.metrics.bootstrap import wilson

Piece = Mapping[str, Any]
_SAMPLES = 4000
_SURE = 0.95
"""Share of samples in which the oracle must gain for a share of its gain to have an interval."""


def mean_of(values: Sequence[float]) -> dict[str, Any]:
    """Mean over seeds with Student's 95 % interval; without one for a single seed."""
    found = np.array(values, np.float64)
    est = float(found.mean())
    if len(found) < 2:
        return {"est": est, "lo": None, "hi": None, "seeds": len(found)}
    half = float(student.ppf(0.975, len(found) - 1) * found.std(ddof=1) / np.sqrt(len(found)))
    return {"est": est, "lo": est - half, "hi": est + half, "seeds": len(found)}


def public(pieces: Sequence[Piece]) -> dict[str, Any]:
    """The one piece."""
    return dict(pieces[0]["value"])


def gains(pieces: Iterable[tuple[int, float, Mapping[str, Any]]]) -> dict[str, Any]:
    """By effect: each seed's gain over the table and that of the oracle, their means, and the share reached.

    `pieces` are (seed, effect, numbers of `study.measured`).
    """
    by_effect: dict[str, list[dict[str, Any]]] = {}
    for seed, effect, value in pieces:
        by_effect.setdefault(f"{effect:g}", []).append({"seed": seed, **_row(value), "draws": _draws(value)})
    return {effect: _of_effect(rows) for effect, rows in by_effect.items()}


def _row(value: Mapping[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = {name: value[name] for name in ("patients", "events", "external", "latent_r")}
    row["table_c"] = value["uno_c.table"]
    for arm in ("fused", "oracle"):
        draws = np.array(value[f"uno_c.{arm}.draws"])
        lo, hi = np.quantile(draws[np.isfinite(draws)], [0.025, 0.975])
        row[arm] = {"est": value[f"uno_c.{arm}"], "lo": float(lo), "hi": float(hi)}
        row[f"{arm}_harrell"] = value[f"harrell_c.{arm}"]
    return row


def _draws(value: Mapping[str, Any]) -> Floats:
    return np.array([value["uno_c.fused.draws"], value["uno_c.oracle.draws"]], np.float64)


def _of_effect(rows: list[dict[str, Any]]) -> dict[str, Any]:
    draws = np.stack([row.pop("draws") for row in rows])
    said: dict[str, Any] = {"rows": rows}
    for arm in ("fused", "oracle"):
        said[arm] = mean_of([row[arm]["est"] for row in rows])
        said[f"{arm}_harrell"] = mean_of([row[f"{arm}_harrell"] for row in rows])
    said["share"] = _share(rows, draws)
    return said


def _share(rows: Sequence[Mapping[str, Any]], draws: Floats) -> dict[str, Any]:
    """Mean gain over mean gain of the oracle; seeds drawn again, and the patients of each. None without such a gain."""
    rng = np.random.default_rng(3)
    seeds, count = len(rows), draws.shape[2]
    chosen = rng.integers(0, seeds, (_SAMPLES, seeds))
    again = draws[chosen, :, rng.integers(0, count, (_SAMPLES, seeds))].mean(axis=1)
    fused, best = (float(np.mean([row[arm]["est"] for row in rows])) for arm in ("fused", "oracle"))
    if best <= 0 or (again[:, 1] > 0).mean() < _SURE:
        return {"est": fused / best if best > 0 else None, "lo": None, "hi": None}
    ratio = again[again[:, 1] > 0]
    lo, hi = np.quantile(ratio[:, 0] / ratio[:, 1], [0.025, 0.975])
    return {"est": fused / best, "lo": float(lo), "hi": float(hi)}


def studies(pieces: Sequence[Piece]) -> dict[str, Any]:
    """Gains of the studies on bags."""
    return gains((piece["plan"]["seed"], piece["plan"]["effect"], piece["value"]) for piece in pieces)


def on_slides(pieces: Sequence[Piece]) -> dict[str, Any]:
    """Gains on slides of real pixels, who was refused, and coverage."""
    runs = [
        (piece["plan"]["seed"], float(effect), value)
        for piece in pieces
        for effect, value in piece["value"]["by_effect"].items()
    ]
    refused = [piece["value"]["abstentions"] for piece in pieces]
    return {
        "gains": gains(runs),
        "abstentions": abstentions(refused),
        "coverage": covered([value["coverage"] for _, _, value in runs]),
    }


def intervals(pieces: Sequence[Piece]) -> dict[str, Any]:
    """Coverage by size of the training cohort and effect, of all together, and who was refused."""
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for piece in pieces:
        plan = piece["plan"]
        slides = f"HR {plan['effect']:g} per SD" if plan["slides"] else "table alone, no effect of slides"
        groups.setdefault(f"{plan['patients']} patients, {slides}", []).append(piece["value"]["coverage"])
    seen = [piece["value"] for piece in pieces if "abstentions" in piece["value"]]
    return {
        "by_cohort": {name: covered(values) for name, values in groups.items()},
        "all": covered([piece["value"]["coverage"] for piece in pieces]),
        "abstentions": abstentions([value["abstentions"] for value in seen]),
    }


def covered(values: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """By arm and horizon: mean coverage over seeds, shares on either side, width."""
    said: dict[str, Any] = {}
    for arm in dict.fromkeys(name for value in values for name in value):
        told = [value[arm] for value in values if arm in value]
        said[arm] = {
            horizon: {
                "covered": _within_bounds(mean_of([one[horizon]["covered"] for one in told])),
                **{part: float(np.mean([one[horizon][part] for one in told])) for part in ("below", "above", "width")},
            }
            for horizon in told[0]
        }
    return said


def abstentions(values: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """By kind of stranger: how many were asked, and the shares flagged and refused."""
    said: dict[str, dict[str, Any]] = {}
    for kind in dict.fromkeys(name for value in values for name in value):
        told = [value[kind] for value in values if kind in value]
        shares = {name: _among_all(told, name) for name in ("flagged", "refused")}
        said[kind] = {"asked": sum(int(one["n"]) for one in told), **shares}
    return said


def _among_all(told: Sequence[Mapping[str, Any]], name: str) -> dict[str, Any]:
    """Of all who were asked, with Wilson's interval."""
    asked = sum(int(one["n"]) for one in told)
    return dict(wilson(sum(one["n"] * one[name] for one in told) / asked, asked).as_json())


def _within_bounds(share: dict[str, Any]) -> dict[str, Any]:
    """A mean of shares whose interval stays between 0 and 1."""
    return share | {name: None if share[name] is None else min(max(share[name], 0.0), 1.0) for name in ("lo", "hi")}


def cross_validated(pieces: Sequence[Piece]) -> dict[str, Any]:
    """By effect: the primary contrast, calibration of the fused arm and controls of each seed, and their means."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for piece in pieces:
        value, plan = piece["value"], piece["plan"]
        gain = next(one for one in value["contrasts"] if one["primary"])
        calibration = value["arms"]["fused"]["calibration"]
        row = {"seed": plan["seed"], "gain": {end: gain[end] for end in ("est", "lo", "hi")}}
        row |= {"slope": calibration["slope"], "o_e": calibration["o_e"], "controls": value["controls"]}
        groups.setdefault(f"{plan['effect']:g}", []).append(row)
    return {
        effect: {"rows": rows}
        | {name: mean_of([row[name]["est"] for row in rows]) for name in ("gain", "slope", "o_e")}
        for effect, rows in groups.items()
    }


def recovery(pieces: Sequence[Piece]) -> dict[str, Any]:
    """By whether values are missing: the table of known hazard ratios."""
    return {
        "complete" if piece["plan"]["complete"] else "with gaps": {
            "patients": piece["plan"]["patients"],
            "ratios": piece["value"],
        }
        for piece in pieces
    }

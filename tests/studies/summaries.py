"""From pieces to the figures of the note: means over seeds with their intervals, shares, rows of tables."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from scipy.stats import t as student

from services.trainer.metrics.bootstrap import wilson
from shared.arrays import Floats

Piece = Mapping[str, Any]
_SAMPLES = 4000
_SURE = 0.95
"""Share of samples in which the oracle must gain for a share of its gain to have an interval."""


def mean_of(values: Sequence[float]) -> dict[str, Any]:
    """Mean over seeds with Student's 95 % interval; without one for a single seed."""
    count, est = len(values), float(np.mean(values))
    if count < 2:
        return {"est": est, "lo": None, "hi": None, "seeds": count}
    half = float(student.ppf(0.975, count - 1) * np.std(values, ddof=1) / np.sqrt(count))
    return {"est": est, "lo": est - half, "hi": est + half, "seeds": count}


def public(pieces: Sequence[Piece]) -> dict[str, Any]:
    """The one piece."""
    return dict(pieces[0]["value"])


def gains(pieces: Iterable[tuple[int, float, Sequence[Mapping[str, Any]]]]) -> dict[str, Any]:
    """By effect: each seed's gain over the table and that of the oracle, their means, and the share of it.

    `pieces` are (seed, effect, numbers of `study.measured` for each draw of outcomes of the same patients).
    """
    by_effect: dict[str, list[dict[str, Any]]] = {}
    for seed, effect, values in pieces:
        by_effect.setdefault(f"{effect:g}", []).append({"seed": seed, **_row(values), "samples": _samples(values)})
    return {effect: _of_effect(rows) for effect, rows in by_effect.items()}


def _row(values: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Means over the draws; the interval is of the patients, each with all draws of outcomes."""
    row: dict[str, Any] = {name: values[0][name] for name in ("patients", "external")} | {"draws": len(values)}
    row |= {name: _mean(values, name) for name in ("events", "latent_r")}
    row["table_c"] = _mean(values, "uno_c.table")
    for arm, samples in zip(("fused", "oracle"), _samples(values).mean(axis=0), strict=True):
        lo, hi = np.quantile(samples[np.isfinite(samples)], [0.025, 0.975])
        row[arm] = {"est": _mean(values, f"uno_c.{arm}"), "lo": float(lo), "hi": float(hi)}
        row[f"{arm}_harrell"] = _mean(values, f"harrell_c.{arm}")
    return row


def _mean(values: Sequence[Mapping[str, Any]], name: str) -> float:
    return float(np.mean([value[name] for value in values]))


def _samples(values: Sequence[Mapping[str, Any]]) -> Floats:
    """Gains [draws, arms, samples] of patients drawn again, the same ones in every draw of outcomes."""
    return np.array([[value["uno_c.fused.draws"], value["uno_c.oracle.draws"]] for value in values], np.float64)


def _of_effect(rows: list[dict[str, Any]]) -> dict[str, Any]:
    samples = np.stack([row.pop("samples") for row in rows])
    summary: dict[str, Any] = {"rows": rows}
    for arm in ("fused", "oracle"):
        summary[arm] = mean_of([row[arm]["est"] for row in rows])
        summary[f"{arm}_harrell"] = mean_of([row[f"{arm}_harrell"] for row in rows])
    summary["share"] = _share(rows, samples)
    return summary


def _share(rows: Sequence[Mapping[str, Any]], samples: Floats) -> dict[str, Any]:
    """Mean gain over mean gain of the oracle; None for an interval where the oracle itself may gain nothing.

    Seeds are drawn again, of each its patients and its draws of outcomes: `samples` [seeds, draws, arms, samples].
    """
    rng = np.random.default_rng(3)
    seeds, draws, _, count = samples.shape
    chosen, patients = rng.integers(0, seeds, (_SAMPLES, seeds, 1)), rng.integers(0, count, (_SAMPLES, seeds, 1))
    again = samples[chosen, rng.integers(0, draws, (_SAMPLES, seeds, draws)), :, patients].mean(axis=(1, 2))
    fused, best = (float(np.mean([row[arm]["est"] for row in rows])) for arm in ("fused", "oracle"))
    if best <= 0 or (again[:, 1] > 0).mean() < _SURE:
        return {"est": fused / best if best > 0 else None, "lo": None, "hi": None}
    ratio = again[again[:, 1] > 0]
    lo, hi = np.quantile(ratio[:, 0] / ratio[:, 1], [0.025, 0.975])
    return {"est": fused / best, "lo": float(lo), "hi": float(hi)}


def on_bags(pieces: Sequence[Piece]) -> dict[str, Any]:
    """Gains of the studies on bags."""
    return gains((piece["plan"]["seed"], piece["plan"]["effect"], [piece["value"]]) for piece in pieces)


def on_slides(pieces: Sequence[Piece]) -> dict[str, Any]:
    """Gains on slides of real pixels, who was refused, and coverage; a set of slides counts once."""
    runs = [
        (piece["plan"]["seed"], float(effect), values)
        for piece in pieces
        for effect, values in piece["value"]["by_effect"].items()
    ]
    sets = [
        [value["coverage"] for values in piece["value"]["by_effect"].values() for value in values] for piece in pieces
    ]
    return {
        "gains": gains(runs),
        "abstentions": abstentions([piece["value"]["abstentions"] for piece in pieces]),
        "coverage": covered([_averaged(values) for values in sets]),
    }


def _averaged(values: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Coverage over the draws and effects of one set of slides, as of one study."""
    summary: dict[str, Any] = {}
    for arm in dict.fromkeys(name for value in values for name in value):
        values_of_arm = [value[arm] for value in values if arm in value]
        summary[arm] = {
            horizon: {part: _mean([one[horizon] for one in values_of_arm], part) for part in parts}
            for horizon, parts in values_of_arm[0].items()
        }
    return summary


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
    summary: dict[str, Any] = {}
    for arm in dict.fromkeys(name for value in values for name in value):
        values_of_arm = [value[arm] for value in values if arm in value]
        summary[arm] = {
            horizon: {
                "covered": _within_bounds(mean_of([one[horizon]["covered"] for one in values_of_arm])),
                **{
                    part: float(np.mean([one[horizon][part] for one in values_of_arm]))
                    for part in ("below", "above", "width")
                },
            }
            for horizon in values_of_arm[0]
        }
    return summary


def abstentions(values: Sequence[Mapping[str, Any]], counted: Sequence[str] = ("flagged", "refused")) -> dict[str, Any]:
    """By kind of case: how many were asked, and the shares flagged and refused."""
    summary: dict[str, dict[str, Any]] = {}
    for kind in dict.fromkeys(name for value in values for name in value):
        values_of_arm = [value[kind] for value in values if kind in value]
        shares = {name: _pooled_share(values_of_arm, name) for name in counted}
        summary[kind] = {"asked": sum(int(one["n"]) for one in values_of_arm), **shares}
    return summary


def _pooled_share(shares: Sequence[Mapping[str, Any]], name: str) -> dict[str, Any]:
    """The share of all cases, with Wilson's interval."""
    slides = sum(int(one["n"]) for one in shares)
    return asdict(wilson(sum(one["n"] * one[name] for one in shares) / slides, slides).rounded())


def stains(pieces: Sequence[Piece]) -> dict[str, Any]:
    """By stain, over all seeds: slides asked, shares flagged, left out, and left out were the colours not known.

    Stains without one slide that the planner takes for tissue are not in it.
    """
    values = [{name: one for name, one in piece["value"].items() if one["n"]} for piece in pieces]
    return abstentions(values, ("flagged", "refused", "by_embedding"))


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
        row |= {"slope": calibration["slope"], "o_e": calibration["o_e"]}
        row |= {name: value[name] for name in ("controls", "landmarks", "matched")}
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

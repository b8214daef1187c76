"""Who the patients are, how the arms do in parts of them, and what happened to high and low risk."""

from typing import Any

import numpy as np

from services.trainer.arms.registry import PRIMARY
from services.trainer.cohort.cohort import Cohort, Outcome
from services.trainer.evaluation.contrasts import baseline_of
from services.trainer.evaluation.figures import FEWER, metrics
from services.trainer.evaluation.pooled import Pooled
from services.trainer.metrics.bootstrap import Bootstrap, rounded
from services.trainer.metrics.incidence import at_risk, cumulative_incidence, incidence_draws, log_rank, survival
from shared.arrays import Flags, Floats, Ints

_LEAST = 5
"""A part with fewer events gets no figure, and a curve ends where fewer patients are still followed."""


def cohort_summary(cohort: Cohort, has_slides: Flags | None, bootstrap: Bootstrap) -> dict[str, Any]:
    """Patients, events by code with their meaning, follow-up, missing values."""
    outcome = cohort.outcome
    codes = cohort.profile.outcome.codes
    causes = cohort.profile.outcome.causes
    return {
        "name": cohort.name,
        "n": len(cohort),
        "events": {code: int((outcome.event == i).sum()) for i, code in enumerate(causes)},
        "meanings": {code: codes[code] for code in causes},
        "event_of_interest": causes[1],
        "follow_up_years": _follow_up(cohort),
        "incidence": _incidence(cohort, bootstrap),
        "sites": len(set(cohort.sites)) if all(cohort.sites) else None,
        "with_slides": int(has_slides.sum()) if has_slides is not None else 0,
        "digest": cohort.digest,
    }


def _incidence(cohort: Cohort, bootstrap: Bootstrap) -> dict[str, dict[str, float | None]]:
    """Aalen-Johansen at every horizon."""
    years = cohort.profile.horizons_years
    rows = zip(*_banded(cohort.outcome, np.array(years), bootstrap.weights[:FEWER]), strict=True)
    return {f"{at:g}y": {"est": est, "lo": lo, "hi": hi} for at, (est, lo, hi) in zip(years, rows, strict=True)}


def _follow_up(cohort: Cohort) -> dict[str, float | None]:
    """Median by reverse Kaplan-Meier, and the longest; nothing where the outcome has no times."""
    if not cohort.has_times:
        return {"median": None, "longest": None}
    outcome = cohort.outcome
    times = np.unique(outcome.time)
    free = survival(Outcome(outcome.time, (outcome.event == 0).astype(np.int64)), times)
    median = rounded(float(times[np.argmax(free <= 0.5)])) if (free <= 0.5).any() else None
    return {"median": median, "longest": rounded(float(outcome.time.max()))}


def table_one(cohort: Cohort) -> list[dict[str, Any]]:
    """Every variable: median and quartiles, or counts; and how many are missing; by whether the event happened."""
    rows = []
    for variable in cohort.profile.variables:
        values = cohort.column(variable.name)
        cells = [_cell(values[mask], variable.levels) for mask in _columns(cohort)]
        rows.append({"variable": variable.name, "unit": variable.unit, "block": variable.block, "cells": cells})
    return rows


def _columns(cohort: Cohort) -> tuple[Flags, Flags, Flags]:
    is_event = cohort.outcome.is_event
    return np.ones(len(cohort), np.bool_), is_event, ~is_event


def _cell(values: Floats, levels: tuple[str, ...]) -> dict[str, Any]:
    known = values[~np.isnan(values)]
    missing = len(values) - len(known)
    if levels:
        counts = np.bincount(known.astype(np.int64), minlength=len(levels))
        return {"missing": missing, "counts": dict(zip(levels, counts.tolist(), strict=True))}
    quartiles = [rounded(float(q), 4) for q in np.quantile(known, [0.25, 0.5, 0.75])] if len(known) else None
    return {"missing": missing, "quartiles": quartiles}


def subgroups(pooled: Pooled, bootstrap: Bootstrap) -> list[dict[str, Any]]:
    """Harrell's C of the primary arm and of its baseline in every subgroup of the profile, and in every site."""
    cohort = pooled.cohort
    named = [(name, cohort.holds(cohort.profile.expression(text))) for name, text in cohort.profile.subgroups.items()]
    if cohort.has_sites:
        named += [
            (f"site {site}", np.array([name == site for name in cohort.sites])) for site in sorted(set(cohort.sites))
        ]
    return [_row(pooled, bootstrap, name, mask) for name, mask in named]


def modalities(pooled: Pooled, bootstrap: Bootstrap, has_slides: Flags | None) -> list[dict[str, Any]]:
    """The same by known blocks: patients without a block are served by the model of the others."""
    cohort = pooled.cohort
    blocks, slides = cohort.profile.block_names, cohort.profile.slides
    known = {block: cohort.has_block(block) for block in blocks}
    if has_slides is not None and slides:
        known[slides.name] = known[slides.name] | has_slides
    patterns = sorted({tuple(bool(known[block][i]) for block in blocks) for i in range(len(cohort))}, reverse=True)
    rows = []
    for pattern in patterns:
        mask = np.logical_and.reduce([known[block] == has for block, has in zip(blocks, pattern, strict=True)])
        name = ", ".join(block for block, has in zip(blocks, pattern, strict=True) if has) or "nothing known"
        rows.append(_row(pooled, bootstrap, name, mask))
    return rows


def _row(pooled: Pooled, bootstrap: Bootstrap, name: str, mask: Flags) -> dict[str, Any]:
    events = int(pooled.cohort.outcome.is_event[mask].sum())
    row: dict[str, Any] = {"name": name, "n": int(mask.sum()), "events": events, "harrell_c": {}}
    of = metrics(pooled)["harrell_c"]
    for arm in dict.fromkeys((baseline_of(pooled), PRIMARY)):
        if arm in pooled.arms and events >= _LEAST:
            index = np.intersect1d(np.flatnonzero(mask), pooled.arms[arm].known)
            row["harrell_c"][arm] = bootstrap.figure(pooled.figure(arm, index, of)).as_json()
    return row


def risk_groups(pooled: Pooled, arm: str, bootstrap: Bootstrap) -> dict[str, Any]:
    """Cumulative incidence of those flagged in most repeats and of the others (Aalen-Johansen), and log-rank test."""
    result = pooled.arms[arm]
    high = result.flagged.mean(axis=0) > 0.5
    parts = {"low risk": np.setdiff1d(result.known, np.flatnonzero(high)), "high risk": _among(result.known, high)}
    groups = [_curve(pooled, name, index, bootstrap) for name, index in parts.items() if len(index)]
    outcome = pooled.cohort.outcome[result.known]
    p = rounded(log_rank(outcome, high[result.known].astype(np.int64))) if pooled.cohort.has_times else None
    return {"arm": arm, "groups": groups, "log_rank_p": p}


def _among(known: Ints, mask: Flags) -> Ints:
    return np.asarray(known[mask[known]], np.int64)


def _curve(pooled: Pooled, name: str, index: Ints, bootstrap: Bootstrap) -> dict[str, Any]:
    """Incidence of one group at the horizons, with intervals; its curve too, where the outcome has times."""
    outcome, horizons = pooled.cohort.outcome[index], np.array(pooled.horizons)
    draws = bootstrap.weights[:FEWER, index]
    draws = draws[draws.sum(axis=1) > 0]
    row: dict[str, Any] = {"name": name, "n": len(index), "events": int(outcome.is_event.sum())}
    at_horizons = zip(pooled.horizons, *_banded(outcome, horizons, draws), strict=True)
    row["at"] = {f"{years:g}y": {"est": est, "lo": lo, "hi": hi} for years, est, lo, hi in at_horizons}
    if not pooled.cohort.has_times or len(index) < _LEAST:
        return row
    longest = min(float(np.sort(outcome.time)[-_LEAST]), 2 * pooled.horizons[-1])
    times, years = np.linspace(0, longest, 81), np.arange(0, longest + 1e-9)
    est, lo, hi = _banded(outcome, times, draws)
    row |= {"times": [rounded(float(t)) for t in times], "incidence": est, "lo": lo, "hi": hi}
    return row | {"years": years.tolist(), "at_risk": at_risk(outcome, years).tolist()}


def _banded(outcome: Outcome, times: Floats, draws: Floats) -> tuple[list[float | None], ...]:
    """Estimate, lower and upper ends at each time."""
    ends = np.quantile(incidence_draws(outcome, times, draws), [0.025, 0.975], axis=0)
    return tuple([rounded(float(v)) for v in row] for row in (cumulative_incidence(outcome, times), *ends))

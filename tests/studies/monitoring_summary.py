"""From the streams of the study of monitoring to its table: how many were flagged, and after how many cases."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from scipy.stats import binom

from services.trainer.metrics.bootstrap import wilson
from tests.studies.criteria import NOT_RUN, Criterion, estimate
from tests.studies.sections import table
from tests.studies.summaries import Piece

_MONITORED, _FLAGGED_BY = 500, 250
"""Cases of a stream, and by which a doubled hazard is to be flagged."""


def monitoring_summary(pieces: Sequence[Piece]) -> dict[str, Any]:
    """By scenario: mean O/E, share of flagged streams with its interval, cases from the change to the flag."""
    return {"scenarios": [_scenario(piece) for piece in pieces]}


def _scenario(piece: Piece) -> dict[str, Any]:
    plan = {name: piece["plan"][name] for name in ("streams", "cases", "ratio", "changed_from", "sites")}
    alarms = [alarm for alarm in piece["value"]["alarms"] if alarm is not None]
    early = sum(alarm <= plan["changed_from"] for alarm in alarms) if plan["ratio"] != 1 else 0
    delays = sorted(alarm - plan["changed_from"] for alarm in alarms if alarm > plan["changed_from"])
    streams = plan["streams"] - early
    share = wilson((len(alarms) - early) / streams, streams)
    ends = (binom.ppf(end, streams, 0.9) for end in (0.025, 0.975))
    median, most, lo, hi = (
        _ranked(delays, int(rank)) for rank in (np.ceil(0.5 * streams), np.ceil(0.9 * streams), *ends)
    )
    return plan | {
        "o_e": float(np.mean(piece["value"]["o_e"])),
        "flagged": {"est": share.est, "lo": share.lo, "hi": share.hi},
        "before_the_change": early,
        "median_cases": median,
        "most_cases": most,
        "most_interval": [lo, hi],
    }


def _ranked(delays: Sequence[int], rank: int) -> int | None:
    """Cases after which so many streams are flagged; None where fewer are."""
    return delays[rank - 1] if rank <= len(delays) else None


def monitoring_section(value: Mapping[str, Any]) -> str:
    """A row a scenario."""
    header = (
        "hazard",
        "changed from case",
        "cases",
        "streams",
        "O/E at the end",
        "flagged",
        "50 % by",
        "90 % by (95 % interval)",
    )
    rows = [
        (
            _hazard(each),
            "" if each["ratio"] == 1 else each["changed_from"],
            each["cases"],
            each["streams"],
            f"{each['o_e']:.2f}",
            "{est:.3f} ({lo:.3f} to {hi:.3f})".format(**each["flagged"]),
            *(("", "") if each["ratio"] == 1 else (_cases(each["median_cases"]), by_cases(each))),
        )
        for each in value["scenarios"]
    ]
    return table(header, rows)


def _hazard(each: Mapping[str, Any]) -> str:
    hazard = "as predicted" if each["ratio"] == 1 else f"x {each['ratio']:g}"
    if each["sites"] == 1:
        return hazard
    return f"{hazard}, {each['sites']} sites" if each["ratio"] == 1 else f"{hazard} at one of {each['sites']} sites"


def by_cases(each: Mapping[str, Any]) -> str:
    """Cases by which nine of ten streams are flagged, with the interval of the quantile's rank."""
    if each["most_cases"] is None:
        return "not reached"
    lo, hi = each["most_interval"]
    return f"{each['most_cases']} cases ({lo} to {'more' if hi is None else hi})"


def _cases(count: int | None) -> str:
    return "not reached" if count is None else f"{count} cases"


def monitoring_criteria(value: Mapping[str, Any] | None) -> Iterator[Criterion]:
    """As stated in NOTEBOOK.md before the seeds were drawn."""
    rare = f"SIMULATED, monitoring: right risks are flagged in at most 5 % of streams of {_MONITORED} cases"
    soon = f"SIMULATED, monitoring: twice the predicted hazard is flagged by case {_FLAGGED_BY} in 90 % of streams"
    scenarios = {
        (each["ratio"], each["changed_from"], each["cases"], each["sites"]): each
        for each in (value or {"scenarios": ()})["scenarios"]
    }
    right, doubled = scenarios.get((1.0, 0, _MONITORED, 1)), scenarios.get((2.0, 0, _MONITORED, 1))
    sites, one_site = scenarios.get((1.0, 0, _MONITORED, 4)), scenarios.get((2.0, 0, _MONITORED, 4))
    if right is None or doubled is None or sites is None or one_site is None:
        yield from (Criterion(text, NOT_RUN, None) for text in (rare, soon))
        return
    yield Criterion(rare, f"{estimate(right['flagged'])}, {right['streams']} streams", right["flagged"]["est"] <= 0.05)
    latest = doubled["most_cases"]
    yield Criterion(soon, f"{by_cases(doubled)}, {doubled['streams']} streams", bool(latest and latest <= _FLAGGED_BY))
    text = "SIMULATED, monitoring: with right risks one of four sites is flagged in at most 5 % of streams"
    yield Criterion(text, f"{estimate(sites['flagged'])}, {sites['streams']} streams", sites["flagged"]["est"] <= 0.05)
    text = "SIMULATED, monitoring: twice the predicted hazard at one of four sites is flagged there, whatever it is"
    measured = (
        f"{estimate(one_site['flagged'])} of {one_site['streams']} streams of 125 cases of the site; half of them by"
    )
    yield Criterion(text, f"{measured} its case {one_site['median_cases']}", None)

"""Risks given no event until a landmark, as cross-validations report them: rows of the criteria and a section."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.studies.criteria import NOT_RUN, Criterion, estimate
from tests.studies.sections import table
from tests.studies.summaries import mean_of

Results = Mapping[str, Any]
Row = Mapping[str, Any]
_COUNTS, _FIGURES = ("arm", "event_free_years", "horizon_years", "n", "events"), ("o_e", "uno_c")
"""Of a row of a report."""
_LIMITS = (0.8, 1.2)
_SIMULATED = "SIMULATED, cross-validated bags"
_TEXT = f"risk given no event until then: observed over expected {_LIMITS[0]} to {_LIMITS[1]}"


def kept_landmarks(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """What the note quotes of the landmarks of a report, which leaves out figures of too few events."""
    return [
        {name: row[name] for name in _COUNTS} | {name: _ends(row.get(name, {})) for name in _FIGURES} for row in rows
    ]


def _ends(figure: Mapping[str, Any]) -> dict[str, Any]:
    return {end: figure.get(end) for end in ("est", "lo", "hi")}


def landmark_criteria(results: Results) -> Iterator[Criterion]:
    """Of the fused arm of SIMULATED cohorts, by landmark and horizon; and of Cavalli, reported."""
    means = _means(results)
    if not means:
        yield Criterion(f"{_SIMULATED}, {_TEXT}", NOT_RUN, None)
    for (since, until), row in means.items():
        o_e = row["o_e"]
        measured = f"{estimate(o_e, 2)} over {o_e['seeds']} seeds"
        yield Criterion(
            f"{_SIMULATED}, no event until {since:g} y, by {until:g} y, {_TEXT}",
            measured,
            _LIMITS[0] <= o_e["est"] <= _LIMITS[1],
        )
    for each in _public(results):
        text = f"Cavalli, no event until {each['event_free_years']:g} y, by {each['horizon_years']:g} y, observed over"
        yield Criterion(f"{text} expected, whatever it is", f"{estimate(each['o_e'], 2)}, {each['arm']}", None)


def landmark_section(results: Results) -> str:
    """A table of all cohorts; empty where none was measured."""
    rows = [
        ("Cavalli", row["arm"], *_times(row), row["n"], row["events"], estimate(row["o_e"], 2), estimate(row["uno_c"]))
        for row in _public(results)
    ]
    for times, row in _means(results).items():
        of = f"{_SIMULATED}, {row['o_e']['seeds']} seeds"
        rows.append((of, "fused", *times, f"{row['n']:.0f}", f"{row['events']:.0f}", *_figures(row)))
    if not rows:
        return ""
    header = ("cohort", "arm", "no event until, y", "by, y", "patients", "events", "observed over expected", "Uno's C")
    text = "As `evaluate` reports it, out of fold. Patients and events of SIMULATED cohorts are means of a cohort."
    return f"## Risk given no event until a landmark\n\n{text}\n\n{table(header, rows)}"


def _figures(row: Row) -> tuple[str, str]:
    return estimate(row["o_e"], 2), estimate(row["uno_c"])


def _times(row: Row) -> tuple[float, float]:
    return row["event_free_years"], row["horizon_years"]


def _public(results: Results) -> Sequence[Row]:
    rows: Sequence[Row] = results["cavalli"]["value"].get("landmarks", ()) if "cavalli" in results else ()
    return rows


def _means(results: Results) -> dict[tuple[float, float], dict[str, Any]]:
    """By landmark and horizon, means over seeds, each of which counts once with all its effects."""
    by_effect = results["cross-validated"]["value"].values() if "cross-validated" in results else ()
    by_time: dict[tuple[float, float], dict[int, list[Row]]] = {}
    for cohort in (row for each in by_effect for row in each["rows"]):
        for row in cohort.get("landmarks", ()):
            if row["arm"] == "fused" and row["o_e"]["est"] is not None:
                by_time.setdefault(_times(row), {}).setdefault(cohort["seed"], []).append(row)
    return {times: _mean(list(seeds.values())) for times, seeds in by_time.items()}


def _mean(seeds: Sequence[Sequence[Row]]) -> dict[str, Any]:
    cohorts = [row for rows in seeds for row in rows]
    figures = {
        name: mean_of([sum(row[name]["est"] for row in rows) / len(rows) for rows in seeds]) for name in _FIGURES
    }
    return figures | {name: sum(row[name] for row in cohorts) / len(cohorts) for name in ("n", "events")}

"""An evaluation or validation report in a few lines, for the terminal."""

from pathlib import Path
from typing import Any


def evaluation_lines(report: dict[str, Any], out: Path) -> list[str]:
    """A report in a few lines."""
    rows = [f"{'arm':<24}{'n':>6}  {'Harrell C':<22}{'Uno C':<22}O/E"]
    for name, arm in report["arms"].items():
        rows.append(
            f"{name:<24}{arm['n']:>6}  {_with_interval(arm['harrell_c']):<22}{_with_interval(arm['uno_c']):<22}"
            f"{_with_interval(arm['calibration']['o_e'])}"
        )
    rows += [f"{name}: left out, {why}" for name, why in report["absent"].items()]
    rows += report["notes"]
    if report["simulated"]:
        rows.append("SIMULATED: these patients never lived.")
    return [*rows, report["primary"], f"Report: {out / 'report.html'}"]


def _with_interval(figure: dict[str, float | None]) -> str:
    if figure["est"] is None:
        return "-"
    if figure["lo"] is None or figure["hi"] is None:
        return f"{figure['est']:.3f}"
    return f"{figure['est']:.3f} ({figure['lo']:.3f}-{figure['hi']:.3f})"

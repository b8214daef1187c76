"""report.html and figures/: one page without anything from elsewhere, that prints."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from services.trainer.report.checklist import checklist
from services.trainer.report.figures import figures
from services.trainer.report.names import arm_name, column_name, counted, events_of, metric_name, outcome_of
from services.trainer.report.plate import Plate, by_risk, direction
from shared.files import put

Said = dict[str, Any]

NOTHING = "\N{EN DASH}"
CONTENTS = (
    ("asked", "What was asked"),
    ("cohort", "Cohort"),
    ("arms", "Arms"),
    ("contrasts", "Contrasts"),
    ("calibration", "Calibration"),
    ("decision", "Decision curve"),
    ("groups", "Risk groups"),
    ("subgroups", "Subgroups"),
    ("slides", "What the slides show"),
    ("secondary", "Secondary"),
    ("controls", "Controls"),
    ("how", "How it was done"),
    ("limits", "Limits"),
    ("tripod", "TRIPOD+AI"),
)
"""Parts of the page, in order."""
_OF_A_REPORT: dict[str, Callable[..., str]] = {"column": column_name, "metric": metric_name}
"""Filters that look into the report."""


def write_page(report: Said, out: Path, plate: Plate | None = None) -> None:
    """Write report.html, with the pictures of `plate` where there is one, and the SVG figures beside it."""
    drawn = figures(report)
    folder = out / "figures"
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.svg"):
        old.unlink()
    for name, content in drawn.items():
        (folder / name).write_text(content, encoding="utf-8")
    put(out / "report.html", render(report, drawn, plate).encode())


def render(report: Said, drawn: dict[str, str], plate: Plate | None = None) -> str:
    """The page of a report."""
    loader = PackageLoader("services.trainer.report")
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"figure": said_figure, "number": said_number, "p": said_p, "direction": direction}
    environment.filters |= {"brief": said_briefly, "arm": arm_name, "variable": report["profile"]["labels"].__getitem__}
    environment.filters |= {name: partial(function, report=report) for name, function in _OF_A_REPORT.items()}
    pictures = {name.removeprefix("SIMULATED_").removesuffix(".svg"): Markup(svg) for name, svg in drawn.items()}  # noqa: S704
    css = Markup(loader.get_source(environment, "report.css")[0])  # noqa: S704
    page = environment.get_template("report.html.j2")
    contents = [(name, title) for name, title in CONTENTS if name != "slides" or report["prototypes"]]
    known = {"auc_years": _auc_years(report), "contents": contents, "css": css}
    known |= {"outcome": outcome_of(report), "events": events_of(report), "counted": counted(report)}
    known |= {"prototypes": by_risk(report["prototypes"]), "plate": plate}
    return page.render(r=report, pictures=pictures, checklist=checklist(report), limits=limits(report), **known)


def _auc_years(report: Said) -> list[str]:
    """Times at which there is an area under the curve, as in the names of the figures."""
    arm = next(iter(report["arms"].values()))
    return [name.removeprefix("auc_").removesuffix("y") for name in arm if name.startswith("auc_")]


def said_figure(figure: Said | None, digits: int = 3) -> str:
    """An estimate with its interval."""
    if figure is None or figure.get("est") is None:
        return NOTHING
    est, lo, hi = (said_number(figure[key], digits) for key in ("est", "lo", "hi"))
    return est if figure["lo"] is None else f"{est} ({lo} to {hi})"


def said_number(value: float | None, digits: int = 3) -> str:
    """A number with a true minus sign; a dash where there is none."""
    return NOTHING if value is None else f"{value:z.{digits}f}".replace("-", "\N{MINUS SIGN}")


def said_briefly(value: float) -> str:
    """A number to four digits, with a true minus sign."""
    return f"{value:.4g}".replace("-", "\N{MINUS SIGN}")


def said_p(value: float | None) -> str:
    """A p-value."""
    return NOTHING if value is None else "< 0.001" if value < 0.001 else f"{value:.3f}"


def limits(report: Said) -> list[str]:
    """What a reader must know before believing a figure."""
    notes = [f"{events_of(report)} events of interest: {_precision(report)}."]
    if report["simulated"]:
        notes.insert(0, "SIMULATED: the patients never lived. The page proves the procedure and says nothing clinical.")
    if report["kind"] == "evaluate":
        notes.append(
            "Cross-validation within one cohort: another hospital's scanners, stains and patients may do worse."
        )
    if report.get("grouped_by") == "patient" and report["cohort"]["sites"]:
        notes.append("Folds are by patient, not by site: run again with --by-site to test on sites never seen.")
    if report["absent"]:
        notes.append(
            "Arms that could not be asked: "
            + "; ".join(f"{arm_name(arm)} ({why})" for arm, why in report["absent"].items())
            + "."
        )
    notes.append("Intervals are percentile bootstrap over patients with models as fitted: they leave out refitting.")
    return [*notes, *(f"{note[0].upper()}{note[1:]}." for note in report["notes"])]


def _precision(report: Said) -> str:
    """How small a gain the primary contrast could show."""
    primary = next((contrast for contrast in report["contrasts"] if contrast["primary"]), None)
    if primary is None or primary["lo"] is None:
        return "they give the primary contrast no interval, so no gain can be told from noise"
    half = (primary["hi"] - primary["lo"]) / 2
    return (
        f"the 95 % interval of the primary contrast reaches {half:.3f} to either side, so that a difference in "
        f"{metric_name(primary['metric'], report)} much smaller than this may be noise"
    )

"""report.html and figures/: one page without anything from elsewhere, that prints."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from services.trainer.metrics.bootstrap import NO_FIGURE
from services.trainer.recalibration_method import METHOD_WORDS
from services.trainer.report.block_gains import block_gains
from services.trainer.report.case_mix import case_mix_rows
from services.trainer.report.checklist import checklist
from services.trainer.report.decision_words import decision_words
from services.trainer.report.figures import figures
from services.trainer.report.names import (
    column_name,
    counted,
    events_of,
    evidence,
    metric_name,
    outcome_of,
    shown_arm,
    shown_blocks,
)
from services.trainer.report.numbers import shown_briefly, shown_figure, shown_number, shown_p
from services.trainer.report.plate import Plate, by_risk
from services.trainer.report.reading import GUIDE_PAGE, GUIDE_PATH, reading
from services.trainer.report_model.equation import FORMULA, precise
from services.trainer.report_model.report import Report
from shared.files import put

CONTENTS = (
    ("reading", "How to read it"),
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
    ("equation", "Model equation"),
    ("how", "How it was done"),
    ("limits", "Limits"),
    ("tripod", "TRIPOD+AI"),
)
"""Parts of the page, in order."""
_TEMPLATES = PackageLoader(str(__package__))
_OF_A_REPORT: dict[str, Callable[..., str]] = {
    "arm": shown_arm,
    "blocks": shown_blocks,
    "column": column_name,
    "metric": metric_name,
}
"""Filters that look into the report."""


def write_page(report: Report, out: Path, plate: Plate | None = None) -> None:
    """Write report.html, with the pictures of `plate` where there is one, and the SVG figures beside it."""
    drawn = figures(report)
    folder = out / "figures"
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.svg"):
        old.unlink()
    for name, content in drawn.items():
        (folder / name).write_text(content, encoding="utf-8")
    put(out / "report.html", render(report, drawn, plate).encode())


def render(report: Report, drawn: dict[str, str], plate: Plate | None = None) -> str:
    """The page of a report."""
    environment = _environment(report)
    pictures = {name.removeprefix("SIMULATED_").removesuffix(".svg"): Markup(svg) for name, svg in drawn.items()}  # noqa: S704
    page = environment.get_template("report.html.j2")
    prototypes = by_risk(report.prototypes)
    return page.render(r=report, pictures=pictures, plate=plate, prototypes=prototypes, **_content(report))


def _environment(report: Report) -> Environment:
    """Templates with the filters that they use."""
    environment = Environment(
        loader=_TEMPLATES, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"figure": shown_figure, "number": shown_number, "p": shown_p}
    environment.filters |= {"precise": precise, "brief": shown_briefly, "variable": report.profile.labels.__getitem__}
    environment.filters |= {name: partial(function, report=report) for name, function in _OF_A_REPORT.items()}
    environment.globals["css"] = Markup(_TEMPLATES.get_source(environment, "report.css")[0])  # noqa: S704
    return environment


def _content(report: Report) -> dict[str, object]:
    """What the page says beside the report's own entries, by the templates' names."""
    equations = report.external_validation.equations if report.external_validation else ()
    absent = {"slides": not report.prototypes, "equation": not equations}
    return {
        "contents": [(name, title) for name, title in CONTENTS if not absent.get(name)],
        "reading": reading(report),
        "guide_page": GUIDE_PAGE,
        "guide_path": GUIDE_PATH,
        "outcome": outcome_of(report),
        "events": events_of(report),
        "counted": counted(report),
        "evidence": evidence(report),
        "case_mix": case_mix_rows(report),
        "block_gains": block_gains(report),
        "decision_words": decision_words(report),
        "equations": equations,
        "formula": FORMULA,
        "recalibration_words": METHOD_WORDS,
        "limits": limits(report),
        "checklist": checklist(report),
    }


def limits(report: Report) -> list[str]:
    """What a reader must know before believing a figure."""
    notes = [f"{events_of(report)} events of interest: {_precision(report)}."]
    if report.simulated:
        notes.insert(0, "SIMULATED: the patients never lived. The page proves the procedure and says nothing clinical.")
    if report.cross_validation:
        notes.append(
            "Cross-validation within one cohort: another hospital's scanners, stains and patients may do worse."
        )
    if report.cross_validation and report.cross_validation.grouped_by == "patient" and report.cohort.sites:
        notes.append("Folds are by patient, not by site: run again with --by-site to test on sites never seen.")
    if report.absent:
        notes.append(
            "Arms that could not be asked: "
            + "; ".join(f"{shown_arm(arm, report)} ({why})" for arm, why in report.absent.items())
            + "."
        )
    notes.append(_refitting(report))
    return [*notes, *(f"{note[0].upper()}{note[1:]}." for note in report.notes)]


def _refitting(report: Report) -> str:
    intervals = "Intervals are percentile bootstrap over patients with models as fitted: they leave out refitting"
    evaluated = report.cross_validation
    if evaluated is None:
        return f"{intervals}."
    if evaluated.optimism:
        return f"{intervals}, which the table of the optimism has in it."
    return f"{intervals}; run again with --optimism 100 for models that are refitted in bootstrap cohorts."


def _precision(report: Report) -> str:
    """How small a gain the primary contrast could show; without one, how wide the interval of the order is."""
    primary = report.primary_contrast
    if primary is None:
        return _precision_of_order(report)
    if primary.gain.lo is None or primary.gain.hi is None:
        return "they give the primary contrast no interval, so a gain cannot be distinguished from noise"
    half = (primary.gain.hi - primary.gain.lo) / 2
    return (
        f"the 95 % interval of the primary contrast reaches {half:.3f} to either side, so that a difference in "
        f"{metric_name(primary.metric, report)} much smaller than this may be noise"
    )


def _precision_of_order(report: Report) -> str:
    name = report.secondary.b
    figure = report.arms[name].uno_c if name in report.arms else NO_FIGURE
    if figure.lo is None or figure.hi is None:
        return "no interval could be estimated"
    what = f"{metric_name('uno_c', report)} of {shown_arm(name, report)}"
    return f"the 95 % interval of {what} reaches from {figure.lo:.2f} to {figure.hi:.2f}"

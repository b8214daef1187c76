"""What the pages of a score say: texts and numbers, bounded so that they fit two pages."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from medulla.v1.scorer_pb2 import Contribution, EventFreeRisk, HorizonRisk, IncidenceCurve, MissingVariable, Score

from shared.export import risk_text, score_text
from shared.export.case_texts import caveats, label, notices, states_clear
from shared.export.exported_case import ExportedCase
from shared.export.pdf.slide_picture import SlidePicture, slide_pictures

_CAVEATS, _CONTRIBUTIONS, _MISSING, _READINGS, _INPUTS = 6, 9, 4, 3, 5
"""Most lines of each kind."""
_HYPHEN_MINUS = re.compile(r"^-(?=\d)")
_LONG_WORD = re.compile(r"\S{25}")
_SENTENCE, _READING, _NAME, _VALUE = 280, 140, 40, 24
"""Most characters of a sentence, a reading, a name and a value."""


@dataclass(frozen=True, slots=True)
class Span:
    """A risk with its interval, shares of one, and in words."""

    title: str
    risk: float
    lo: float
    hi: float
    level: float
    shown: str
    shown_interval: str


@dataclass(frozen=True, slots=True)
class Curve:
    """Cumulative incidence over years with its band; lists of the same length."""

    years: list[float]
    risk: list[float]
    lo: list[float]
    hi: list[float]
    alt: str


@dataclass(frozen=True, slots=True)
class Share:
    """What one variable adds to the log-risk."""

    title: str
    value: str
    log_hazard: float


@dataclass(frozen=True, slots=True)
class Content:
    """Everything on the pages, in their order."""

    title: str
    about: str
    notices: list[str]
    simulated: bool
    caveats: list[str]
    risks: list[Span]
    group: str
    group_rule: str
    comparisons: list[str]
    event_free: list[Span]
    curve: Curve | None
    shares: list[Share]
    more_shares: str
    missing: list[Span]
    more_missing: str
    readings: list[str]
    slides: list[SlidePicture]
    provenance: list[tuple[str, str]]
    score_id: str


def content(case: ExportedCase) -> Content:
    """The content of a score's pages.

    Raises:
        BrokenMapError: a stored map or thumbnail is damaged.
    """
    score = case.score
    return Content(
        title=f"Risk of recurrence, case {score.case_id}",
        about=_about(case),
        notices=list(notices(score)),
        simulated=score.simulated,
        caveats=_few(caveats(score), _CAVEATS, _SENTENCE),
        risks=[] if score.abstained else _risks(score),
        group=risk_text.group(score) if states_clear(score) else "",
        group_rule=score_text.sentence(score.risk_group_rule) if score.risk_group_rule else "",
        comparisons=[] if score.abstained else _comparisons(score),
        event_free=[_event_free(risk) for risk in score.event_free_risks],
        curve=_curve(score),
        shares=[_share(item) for item in _largest(score)],
        more_shares=_more(len(score.contributions), _CONTRIBUTIONS),
        missing=[_missing(item) for item in risk_text.missing_variables(score)[:_MISSING]],
        more_missing=_more(len(score.missing_variables), _MISSING),
        readings=_few(map(score_text.reading, score.readings), _READINGS, _READING),
        slides=slide_pictures(case),
        provenance=_provenance(score),
        score_id=score.score_id,
    )


def _about(case: ExportedCase) -> str:
    provenance = case.score.provenance
    model = f"model “{score_text.model(case.score)}” of bundle {provenance.bundle_name}"
    return f"{case.dated:%Y-%m-%d %H:%M} UTC · Medulla {provenance.program_version} · {model}"


def _risks(score: Score) -> list[Span]:
    titled = ((f"within {risk.horizon_years:g} years", risk) for risk in score.risks)
    return [_span(title, risk) for title, risk in titled]


def _event_free(risk: EventFreeRisk) -> Span:
    title = f"no event until year {risk.event_free_years:g}: relapse by year {risk.horizon_years:g}"
    return _span(title, risk)


def _span(title: str, risk: HorizonRisk | EventFreeRisk) -> Span:
    shown = risk_text.percent(risk.risk)
    return Span(title, risk.risk, risk.lo, risk.hi, risk.level, shown, risk_text.spread(risk))


def _comparisons(score: Score) -> list[str]:
    log_risk = f"Log-risk higher than that of {score.percentile:.0f} of 100 patients of the training cohort."
    lines = (risk_text.cohort(score), log_risk, risk_text.record_only(score), risk_text.rule(score))
    return [_short(line, _SENTENCE) for line in lines if line]


def _curve(score: Score) -> Curve | None:
    if score.abstained or not score.HasField("incidence") or not score.incidence.years:
        return None
    drawn = score.incidence
    return Curve(list(drawn.years), list(drawn.risk), list(drawn.lo), list(drawn.hi), _described(drawn))


def _described(drawn: IncidenceCurve) -> str:
    """The curve in words: the risk at its end, and at each whole year."""
    points = list(zip(drawn.years, drawn.risk, strict=True))
    yearly = ", ".join(f"{year:g} years: {risk_text.percent(risk)}" for year, risk in points if year and year % 1 == 0)
    (last, risk), start = points[-1], "Cumulative incidence of relapse with its band, rising to"
    return f"{start} {risk_text.percent(risk)} at {last:.3g} years. {yearly}"


def _largest(score: Score) -> list[Contribution]:
    return sorted(score.contributions, key=lambda item: -abs(item.log_hazard))[:_CONTRIBUTIONS]


def _share(item: Contribution) -> Share:
    value = _HYPHEN_MINUS.sub("\N{MINUS SIGN}", item.value)
    return Share(_short(label(item), _NAME), _short(value, _VALUE), item.log_hazard)


def _missing(item: MissingVariable) -> Span:
    name = _short(label(item), _NAME)
    title = f"{name}: from {_short(item.lo_value, _VALUE)} to {_short(item.hi_value, _VALUE)}"
    return Span(title, item.lo, item.lo, item.hi, 0.0, "", risk_text.spread(item))


def _provenance(score: Score) -> list[tuple[str, str]]:
    provenance = score.provenance
    slides = ((f"slide {slide.slide_id}", slide.slide_digest) for slide in provenance.slides)
    vectors = ((f"vector {vector.block}", vector.digest) for vector in provenance.vectors)
    inputs: Sequence[tuple[str, str]] = [*slides, *vectors]
    more = [("and", f"{len(inputs) - _INPUTS} more, in the score")] if len(inputs) > _INPUTS else []
    return [
        ("score", score.score_id),
        (f"bundle {provenance.bundle_name}", provenance.bundle_digest),
        (f"encoder {provenance.encoder_name or 'none'}", provenance.encoder_digest),
        ("clinical record", provenance.clinical_digest or "none"),
        *inputs[:_INPUTS],
        *more,
    ]


def _few(lines: Iterable[str], most: int, longest: int) -> list[str]:
    """The first lines, and how many more there are."""
    listed = [_short(line, longest) for line in lines]
    return [*listed[:most], *filter(None, [_more(len(listed), most)])]


def _more(count: int, most: int) -> str:
    """How many of a kind do not fit; empty where all do."""
    return f"And {count - most} more, in the score." if count > most else ""


def _short(text: str, most: int) -> str:
    """The start of a text, with places where a long word may be broken."""
    shortened = text if len(text) <= most else f"{text[: most - 1]}…"
    return _LONG_WORD.sub("\\g<0>\u200b", shortened)

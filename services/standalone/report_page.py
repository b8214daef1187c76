"""A score as one self-contained HTML page that a reader can file or print."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from medulla.v1.scorer_pb2 import Contribution, Score, SlideEvidence

from services.standalone.curve_picture import curve_picture
from shared.export import composition_text, prototype_text, quality_text, risk_text, score_text

_TEMPLATES: Final = Path(__file__).parent / "templates"
LARGEST_RATIO: Final = 8
"""Hazard ratio at the right end of the scale of contributions; its inverse is at the left."""


@dataclass(frozen=True, slots=True)
class SlidePage:
    """What the report shows of one slide; pictures are `data:` addresses."""

    evidence: SlideEvidence
    thumbnail: str = ""
    """Empty if none is stored, as of imported features."""
    attention: str = ""
    """Empty if the model used no slide, or there is no thumbnail."""
    legend: str = ""
    top_tiles: Sequence[str] = ()
    """Empty if the model had no preference among the tiles, or the slide is not at hand."""
    has_preference: bool = False
    """Whether the model preferred some tiles to others."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One contribution, drawn from the middle of a scale: offset and width in percent of it."""

    contribution: Contribution
    offset: float
    width: float
    beyond: bool
    """Past the end of the scale, where an arrow stands."""


def render(score: Score, slides: Sequence[SlidePage]) -> str:
    """HTML of a score, without any address outside the page itself."""
    environment = Environment(loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined)
    page = environment.get_template("report.html.j2")
    return page.render(
        score=score,
        slides=slides,
        bars=bars(score.contributions),
        curve=curve_picture(score) if score.HasField("incidence") else None,
        composition_text=composition_text,
        prototype_text=prototype_text,
        quality_text=quality_text,
        score_text=score_text,
        risk_text=risk_text,
    )


def bars(contributions: Sequence[Contribution]) -> list[Bar]:
    """Contributions, largest first, on one scale for all cases."""
    return [_bar(item) for item in sorted(contributions, key=lambda item: -abs(item.log_hazard))]


def _bar(contribution: Contribution) -> Bar:
    share = abs(contribution.log_hazard) / math.log(LARGEST_RATIO)
    width = 50 * min(1.0, share)
    return Bar(contribution, 50.0 if contribution.log_hazard >= 0 else 50.0 - width, width, share > 1)

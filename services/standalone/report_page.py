"""A score as one self-contained HTML page that a reader can file or print."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from medulla.v1.scorer_pb2 import Contribution, Score, SlideEvidence

from shared.export import score_text

_TEMPLATES: Final = Path(__file__).parent / "templates"
_LEDGER: Final = ("ok", "background", "pen", "blurred", "corrupt")


@dataclass(frozen=True, slots=True)
class SlidePage:
    """What the report shows of one slide; pictures are `data:` addresses."""

    evidence: SlideEvidence
    thumbnail: str
    attention: str
    """Empty if the model used no slide."""
    legend: str
    top_tiles: Sequence[str]
    """Empty if the model had no preference among the tiles."""

    @property
    def ledger(self) -> list[tuple[str, int]]:
        """Number of places of the grid by verdict."""
        return [(name, getattr(self.evidence.ledger, name)) for name in _LEDGER]


@dataclass(frozen=True, slots=True)
class Bar:
    """One contribution, drawn from the middle of a scale: offset and width in percent of it."""

    contribution: Contribution
    offset: float
    width: float


def render(score: Score, slides: Sequence[SlidePage]) -> str:
    """HTML of a score, without any address outside the page itself."""
    environment = Environment(loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined)
    page = environment.get_template("report.html.j2")
    return page.render(score=score, slides=slides, bars=bars(score.contributions), score_text=score_text)


def bars(contributions: Sequence[Contribution]) -> list[Bar]:
    """Contributions, largest first, scaled so that the largest fills half the scale."""
    largest = max((abs(c.log_hazard) for c in contributions), default=0.0) or 1.0
    ordered = sorted(contributions, key=lambda c: -abs(c.log_hazard))
    return [_bar(c, 50 * abs(c.log_hazard) / largest) for c in ordered]


def _bar(contribution: Contribution, width: float) -> Bar:
    return Bar(contribution, 50.0 if contribution.log_hazard >= 0 else 50.0 - width, width)

"""Poison beside good slides: no process stops, and good slides are hardly slower."""

import statistics

from shared.bus import topics
from shared.bus.port import Record
from tests.chaos.landing import seconds_to_score
from tests.chaos.row import Row
from tests.chaos.size import Size
from tests.support import slides
from tests.support.system import System

_TOPICS = (topics.S3_EVENTS, topics.SLIDES_TILED, topics.SLIDES_EMBEDDED, topics.CASES_RESCORE, topics.CASES_SCORED)
_MESSAGES = (b"", b"\xff\x00 this is no event", b"{}", b"[" * 5000, b"x" * 500_000)
_SLOWER = 1.10
_PATIENCE_S = 600.0


def run(system: System, seed: int, size: Size) -> list[Row]:
    """The 95th percentile of slide put to score, with one poisonous slide in twenty and poison on every topic."""
    alone, with_poison = [], []
    for number in range(size.good_beside_poison):
        alone.append(seconds_to_score(system, f"CHAOS-clean-{number}", _PATIENCE_S))
        _poison(system, number)
        with_poison.append(seconds_to_score(system, f"CHAOS-beside-{number}", _PATIENCE_S))
    down = [name for name, service in system.services.items() if not service.program.alive]
    ratio = _p95(with_poison) / _p95(alone)
    figure = f"{ratio:.2f} times ({_p95(with_poison):.2f} against {_p95(alone):.2f} s)"
    return [
        Row("Poison stops no process", f"stopped: {', '.join(down) or 'none'}", not down, seed, size.name),
        Row(
            "Beside poison the p95 of good slides is at most 1.10 times that without",
            figure,
            ratio <= _SLOWER,
            seed,
            size.name,
        ),
    ]


def _poison(system: System, number: int) -> None:
    message = _MESSAGES[number % len(_MESSAGES)]
    system.send(*(Record(topic, f"CHAOS-poison-{number}", message) for topic in _TOPICS))
    system.land_slide(f"CHAOS-broken-{number}", slides.truncated(number % 19 / 20))


def _p95(seconds: list[float]) -> float:
    return statistics.quantiles(seconds, n=20, method="inclusive")[-1]

"""The curve of cumulative incidence as the points of a picture."""

from collections.abc import Iterable
from dataclasses import dataclass

from medulla.v1.scorer_pb2 import Score

WIDTH, HEIGHT = 600.0, 200.0


@dataclass(frozen=True, slots=True)
class CurvePicture:
    """Points of a line and of the band around it, in a frame of WIDTH by HEIGHT; risk 0 is at the bottom."""

    line: str
    band: str
    years: tuple[tuple[int, float], ...]
    """Whole years and where they stand from the left."""


def curve_picture(score: Score) -> CurvePicture:
    """The picture of a score's curve, with all of probability as its height."""
    curve = score.incidence
    last = curve.years[-1]
    band = [*zip(curve.years, curve.hi, strict=True), *reversed(list(zip(curve.years, curve.lo, strict=True)))]
    return CurvePicture(
        line=_points(zip(curve.years, curve.risk, strict=True), last),
        band=_points(band, last),
        years=tuple((year, WIDTH * year / last) for year in range(int(last) + 1)),
    )


def _points(values: Iterable[tuple[float, float]], last: float) -> str:
    return " ".join(f"{WIDTH * years / last:.1f},{HEIGHT * (1 - risk):.1f}" for years, risk in values)

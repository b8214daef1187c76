"""Risks of a case as messages: at the horizons, over time, and given that there was no event until some time."""

from collections.abc import Iterator

from medulla.v1.scorer_pb2 import EventFreeRisk, HorizonRisk, IncidenceCurve

from shared.model.course import Course
from shared.model.prediction import ArmPrediction


def horizon_risks(prediction: ArmPrediction) -> Iterator[HorizonRisk]:
    """The risk of the one case by each horizon."""
    rows = zip(prediction.horizons_years, prediction.risk[0], prediction.lo[0], prediction.hi[0], strict=True)
    for years, risk, lo, hi in rows:
        yield HorizonRisk(horizon_years=years, risk=risk, lo=lo, hi=hi, level=prediction.level)


def incidence(course: Course) -> IncidenceCurve:
    """The curve of the one case."""
    band = course.incidence
    return IncidenceCurve(years=course.years, risk=band.risk[0], lo=band.lo[0], hi=band.hi[0], level=course.level)


def event_free_risks(course: Course) -> Iterator[EventFreeRisk]:
    """The conditional risks of the one case."""
    band = course.event_free
    rows = zip(course.event_free_years, course.horizons_years, band.risk[0], band.lo[0], band.hi[0], strict=True)
    for since, until, risk, lo, hi in rows:
        yield EventFreeRisk(event_free_years=since, horizon_years=until, risk=risk, lo=lo, hi=hi, level=course.level)

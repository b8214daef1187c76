"""What of a bundle is fitted anew when it is recalibrated."""

from enum import StrEnum


class Method(StrEnum):
    """What is fitted anew; all else of a bundle stays."""

    LEVEL = "level"
    SLOPE = "level_and_slope"
    BASELINE = "baseline"


METHOD_WORDS = {
    Method.LEVEL: "the level of the risks (an intercept on the scale of the log cumulative hazard)",
    Method.SLOPE: "level and slope of the risks (on the scale of the log cumulative hazard)",
    Method.BASELINE: "the baseline hazards of every cause, with the weights as they were",
}

"""What goes with more of something, in words."""

from math import isnan


def association(lo: float, hi: float) -> str:
    """What an interval of a hazard ratio shows, as it is written with two decimals; NaN where it is undefined."""
    if isnan(lo) or isnan(hi):
        return "association with risk not known"
    if round(lo, 2) > 1:
        return "goes with higher risk"
    return "goes with lower risk" if round(hi, 2) < 1 else "no clear association with risk"

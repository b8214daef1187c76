"""Arms against each other: contrasts, and secondary figures of the primary one."""

from typing import Annotated

from services.trainer.metrics.bootstrap import Contrast, Figure
from services.trainer.report_model.entry import Entry, Inline


class ArmContrast(Entry):
    """One arm less another on the same patients."""

    a: str
    b: str
    metric: str
    gain: Annotated[Contrast, Inline.of(Contrast)]
    p_holm: float | None
    """Adjusted for all contrasts but the primary one; None of that one."""
    primary: bool


class MatchedRates(Entry):
    """Sensitivity or specificity of two arms where the other rate is held; the contrast of `metric` compares them."""

    a: str
    b: str
    metric: str
    horizon_years: float
    held: Figure
    of_a: Figure
    of_b: Figure


class Moved(Entry):
    """Of 100 patients, how many `a` calls high that `b` calls low (up), and the reverse, by who has the event."""

    a: str
    b: str
    horizon_years: float
    up_with_event: Figure
    up_without: Figure
    down_with_event: Figure
    down_without: Figure


class Reclassification(Entry):
    """The primary arm against its baseline, by patients' risks and ranks at the first horizon."""

    n: int
    continuous_nri: Figure
    idi: Figure
    delong_auc: Contrast


class FineGrayFigures(Entry):
    """Hazard ratios of one standard deviation of an arm's log-risk."""

    arm: str
    n: int
    competing: int
    """Patients with a competing event."""
    cause_specific: Figure
    subdistribution: Figure


class Secondary(Entry):
    """Secondary figures of the primary arm `a` and its baseline `b`."""

    a: str
    b: str
    horizon_years: float
    reclassification: Annotated[Reclassification | None, Inline.of(Reclassification)] = None
    """None where one of both arms is absent."""
    fine_gray: FineGrayFigures | None
    """None without times."""

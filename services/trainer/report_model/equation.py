"""A model as an equation that a reader can compute a risk by: TRIPOD+AI, item 22."""

from services.trainer.report_model.entry import Entry

FORMULA = (
    "For each cause k, L_k is its constant plus the sum of weight times value over the rows. At each time t of the "
    "table of baseline hazards, from the first on, D_k is exp(L_k) times the rise of H_k since the time before (H_k "
    "starts from 0), D is the sum of the D_k, and A the sum of D at all earlier times. That time adds exp(-A) times "
    "D_1 / D times (1 - exp(-D)) to the risk; the risk by a horizon is the sum up to it."
)
DIGITS = 7
"""Significant digits of its numbers."""


def precise(value: float) -> str:
    """A number of the equation with all its digits."""
    return f"{value:.{DIGITS}g}"


class EquationTerm(Entry):
    """A row of the equation: how a value becomes a number, and its weight in the log hazard of each cause."""

    column: str
    value: str
    """How the value is read, with its unit."""
    missing: float
    """The number that stands for a value that is not known."""
    weights: tuple[float, ...]
    """By cause, for one unit of the number."""


class EquationRecalibration(Entry):
    """Intercept and slope on the log(-log(1 - risk)) scale at one horizon."""

    horizon_years: float
    intercept: float
    slope: float

    @property
    def sentence(self) -> str:
        """What is done last."""
        inside = f"{precise(self.intercept)} + {precise(self.slope)} log(-log(1 - r))"
        return f"Last, a risk r by {self.horizon_years:g} years becomes 1 - exp(-exp({inside}))."


class ModelEquation(Entry):
    """One model: cause-specific log hazards, and cumulative baseline hazards at the times of its grid."""

    arm: str
    causes: tuple[str, ...]
    """The event of interest first, then what competes."""
    constants: tuple[float, ...]
    """By cause."""
    terms: tuple[EquationTerm, ...]
    times_years: tuple[float, ...]
    baselines: tuple[tuple[float, ...], ...]
    """By cause, at each time."""
    recalibrations: tuple[EquationRecalibration, ...] = ()

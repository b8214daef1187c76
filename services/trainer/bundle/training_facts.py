"""training.json: what a validation needs beside the arms, and digests that identify the training cases."""

from typing import Any

from pydantic import Field

from services.trainer.arms.tabular import Tabular
from services.trainer.report_model.development import Development
from shared.model.arm import Arm
from shared.model.profile import Profile
from shared.model.variable import Frozen
from shared.model.vector import Vector, significant

TRAINING = "training.json"
_DIGITS = 7


class RuleArm(Arm):
    """The calibrated rule, with what only its training knows; see `Tabular`."""

    reference: float
    horizon: int
    ridge: float

    @classmethod
    def of(cls, model: Tabular) -> "RuleArm":
        """The rule's fitted model."""
        return cls(**dict(model.arm), reference=model.reference, horizon=model.horizon, ridge=model.ridge)

    @property
    def model(self) -> Tabular:
        """The model, to be asked again."""
        return Tabular(self, self.reference, self.horizon, self.ridge)


class TrainingFacts(Frozen):
    """What was known when a bundle was trained."""

    profile: Profile
    """The whole profile; that of bundle.json states what scoring needs."""
    trained_on: dict[str, tuple[str, ...]]
    """Digests of patients, slides, tiles and rows, by kind."""
    recalibrated_on: tuple[dict[str, tuple[str, ...]], ...] = ()
    """The same digests of each cohort that the bundle was recalibrated on."""
    thresholds: dict[str, float]
    """By arm."""
    average: Vector
    """[m], the cohort's cumulative incidence on the time grid."""
    reference: float
    """Log of the cohort's cumulative hazard at the horizon; log-risks are against it."""
    horizon: int = Field(ge=0)
    """Place of the first horizon in the time grid."""
    rule: RuleArm | None = None
    development: Development | None = None
    """Counts of the training cohort; None in bundles of older programs."""

    @property
    def seen(self) -> tuple[dict[str, tuple[str, ...]], ...]:
        """Digests of all cohorts that anything of the bundle was fitted on."""
        return (self.trained_on, *self.recalibrated_on)

    def as_json(self) -> dict[str, Any]:
        """The file's content, numbers at 7 significant digits."""
        content = self.model_dump(mode="json", exclude={"rule"}) | {"rule": self.rule.as_json() if self.rule else None}
        result: dict[str, Any] = significant(content, _DIGITS)
        return result

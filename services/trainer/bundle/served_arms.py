"""The arms of a bundle: late fusion for every pattern of what may be known, with refits, and the trees."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from services.trainer.arms.arm import Patients
from services.trainer.arms.columns import fit_columns
from services.trainer.arms.hazards import Prediction
from services.trainer.arms.registry import PRIMARY
from services.trainer.arms.ridge_cox import LEAST_EVENTS, fit_patterns
from services.trainer.arms.scored import Scored, fit_scored
from services.trainer.arms.tabular import Tabular
from services.trainer.arms.trees import Trees, fit_trees
from services.trainer.bundle.nested import Nested
from services.trainer.bundle.refits import ArmFit, draw_refits
from shared.arrays import Floats, Ints
from shared.model.arm import Arm
from shared.model.column import Column, design_matrix
from shared.model.hazards import Cause, Fit, TreesHazard, linear_cause
from shared.model.pattern import Pattern
from shared.model.profile import Profile

TREES_FILE = "lightgbm.txt"
_LONGEST = 59
"""Characters of an arm's name that a file name holds."""


@dataclass(frozen=True, eq=False)
class ServedArm:
    """A model for one pattern of known blocks, its patients, and predictions by models fitted without them."""

    name: str
    pattern: Pattern
    model: Tabular
    refits: tuple[Fit, ...]
    members: Ints
    design: Floats
    """[members, p]"""
    out_of_fold: Prediction

    @property
    def fit(self) -> ArmFit:
        """What its refits are made from."""
        return ArmFit(self.model, self.members, self.design)

    @property
    def arm(self) -> Arm:
        """The arm as the bundle holds it, refits included."""
        return self.model.arm.model_copy(update={"refits": self.refits})


def served_arms(
    patients: Patients, out_of_fold: Nested, refits: int, agreements: Mapping[str, float] | None = None
) -> list[ServedArm]:
    """Fit every pattern that has enough events, the one that knows most first.

    `out_of_fold` predicts patients by models that were fitted without them, by pattern; `agreements` are those of
    `draw_refits`.
    """
    arms = list(_fitted(patients, out_of_fold))
    refitted = draw_refits([arm.fit for arm in arms], patients, agreements or {}, refits)
    return [replace(arm, refits=fits) for arm, fits in zip(arms, refitted, strict=True)]


def _fitted(patients: Patients, out_of_fold: Nested) -> Iterator[ServedArm]:
    for pattern, model in fit_patterns(patients, out_of_fold, patients.inner_folds()):
        members = np.flatnonzero(patients.has_blocks(pattern))
        training = patients.take(members)
        design = design_matrix(model.arm.columns, training.case_values)
        yield ServedArm(
            arm_name(patients.cohort.profile, pattern),
            pattern,
            model,
            (),
            members,
            design,
            out_of_fold[pattern].take(members),
        )


def arm_name(profile: Profile, pattern: Pattern) -> str:
    """Name of a bundle's arm; that of every block is the primary one."""
    return PRIMARY if pattern == set(profile.block_names) else profile.arm_name(pattern)


def arm_file(name: str, place: int) -> str:
    """Name of an arm's file in a bundle; one of many blocks is called by its place among the arms."""
    return f"{name}.json" if len(name) <= _LONGEST else f"arm-{place}.json"


@dataclass(frozen=True, eq=False)
class ServedTrees:
    """The trees, their columns, and the Cox model of their score."""

    columns: tuple[Column, ...]
    trees: Trees
    scored: Scored
    members: Ints

    @property
    def arm(self) -> Arm:
        """The arm as the bundle holds it: the event of interest by the trees, what competes by its baseline alone."""
        calibration = self.scored.model.arm
        column, event = calibration.columns[0], calibration.fit.event
        hazard = TreesHazard(file=TREES_FILE, centre=column.mean, scale=float(event.coefficients[0]) / column.scale)
        average = np.zeros(len(self.columns))
        fit = Fit(
            event=Cause(log_hazard=hazard, baseline=event.baseline),
            competing=tuple(linear_cause(average, cause.baseline) for cause in calibration.fit.competing),
        )
        return Arm(columns=self.columns, times_years=calibration.times_years, fit=fit)


def served_trees(patients: Patients) -> ServedTrees | None:
    """LightGBM on the variables of the record; None where too few patients have every block of it."""
    blocks = patients.cohort.profile.record_blocks
    members = np.flatnonzero(patients.has_blocks(blocks))
    training = patients.take(members)
    if training.cohort.outcome.is_event.sum() < 2 * LEAST_EVENTS:
        return None
    columns = fit_columns(training.case_values, training.cohort.profile.of_blocks(blocks))
    x = design_matrix(columns, training.case_values)
    trees = fit_trees(x, training.cohort.outcome, training.inner_folds(), training.seed)

    def score(new: Patients) -> Floats:
        return trees.score(design_matrix(columns, new.case_values))

    scored = fit_scored(training, trees.out_of_fold, score)
    return ServedTrees(columns, trees, scored, members)


def by_name(arms: list[ServedArm]) -> Mapping[str, ServedArm]:
    """Arms by name."""
    return {arm.name: arm for arm in arms}

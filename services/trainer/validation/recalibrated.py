"""A bundle whose risks are set right on another cohort: shifted, also stretched, or with new baseline hazards."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from services.trainer.arms.arm import Patients
from services.trainer.bundle.served import ServedBundle
from services.trainer.cohort.cohort import Outcome
from services.trainer.errors import UnusableCohortError
from services.trainer.metrics import calibration
from services.trainer.recalibration_method import Method
from services.trainer.validation.new_baseline import moved_risk, with_new_baselines
from shared.arrays import Floats
from shared.model.arm import Arm
from shared.model.calibration import Calibration, Recalibration, recalibrated
from shared.model.thresholds import GroupRule, Thresholds

LEAST_EVENTS = 10
"""Fewer events by a horizon do not tell a slope."""
Move = Callable[[Floats], Floats]
"""Risks by the first horizon as they were to risks as they are now."""


@dataclass(frozen=True, eq=False)
class MovedArm:
    """A model as it is now, its recalibration by horizon, and where its limits go."""

    arm: Arm
    horizons: Mapping[str, Recalibration]
    move: Move


@dataclass(frozen=True, eq=False)
class Recalibrator:
    """Makes the same bundle with risks set right on some patients; its models of few events follow that of most."""

    served: ServedBundle
    method: Method
    years: tuple[float, ...]
    """Horizons that the patients' follow-up reaches, the bundle's first one first."""

    def __call__(self, patients: Patients) -> ServedBundle:
        """The bundle as it is after recalibration.

        Raises:
            UnusableCohortError: the patients have too few events, or do not tell a level, or a slope above 0.
        """
        arms = self.served.bundle.manifest.arms
        members = {arm.name: np.flatnonzero(patients.has_blocks(arm.blocks)) for arm in arms}
        events = {name: _events(patients.cohort.outcome[index], self.years[0]) for name, index in members.items()}
        largest = max(events, key=events.__getitem__)
        if events[largest] < LEAST_EVENTS:
            what = f"{events[largest]} events by {self.years[0]:g} years among the patients of one model"
            raise UnusableCohortError(f"{what}; {LEAST_EVENTS} are needed to recalibrate it")
        source = {name: name if count >= LEAST_EVENTS else largest for name, count in events.items()}
        moved = {arm.name: self._moved(arm.name, source, patients.take(members[source[arm.name]])) for arm in arms}
        return _with(self.served, moved)

    def _moved(self, name: str, source: Mapping[str, str], fitted: Patients) -> MovedArm:
        """A model by what the patients `fitted` show of its source: itself, or the model of most events."""
        bundle, years = self.served.bundle, self.served.profile.horizons_years
        arm, before = bundle.arms[name], {at: bundle.calibration.of(name, at) for at in years}
        if self.method is Method.BASELINE and source[name] == name:
            new = with_new_baselines(arm, fitted, bundle.trees, self.years[-1])
            raw = moved_risk(arm, new, years[0])
            return MovedArm(new, {}, lambda risk: raw(_undone(risk, before[years[0]])))
        lines = self._lines(source[name], fitted)
        first, last = lines[self.years[0]], list(lines.values())[-1]
        horizons = {f"{at:g}": _after(before[at], lines.get(at, last)) for at in years}
        return MovedArm(arm, horizons, lambda risk: recalibrated(risk, first.intercept, first.slope))

    def _lines(self, name: str, fitted: Patients) -> dict[float, Recalibration]:
        """Intercept and slope at each horizon that has enough events, of a model's risks as they are served."""
        outcome, times, lines = fitted.cohort.outcome, self.served.bundle.arms[name].times_years, {}
        risk = self.served.model(name).predict(fitted.case_values).risk
        for years in (at for at in self.years if _events(outcome, at) >= LEAST_EVENTS):
            place = int(np.searchsorted(times, years - 1e-9))
            lines[years] = _line(outcome, risk[:, place], years, slope=self.method is Method.SLOPE)
        return lines


def _line(outcome: Outcome, risk: Floats, years: float, *, slope: bool) -> Recalibration:
    a, b = calibration.line(outcome, risk, years, slope=slope)
    if (a, b) == (0.0, 1.0) or b <= 0:
        what = "the slope is not above 0" if b <= 0 else "these patients do not tell it"
        raise UnusableCohortError(f"risks by {years:g} years cannot be recalibrated: {what}")
    return Recalibration(intercept=a, slope=b)


def _events(outcome: Outcome, years: float) -> int:
    return int((outcome.is_event & (outcome.time <= years)).sum())


def _undone(risk: Floats, before: Recalibration) -> Floats:
    return recalibrated(risk, -before.intercept / before.slope, 1 / before.slope)


def _after(before: Recalibration, line: Recalibration) -> Recalibration:
    """One line after another on the same scale."""
    return Recalibration(intercept=line.intercept + line.slope * before.intercept, slope=line.slope * before.slope)


def _with(served: ServedBundle, moved: Mapping[str, MovedArm]) -> ServedBundle:
    """The bundle with its models, recalibrations and limits as they are now."""
    old, training = served.bundle, served.training
    horizons = {name: dict(each.horizons) for name, each in moved.items() if each.horizons}
    rules = {name: _limits(rule, moved[name].move) for name, rule in old.thresholds.arms.items()}
    thresholds = {
        name: _at(limit, moved[name].move) if name in moved else limit for name, limit in training.thresholds.items()
    }
    risks = {
        name: of.model_copy(update={"quantiles": tuple(moved[name].move(np.array(of.quantiles)).tolist())})
        for name, of in old.reference.risk.items()
    }
    bundle = replace(
        old,
        arms={name: moved[name].arm for name in old.arms},
        calibration=Calibration(arms=horizons),
        thresholds=Thresholds(arms=rules),
        reference=old.reference.model_copy(update={"risk": risks}),
    )
    return ServedBundle(bundle, training.model_copy(update={"thresholds": thresholds}))


def _limits(rule: GroupRule, move: Move) -> GroupRule:
    groups = tuple(
        group if group.below is None else group.model_copy(update={"below": _at(group.below, move)})
        for group in rule.groups
    )
    basis = f"{rule.basis}; the limit was moved with the risks when they were recalibrated"
    return rule.model_copy(update={"groups": groups, "basis": basis})


def _at(limit: float, move: Move) -> float:
    return float(move(np.array([limit]))[0])

"""Ridge Cox on blocks of variables, with a model for every pattern of blocks that a patient may lack."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from services.trainer.arms.arm import Fitted, Patients
from services.trainer.arms.hazards import Prediction
from services.trainer.arms.null import constant
from services.trainer.arms.tabular import PENALTIES, Recipe, Tabular, fit_tabular
from services.trainer.metrics.incidence import cumulative_incidence
from shared.arrays import Floats, Ints

Pattern = frozenset[str]

LEAST_EVENTS = 5
"""A pattern with fewer events among its training patients has no model."""


@dataclass(frozen=True, eq=False)
class ByPattern:
    """A model for each pattern of known blocks; who has none of them gets the average."""

    models: Mapping[Pattern, Tabular]
    average: Floats
    blocks: tuple[str, ...]
    out_of_fold: Prediction

    def predict(self, patients: Patients) -> Prediction:
        """Each patient by the model of all blocks that are known of them."""
        return _predict(self.models, self.average, self.blocks, patients)


class RidgeCox:
    """Cause-specific ridge Cox on `blocks`; a missing value within a block is imputed, a missing block never is."""

    name: str
    title: str
    blocks: tuple[str, ...]

    def unavailable_reason(self, patients: Patients) -> str | None:
        """Every block must be known of enough patients."""
        return next((why for why in (too_few(patients, block) for block in self.blocks) if why), None)

    def fit(self, train: Patients) -> Fitted:
        """Choose each pattern's ridge by inner cross-validation, fit, and predict each inner fold by the others."""
        folds = train.inner_folds()
        models = dict(fit_patterns(train, self.blocks, folds))
        found = Prediction.nothing(len(train), len(train.grid))
        for fold in np.unique(folds):
            kept, left = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
            part = dict(fit_patterns(train.take(kept), self.blocks, folds[kept], models))
            average = cumulative_incidence(train.cohort.outcome[kept], train.grid)
            found.fill(left, _predict(part, average, self.blocks, train.take(left)))
        average = cumulative_incidence(train.cohort.outcome, train.grid)
        return ByPattern(models, average, self.blocks, found)


def too_few(patients: Patients, block: str) -> str | None:
    """Why a block is known of too few patients to be learned from; None where it is not."""
    events = int(patients.cohort.outcome.is_event[patients.has_block(block)].sum())
    if events >= LEAST_EVENTS:
        return None
    if block == "pathomic" and patients.slides is None and not patients.has_block(block).any():
        return "no slides were given, and the table has no ready-made pathomic column"
    what = "slides or ready-made pathomic columns" if block == "pathomic" else f"{block} variables"
    return f"{what} are known of too few patients: {events} events among them, {LEAST_EVENTS} are needed"


def fit_patterns(
    train: Patients, blocks: tuple[str, ...], folds: Ints, known: Mapping[Pattern, Tabular] | None = None
) -> Iterator[tuple[Pattern, Tabular]]:
    """A model of every pattern that has enough events; with the ridge of `known` models where they are given."""
    for pattern in patterns(blocks):
        has = train.has_blocks(pattern)
        if int(train.cohort.outcome.is_event[has].sum()) < LEAST_EVENTS:
            continue
        part = train.take(np.flatnonzero(has))
        penalties = (known[pattern].ridge,) if known and pattern in known else PENALTIES
        recipe = recipe_of(train, pattern, penalties)
        yield pattern, fit_tabular(recipe, part.case_values, part.cohort.outcome, folds[has])


def recipe_of(train: Patients, pattern: Pattern, penalties: tuple[float, ...] = PENALTIES) -> Recipe:
    """What the model of a pattern is made of."""
    return Recipe(train.cohort.profile.of_blocks(pattern), train.grid, train.horizon, penalties)


def patterns(blocks: tuple[str, ...]) -> list[Pattern]:
    """All choices of blocks, the largest first."""
    return [frozenset(some) for size in range(len(blocks), 0, -1) for some in combinations(blocks, size)]


def _predict(
    models: Mapping[Pattern, Tabular], average: Floats, blocks: tuple[str, ...], patients: Patients
) -> Prediction:
    found = constant(average, len(patients))
    left = np.ones(len(patients), np.bool_)
    known = {block: patients.has_block(block) for block in blocks}
    for pattern in patterns(blocks):
        mine = np.flatnonzero(left & np.logical_and.reduce([known[block] for block in pattern]))
        if pattern in models and len(mine):
            part = patients.take(mine)
            found.fill(mine, models[pattern].predict(part.case_values))
            left[mine] = False
    return found

"""Ridge Cox on blocks of variables, with a model for every pattern of blocks that a patient may lack."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from services.trainer.arms.arm import Fitted, Patients
from services.trainer.arms.hazards import Prediction
from services.trainer.arms.null import constant
from services.trainer.arms.tabular import PENALTIES, Recipe, Tabular, fit_tabular
from services.trainer.metrics.incidence import cumulative_incidence
from shared.arrays import Floats, Ints
from shared.model.block import PATHOMIC
from shared.model.pattern import Pattern, patterns, serving

LEAST_EVENTS = 5
"""A pattern with fewer events among its training patients has no model."""


@dataclass(frozen=True, eq=False)
class ByPattern:
    """A model for each pattern of known blocks; patients with no known block get the cohort average."""

    models: Mapping[Pattern, Tabular]
    average: Floats
    blocks: tuple[str, ...]
    out_of_fold: Prediction

    def predict(self, patients: Patients) -> Prediction:
        """Each patient by the model of the largest pattern of blocks that are known of them."""
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
        out_of_fold = Prediction.nothing(len(train), len(train.grid))
        for fold in np.unique(folds):
            kept, held_out = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
            fold_models = dict(fit_patterns(train.take(kept), self.blocks, folds[kept], models))
            average = cumulative_incidence(train.cohort.outcome[kept], train.grid)
            out_of_fold.fill(held_out, _predict(fold_models, average, self.blocks, train.take(held_out)))
        average = cumulative_incidence(train.cohort.outcome, train.grid)
        return ByPattern(models, average, self.blocks, out_of_fold)


def too_few(patients: Patients, block: str) -> str | None:
    """Why a block is known of too few patients to be learned from; None where it is not."""
    events = int(patients.cohort.outcome.is_event[patients.has_block(block)].sum())
    if events >= LEAST_EVENTS:
        return None
    if block == PATHOMIC and patients.slides is None and not patients.has_block(block).any():
        return "no slides were given, and the table has no ready-made pathomic column"
    what = "slides or ready-made pathomic columns" if block == PATHOMIC else f"{block} variables"
    return f"{what} are known of too few patients: {events} events among them, {LEAST_EVENTS} are needed"


def fit_patterns(
    train: Patients, blocks: tuple[str, ...], folds: Ints, known: Mapping[Pattern, Tabular] | None = None
) -> Iterator[tuple[Pattern, Tabular]]:
    """A model of every pattern that has enough events; with the ridge of `known` models where they are given."""
    for pattern in patterns(blocks):
        has = train.has_blocks(pattern)
        if int(train.cohort.outcome.is_event[has].sum()) < LEAST_EVENTS:
            continue
        members = train.take(np.flatnonzero(has))
        penalties = (known[pattern].ridge,) if known and pattern in known else PENALTIES
        recipe = recipe_of(train, pattern, penalties)
        yield pattern, fit_tabular(recipe, members.case_values, members.cohort.outcome, folds[has])


def recipe_of(train: Patients, pattern: Pattern, penalties: tuple[float, ...] = PENALTIES) -> Recipe:
    """What the model of a pattern is made of."""
    return Recipe(train.cohort.profile.of_blocks(pattern), train.grid, train.horizon, penalties)


def _predict(
    models: Mapping[Pattern, Tabular], average: Floats, blocks: tuple[str, ...], patients: Patients
) -> Prediction:
    predictions = constant(average, len(patients))
    offered = [pattern for pattern in patterns(blocks) if pattern in models]
    places = serving(offered, patients.case_values)
    for place, pattern in enumerate(offered):
        index = np.flatnonzero(places == place)
        if len(index):
            predictions.fill(index, models[pattern].predict(patients.take(index).case_values))
    return predictions

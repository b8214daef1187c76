"""Ridge Cox models of patterns of known blocks; each patient is predicted by the largest that they can be."""

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from services.trainer.arms.arm import Patients
from services.trainer.arms.columns import fit_columns
from services.trainer.arms.hazards import Prediction
from services.trainer.arms.null import constant
from services.trainer.arms.tabular import PENALTIES, Recipe, Tabular, fit_tabular
from shared.arrays import Floats, Ints
from shared.model.pattern import Pattern, model_patterns, occurring, serving

LEAST_EVENTS = 5
"""A pattern with fewer events among its training patients has no model."""


@dataclass(frozen=True, eq=False)
class ByPattern:
    """A model for each pattern of known blocks; patients with no known block get the cohort average."""

    models: Mapping[Pattern, Tabular]
    """In the order of `patterns_of`."""
    average: Floats
    """[m], of the training cohort."""
    out_of_fold: Prediction

    def predict(self, patients: Patients) -> Prediction:
        """Each patient by the first model whose blocks are all known of them."""
        predictions = constant(self.average, len(patients))
        offered = tuple(self.models)
        places = serving(offered, patients.case_values)
        for place, pattern in enumerate(offered):
            index = np.flatnonzero(places == place)
            if len(index):
                predictions.fill(index, self.models[pattern].predict(patients.take(index).case_values))
        return predictions


def patterns_of(train: Patients, blocks: Iterable[str]) -> list[Pattern]:
    """Patterns of `blocks` that models are fitted for, the largest first; see `model_patterns`.

    A block without weight is in no pattern beside others: its patients, who are fewer, would have a model of the others
    alone that was fitted on fewer patients. By itself it comes last, for patients of whom nothing else is known.
    """
    profile, chosen = train.cohort.profile, set(blocks)
    alone = blocks_without_weight(train, chosen)
    ordered = [name for name in profile.block_names if name in chosen and name not in alone]
    patterns = model_patterns(ordered, occurring(ordered, train.case_values), profile.record_blocks)
    return patterns + [frozenset({name}) for name in alone if train.has_block(name).any()]


def blocks_without_weight(train: Patients, blocks: Container[str]) -> tuple[str, ...]:
    """Those of `blocks`, of slides or vectors, in which all training patients are equal: no model weighs them."""
    evidence = (block.name for block in train.cohort.profile.evidence_blocks if block.name in blocks)
    return tuple(name for name in evidence if not _differs(train, name))


def _differs(train: Patients, block: str) -> bool:
    """Whether some column of a block tells patients apart."""
    members = train.take(np.flatnonzero(train.has_block(block)))
    return bool(fit_columns(members.case_values, train.cohort.profile.of_blocks({block})))


def fit_patterns(
    train: Patients, patterns: Iterable[Pattern], folds: Ints, known: Mapping[Pattern, Tabular] | None = None
) -> Iterator[tuple[Pattern, Tabular]]:
    """A model of every pattern that has enough events; with the ridge of `known` models where they are given."""
    for pattern in patterns:
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

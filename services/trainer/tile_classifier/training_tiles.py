"""The tiles that a classifier learns from: weight of each, and folds of whole patients."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from services.trainer.cohort.embeddings import Features
from services.trainer.cohort.vector_table import CASE, SIMULATED, SITE
from services.trainer.errors import BadTilesError
from services.trainer.folds import grouped_folds
from services.trainer.tile_classifier.labels import LabelledTiles
from shared.arrays import Flags, Floats, Ints
from shared.words import counted

FEWEST_PATIENTS = 2
"""Of a class."""
_MOST = 200
"""Tiles of a patient and class that a fit sees."""


@dataclass(frozen=True, eq=False)
class TrainingTiles:
    """Features, classes and patients of tiles [n], as a fit reads them."""

    features: Features
    label: Ints
    patients: Sequence[str]
    classes: int

    @property
    def weight(self) -> Floats:
        """[n], mean 1: classes count alike, and within a class patients do."""
        group = self._group
        tiles = np.bincount(group)[group]
        patients = np.bincount(self.label[np.unique(group, return_index=True)[1]], minlength=self.classes)[self.label]
        weight = 1.0 / (tiles * patients)
        return np.asarray(weight / weight.mean(), np.float64)

    def take(self, index: Flags | Ints) -> "TrainingTiles":
        """The tiles of an index."""
        patients = np.array(self.patients, np.str_)[index].tolist()
        return replace(self, features=self.features[index], label=self.label[index], patients=patients)

    def thinned(self, seed: int) -> "TrainingTiles":
        """At most 200 tiles of each patient and class, drawn."""
        order = np.random.default_rng([seed, 59]).permutation(len(self.label))
        group = self._group[order]
        by_group = np.argsort(group, kind="stable")
        starts = np.r_[0, np.flatnonzero(np.diff(group[by_group])) + 1]
        rank = np.arange(len(group)) - np.repeat(starts, np.diff(np.r_[starts, len(group)]))
        return self.take(np.sort(order[by_group[rank < _MOST]]))

    @property
    def splittable(self) -> bool:
        """Whether every class has two patients."""
        return bool((self._patients_by_class() >= FEWEST_PATIENTS).all())

    def folds(self, most: int, seed: int) -> Ints:
        """Folds [n] of whole patients that leave tiles of every class; one patient a fold where larger folds do not.

        Raises:
            BadTilesError: a class has one patient.
        """
        whole, names = set(self.label.tolist()), set(self.patients)
        for count in sorted({min(most, len(names)), len(names)}):
            fold = grouped_folds(self.patients, self.label, count, np.random.default_rng([seed, 61]))
            fold = np.unique(fold, return_inverse=True)[1]
            parts = range(int(fold.max()) + 1)
            if len(parts) > 1 and all(set(self.label[fold != k].tolist()) == whole for k in parts):
                return np.asarray(fold, np.int64)
        raise BadTilesError("whichever patients are left out, a class has no tiles left to learn from")

    def _patients_by_class(self) -> Ints:
        pairs = set(zip(self.label.tolist(), self.patients, strict=True))
        return np.bincount([label for label, _ in pairs], minlength=self.classes).astype(np.int64)

    @property
    def _group(self) -> Ints:
        """Number [n] of patient and class together."""
        patient = np.unique(np.array(self.patients, np.str_), return_inverse=True)[1]
        return np.asarray(self.label * (int(patient.max()) + 1) + patient, np.int64)


def training_tiles(tiles: LabelledTiles) -> TrainingTiles:
    """Check that classes can be learned, and that patients can be left out.

    Raises:
        BadTilesError: there are fewer than two classes, or than two patients of one; or a name of a class is taken.
    """
    if len(tiles.classes) < 2:
        raise BadTilesError(
            f"all tiles are of one class, {tiles.classes[0]}, and two are needed to tell anything apart"
        )
    taken = [name for name in tiles.classes if name in (CASE, SITE, SIMULATED)]
    if taken:
        raise BadTilesError(f"a class is called {taken[0]}, the name of a column of every table of vectors")
    for index, name in enumerate(tiles.classes):
        patients = {patient for patient, label in zip(tiles.patients, tiles.label, strict=True) if label == index}
        if len(patients) < FEWEST_PATIENTS:
            held = counted(len(patients), "patient")
            raise BadTilesError(f"class {name} has tiles of {held}; two are needed, so that one can be left out")
    return TrainingTiles(tiles.features, tiles.label, tiles.patients, len(tiles.classes))

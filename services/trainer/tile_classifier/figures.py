"""Discrimination and calibration of classes on patients who were left out; intervals by resampling patients."""

from dataclasses import dataclass

import numpy as np

from services.trainer.metrics.bootstrap import FEWER, Bootstrap
from services.trainer.metrics.statistic import Mean, Ratio, divide
from services.trainer.tile_classifier.classifier import ClassFigures, Figures
from services.trainer.tile_classifier.labels import LabelledTiles
from shared.arrays import Flags, Floats, Ints


@dataclass(frozen=True, eq=False)
class Auc:
    """Probability that a tile of the class has a higher score than one of another class; ties count half."""

    score: Floats
    """[n]."""
    is_class: Flags
    patient: Ints
    """[n] number of the patient, whose weight is that of the tile."""

    def __call__(self, weights: Floats) -> Floats:
        """See Statistic."""
        _, rank = np.unique(self.score, return_inverse=True)
        sums = [self._sums(weights, rank, chosen) for chosen in (self.is_class, ~self.is_class)]
        inside, outside = sums
        below = np.cumsum(outside, axis=1) - outside / 2
        return divide((inside * below).sum(axis=1), inside.sum(axis=1) * outside.sum(axis=1))

    def _sums(self, weights: Floats, rank: Ints, chosen: Flags) -> Floats:
        """Weight [b, ranks] of the chosen tiles of each score."""
        sums = np.zeros((len(weights), int(rank.max()) + 1))
        np.add.at(sums.T, rank[chosen], weights.T[self.patient[chosen]])
        return sums


@dataclass(frozen=True, eq=False)
class Overconfidence:
    """Mean of what is expected less what is right, each class counting alike."""

    excess: tuple[Ratio, ...]
    """By class: sum of the difference, and number of tiles, by patient."""

    def __call__(self, weights: Floats) -> Floats:
        """See Statistic; classes that a sample lacks do not count."""
        values = np.array([ratio(weights) for ratio in self.excess])
        known = np.isfinite(values)
        return divide(np.where(known, values, 0.0).sum(axis=0), known.sum(axis=0).astype(np.float64))


def figures(tiles: LabelledTiles, probabilities: Floats, seed: int) -> Figures:
    """Figures of probabilities [n, classes] that were predicted for patients left out."""
    names = sorted(set(tiles.patients))
    patient = np.array([names.index(name) for name in tiles.patients], np.int64)
    draws = Bootstrap.of(len(names), seed, FEWER)
    chosen = probabilities.argmax(axis=1)
    right, excess = chosen == tiles.label, probabilities.max(axis=1) - (chosen == tiles.label)

    def share(value: Floats | Flags, among: Flags) -> Ratio:
        return Ratio(_by_patient(value * among, patient), _by_patient(among, patient))

    classes, sensitivities = [], []
    for index, name in enumerate(tiles.classes):
        own = tiles.label == index
        sensitivities.append(share(right, own))
        row = ClassFigures(
            name=name,
            patients=len(set(patient[own].tolist())),
            tiles=int(own.sum()),
            auc=draws.figure(Auc(probabilities[:, index], own, patient)).rounded(4),
            sensitivity=draws.figure(sensitivities[-1]).rounded(4),
            precision=draws.figure(share(right, chosen == index)).rounded(4),
        )
        classes.append(row)
    over = Overconfidence(tuple(share(excess, tiles.label == index) for index in range(len(tiles.classes))))
    return Figures(
        classes=tuple(classes),
        balanced_accuracy=draws.figure(Mean(sensitivities)).rounded(4),
        overconfidence=draws.figure(over).rounded(4),
        confusion=_confusion(tiles.label, chosen, len(tiles.classes)),
    )


def _by_patient(value: Floats | Flags, patient: Ints) -> Floats:
    return np.asarray(np.bincount(patient, np.asarray(value, np.float64)), np.float64)


def _confusion(label: Ints, chosen: Ints, classes: int) -> tuple[tuple[int, ...], ...]:
    counts = np.bincount(label * classes + chosen, minlength=classes**2).reshape(classes, classes)
    return tuple(tuple(row) for row in counts.tolist())

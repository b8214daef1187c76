"""Fits a classifier of tiles: ridge logistic regression, patients whole across folds, temperature set out of fold."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from scipy.optimize import minimize_scalar
from sklearn.linear_model import LogisticRegression

from services.trainer.cohort.embeddings import Embeddings
from services.trainer.cohort.leaks import check_within
from services.trainer.simulation.simulate import ENCODER_NAME
from services.trainer.tile_classifier.classifier import (
    Figures,
    LinearModels,
    Manifest,
    TileClassifier,
    case_digest,
    weights_bytes,
)
from services.trainer.tile_classifier.figures import figures
from services.trainer.tile_classifier.labels import LabelledTiles
from services.trainer.tile_classifier.prevalence import prevalence
from services.trainer.tile_classifier.training_tiles import TrainingTiles, training_tiles
from shared.arrays import Flags, Floats, Ints
from shared.canonical import sha256
from shared.model.tile_classifier import softmax
from shared.progress import Advance

FOLDS = 5
_INNER_FOLDS = 3
PENALTIES = (0.0003, 0.003, 0.03, 0.3)
"""Inverse strengths of the ridge that are tried, on standardised features and weights of mean 1."""
_SAMPLED = 256
"""Tiles of each case by which the prevalence of classes is estimated."""
_TEMPERATURES = (-2.0, 4.0)
"""Bounds of the logarithm."""


def fit_classifier(tiles: LabelledTiles, embeddings: Embeddings, seed: int, advance: Advance) -> TileClassifier:
    """Fit on all patients, and once without each fold: for figures, temperature, and the composition of patients.

    Raises:
        BadTilesError: there are fewer than two classes, or than two patients of one.
        LeakError: two patients share a slide.
    """
    training = training_tiles(tiles)
    check_within(sorted(set(tiles.patients)), embeddings)
    fold = training.folds(FOLDS, seed)
    kept = [np.ones(len(fold), np.bool_), *(fold != k for k in range(int(fold.max()) + 1))]
    fits, penalties = [], []
    for done, inside in enumerate(kept, 1):
        subset = training.take(inside)
        penalties.append(choose_penalty(subset, seed))
        fits.append(fit_linear(subset, penalties[-1], seed))
        advance(done, len(kept))
    raw = LinearModels(np.stack([fit[0] for fit in fits]), np.stack([fit[1] for fit in fits]), np.ones(len(fits)))
    scores = out_of_fold(raw, training, fold)
    temperatures = [_temperature(scores[inside], training.take(inside)) for inside in kept]
    models = replace(raw, temperature=np.array(temperatures))
    probabilities = softmax(scores / models.temperature[fold + 1][:, None])
    own = figures(tiles, probabilities, seed)
    return TileClassifier(_manifest(tiles, embeddings, models, fold, own, penalties[0], seed), models)


def choose_penalty(tiles: TrainingTiles, seed: int) -> float:
    """The inverse strength of the ridge with the smallest loss on patients left out."""
    if not tiles.splittable:
        return PENALTIES[1]
    fold = tiles.folds(_INNER_FOLDS, seed)
    losses = [sum(_loss_left_out(tiles, fold == k, penalty, seed) for k in np.unique(fold)) for penalty in PENALTIES]
    return PENALTIES[int(np.argmin(losses))]


def fit_linear(tiles: TrainingTiles, penalty: float, seed: int) -> tuple[Floats, Floats]:
    """Coefficients [classes, d] and intercept [classes] of raw features."""
    kept = tiles.thinned(seed)
    mean = kept.features.mean(axis=0, dtype=np.float64)
    scale = np.maximum(kept.features.std(axis=0, dtype=np.float64), 1e-6)
    model = LogisticRegression(C=penalty, max_iter=2000)
    model.fit((kept.features - mean) / scale, kept.label, sample_weight=kept.weight)
    slope, base = np.asarray(model.coef_, np.float64), np.asarray(model.intercept_, np.float64)
    if len(slope) == 1:
        slope, base = np.stack([np.zeros_like(slope[0]), slope[0]]), np.array([0.0, base[0]])
    coefficients = slope / scale
    return coefficients, base - coefficients @ mean


def out_of_fold(models: LinearModels, tiles: TrainingTiles, fold: Ints) -> Floats:
    """Scores [n, classes] of each tile by the model that has not seen its patient."""
    scores = np.zeros((len(fold), tiles.classes))
    for k in np.unique(fold):
        scores[fold == k] = models[int(k) + 1].scores(tiles.features[fold == k])
    return scores


def _temperature(scores: Floats, tiles: TrainingTiles) -> float:
    """The divisor of scores with the smallest loss. Guo et al., ICML 2017."""
    best = minimize_scalar(lambda log: _loss(scores / np.exp(log), tiles), bounds=_TEMPERATURES, method="bounded")
    return float(np.exp(best.x))


def _loss(scores: Floats, tiles: TrainingTiles) -> float:
    """Sum of weighted negative log-likelihoods."""
    own = softmax(scores)[np.arange(len(scores)), tiles.label]
    return float(-(tiles.weight * np.log(np.maximum(own, 1e-12))).sum())


def _loss_left_out(tiles: TrainingTiles, tested: Flags, penalty: float, seed: int) -> float:
    coefficients, intercept = fit_linear(tiles.take(~tested), penalty, seed)
    test = tiles.take(tested)
    return _loss(np.asarray(test.features @ coefficients.T + intercept, np.float64), test)


def _prevalence(models: LinearModels, fold_of: Mapping[str, int], embeddings: Embeddings) -> list[float]:
    cases = [case for case in sorted(embeddings.by_case) if embeddings.tiles(case)]
    probabilities = [
        models[fold_of.get(case_digest(case), -1) + 1].probabilities(embeddings.bag(case, _SAMPLED)) for case in cases
    ]
    return [round(share, 6) for share in prevalence(np.concatenate(probabilities))]


def _manifest(
    tiles: LabelledTiles,
    embeddings: Embeddings,
    models: LinearModels,
    fold: Ints,
    own_figures: Figures,
    penalty: float,
    seed: int,
) -> Manifest:
    fold_of = {case_digest(name): int(k) for name, k in sorted(zip(tiles.patients, fold.tolist(), strict=True))}
    return Manifest(
        classes=tiles.classes,
        encoder_name=embeddings.encoder_name,
        encoder_digest=embeddings.encoder_digest,
        dim=embeddings.width,
        tile_px=tiles.size.px,
        tile_um=tiles.size.um,
        simulated=embeddings.encoder_name == ENCODER_NAME,
        patients=len(set(tiles.patients)),
        tiles=len(tiles.label),
        tiles_digest=tiles.digest,
        seed=seed,
        penalty=penalty,
        prevalence=tuple(_prevalence(models, fold_of, embeddings)),
        fold_of=fold_of,
        figures=own_figures,
        notes=tiles.notes,
        weights_digest=sha256(weights_bytes(models)),
    )

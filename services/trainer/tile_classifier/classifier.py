"""The classifier as it is stored: softmax of linear scores of an encoder's features, JSON and safetensors alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError
from safetensors.numpy import load

from services.trainer.cohort.embeddings import Embeddings, Features
from services.trainer.errors import BadClassifierError, OtherEncoderError
from services.trainer.metrics.bootstrap import Figure
from shared.arrays import Floats
from shared.bounded_file import read_bounded
from shared.canonical import canonical_json, digest_of, sha256
from shared.files import put
from shared.model.manifest import EncoderRef
from shared.model.tile_classifier import MOST_CLASSES, BundleClassifier, LinearClassifier, adjusted
from shared.tensors import encode_tensors

MANIFEST = "classifier.json"
WEIGHTS = "weights.safetensors"
_MOST_BYTES = 256 * 2**20
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Frozen(BaseModel):
    """Strict and immutable."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class ClassFigures(Frozen):
    """One class in numbers; figures are of patients left out of the fit, with intervals over patients."""

    name: str
    patients: int
    tiles: int
    auc: Figure
    """Against all other classes."""
    sensitivity: Figure
    """Share of its tiles that are called so."""
    precision: Figure
    """Share of the tiles that are called so that are of it."""


class Figures(Frozen):
    """All figures, out of fold."""

    classes: tuple[ClassFigures, ...]
    balanced_accuracy: Figure
    """Mean sensitivity."""
    overconfidence: Figure
    """Mean probability of the likeliest class less the share that is right, classes counting alike; 0 is calibrated."""
    confusion: tuple[tuple[int, ...], ...]
    """Tiles by their own class (row) and the likeliest one (column)."""


class Manifest(Frozen):
    """classifier.json."""

    version: Literal[1] = 1
    classes: tuple[str, ...] = Field(min_length=2)
    encoder_name: str
    encoder_digest: Digest
    dim: int = Field(ge=1)
    tile_px: int
    tile_um: float
    simulated: bool
    patients: int
    tiles: int
    tiles_digest: Digest
    """Of `tiles.csv`."""
    seed: int
    penalty: float
    """Inverse strength of the ridge penalty."""
    prevalence: tuple[float, ...]
    """Of each class among all tiles of the embeddings that the labels were taken from, each case counting alike."""
    fold_of: dict[Digest, int]
    """Fold of each patient of the labels, by the digest of the case id."""
    figures: Figures
    notes: tuple[str, ...]
    weights_digest: Digest
    research_use_only: Literal[True] = True


@dataclass(frozen=True, eq=False)
class LinearModels:
    """Models [m]: the first of all patients, the others each without one fold."""

    coefficients: Floats
    """[m, classes, d], of raw features."""
    intercept: Floats
    """[m, classes]."""
    temperature: Floats
    """[m], by which scores are divided."""

    def __getitem__(self, model: int) -> LinearClassifier:
        """One of them."""
        return LinearClassifier(self.coefficients[model], self.intercept[model], float(self.temperature[model]))


@dataclass(frozen=True, eq=False)
class TileClassifier:
    """A fitted classifier of tiles."""

    manifest: Manifest
    models: LinearModels

    @property
    def digest(self) -> str:
        """Of the manifest, which names the digest of the weights."""
        return digest_of(self.manifest.model_dump(mode="json"))

    def probabilities(self, case_id: str, features: Features) -> Floats:
        """Probability of each class [n, classes]; of a patient of the labels, by the model that has not seen them."""
        model = self.models[self.manifest.fold_of.get(case_digest(case_id), -1) + 1]
        return adjusted(model.probabilities(features), np.array(self.manifest.prevalence))

    def served(self, block: str) -> BundleClassifier:
        """The classifier of all patients of the labels, as a bundle holds it.

        Raises:
            BadClassifierError: it has more classes than a bundle can have.
        """
        manifest, linear = self.manifest, self.models[0]
        if len(manifest.classes) > MOST_CLASSES:
            raise BadClassifierError(
                f"the classifier has {len(manifest.classes)} classes; a bundle can have {MOST_CLASSES}, as many as "
                "people can tell apart by colour"
            )
        return BundleClassifier(
            block=block,
            classes=manifest.classes,
            encoder=EncoderRef(name=manifest.encoder_name, digest=manifest.encoder_digest),
            prevalence=np.array(manifest.prevalence),
            coefficients=linear.coefficients,
            intercept=linear.intercept,
            temperature=linear.temperature,
        )

    def check_encoder(self, embeddings: Embeddings) -> None:
        """Refuse embeddings of another encoder.

        Raises:
            OtherEncoderError: its digest is another one.
        """
        if embeddings.encoder_digest != self.manifest.encoder_digest:
            raise OtherEncoderError(
                f"{embeddings.folder} was embedded with {embeddings.encoder_name} ({embeddings.encoder_digest[:12]}), "
                f"the classifier reads {self.manifest.encoder_name} ({self.manifest.encoder_digest[:12]})"
            )

    def write(self, folder: Path) -> None:
        """Write the weights, then the manifest."""
        folder.mkdir(parents=True, exist_ok=True)
        put(folder / WEIGHTS, weights_bytes(self.models))
        put(folder / MANIFEST, canonical_json(self.manifest.model_dump(mode="json")))

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read a classifier and check that manifest and weights belong together.

        Raises:
            BadClassifierError: it is missing, damaged or altered.
        """
        try:
            data, weights = (_bytes(folder / name) for name in (MANIFEST, WEIGHTS))
            manifest = Manifest.model_validate_json(data)
            tensors = load(weights)
            models = LinearModels(*(tensors[name] for name in ("coefficients", "intercept", "temperature")))
        except OSError as error:
            raise BadClassifierError(f"{folder} holds no classifier of tiles: {error.strerror}") from None
        except (ValidationError, SafetensorError, KeyError):
            raise BadClassifierError(f"{folder} holds a classifier of tiles whose files are damaged") from None
        if sha256(weights) != manifest.weights_digest:
            raise BadClassifierError(f"{folder / WEIGHTS} does not have the digest that {MANIFEST} states")
        _check_shapes(manifest, models, folder)
        return cls(manifest, models)


def weights_bytes(models: LinearModels) -> bytes:
    """The weights as safetensors."""
    named = {"coefficients": models.coefficients, "intercept": models.intercept, "temperature": models.temperature}
    return encode_tensors({name: np.asarray(value, np.float64) for name, value in named.items()})


def case_digest(case_id: str) -> str:
    """SHA-256 of a case id, by which a classifier knows a case."""
    return sha256(case_id.encode())


def _bytes(path: Path) -> bytes:
    return read_bounded(path, _MOST_BYTES, str(path), BadClassifierError)


def _check_shapes(manifest: Manifest, models: LinearModels, folder: Path) -> None:
    if len(manifest.prevalence) != len(manifest.classes) or min(manifest.prevalence) <= 0:
        raise BadClassifierError(f"{folder / MANIFEST} has no prevalence of each class")
    count = 2 + max(manifest.fold_of.values(), default=-1)
    expected: Sequence[tuple[int, ...]] = (
        (count, len(manifest.classes), manifest.dim),
        (count, len(manifest.classes)),
        (count,),
    )
    arrays = (models.coefficients, models.intercept, models.temperature)
    fit = all(array.shape == shape and np.isfinite(array).all() for array, shape in zip(arrays, expected, strict=True))
    if not fit or np.any(models.temperature <= 0):
        raise BadClassifierError(f"{folder / WEIGHTS} does not fit {MANIFEST}")

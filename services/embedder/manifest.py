"""What an encoder is: name, licence, digest, the tiles it takes, the numbers it must give for one known tile."""

import hashlib
import os
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from services.embedder.conversion import Conversion, Digest
from services.embedder.errors import EncoderAlteredError, UnknownEncoderError
from services.embedder.serving import Serving, is_usual
from shared import json_objects
from shared.bounded_file import open_plain
from shared.canonical import sha256
from shared.onnx_graph import GraphLimits, check_graph
from shared.onnx_operators import NETWORK
from shared.preprocessing import Preprocessing, is_default
from shared.protobuf_fields import WireError

MANIFEST_FILE = "manifest.json"
MODEL_FILE = "encoder.onnx"
SCRIPT_FILE = "encoder.pt"
DATA_FILE = "encoder.onnx.data"
"""Weights of an encoder that one ONNX file cannot hold: it ends at 2 GB."""
INPUT = "TILES"
OUTPUT = "FEATURES"
MAX_MODEL_BYTES = 2**31
"""Of encoder.onnx, which is as much as one ONNX file can hold."""
MAX_DATA_BYTES = 2**34
"""Of encoder.onnx.data, more than twice what the largest encoder of pathology has."""
MAX_NODES = 20_000

_SHOWN = 200
"""Characters of a place or a message that are shown: both may repeat what the file holds."""


class KnownAnswer(BaseModel):
    """Features of the known tile (`known_tile.known_tile`): the first values, and the Euclidean norm of all."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    first: tuple[float, ...] = Field(min_length=1)
    norm: float = Field(gt=0)
    tolerance: float = Field(default=1e-3, gt=0)
    """Largest difference allowed, as a share of the norm."""


class Interval(BaseModel):
    """A figure and its interval of 95 %; None where it is undefined."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    est: float | None
    lo: float | None
    hi: float | None

    def __str__(self) -> str:
        """With three digits behind the point."""
        if self.est is None or self.lo is None or self.hi is None:
            return "undefined"
        return f"{self.est:.3f} ({self.lo:.3f} to {self.hi:.3f})"


class Guard(BaseModel):
    """Whether patients out of fold gained from tuning the encoder: if not, the frozen one was exported.

    Out of fold each patient is scored by the encoder of one fold. What is exported is the mean of these encoders, which
    between them have seen all patients.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    exported: Literal["tuned", "frozen"]
    metric: str = Field(min_length=1)
    frozen: Interval | None
    """Of the frozen encoder with its probe; None where patients were too few to compare."""
    tuned: Interval | None
    gain: Interval | None
    mean_on_seen: float | None = None
    """The metric of the mean of the encoders on all patients, which they have seen; None where it was not computed."""
    shares: tuple[float, ...]
    """Of each fold, how far it went from the frozen to the tuned weights."""
    best_epochs: tuple[int, ...]
    ridge: float = Field(ge=0)
    """Of the probe on the frozen encoder's features."""

    def sentence(self, patients: int) -> str:
        """What was exported, and why, for the number of patients learned from."""
        if self.gain is None:
            return (
                f"the frozen encoder with its probe was exported: {patients} patients, or those of one class, are too "
                f"few to show that tuning helps"
            )
        shown = f"{self.metric} of {patients} patients out of fold changed by {self.gain}"
        if self.exported == "tuned":
            return f"the tuned encoder was exported: {shown}{self._judged}"
        if self.mean_on_seen is not None:
            mean = "the mean of the folds' encoders shows no gain"
            return f"the frozen encoder with its probe was exported: {shown}, but {mean}"
        return f"the frozen encoder with its probe was exported: {shown}, which shows no gain"

    @property
    def _judged(self) -> str:
        """What that figure is of, and what it is not of."""
        if self.mean_on_seen is None:
            return ""
        return (
            f", by the encoders of {len(self.shares)} folds; the file is their mean, which has seen all of these "
            f"patients ({self.mean_on_seen:.3f} on them), so that it has not been evaluated on unseen patients"
        )


class Training(BaseModel):
    """How an encoder was fine-tuned: from which one, on what, and what it gained.

    Fields that older programs wrote, of losses on patients held out, are left unread.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    run: Digest
    """Of data, base, settings and all else that was asked for together."""
    base: str = Field(min_length=1)
    base_digest: Digest
    learned_from: Literal["labelled tiles", "slide-level outcome"]
    data_digest: Digest
    simulated: bool
    classes: tuple[str, ...]
    patients: int = Field(ge=1)
    tiles: int = Field(ge=1)
    unlabelled: int = Field(default=0, ge=0)
    """Tiles without labels that it was adapted to first."""
    guard: Guard | None = None
    """None of an encoder that was tuned by a program without it."""
    parity: float = Field(ge=0)
    """Largest difference between torch and ONNX Runtime, as a share of the largest feature."""
    settings: dict[str, bool | int | float | str]

    @property
    def verdict(self) -> str:
        """Which encoder was exported, and why."""
        if self.guard is None:
            return "tuned by an older program, which compared nothing on patients out of fold"
        return self.guard.sentence(self.patients)


class EncoderManifest(BaseModel):
    """An encoder: uint8 tiles [n, input_px, input_px, 3], `tile_um` microns a side, to float32 features [n, dim]."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")
    version: str = Field(min_length=1)
    source: str = Field(min_length=1)
    licence: str = Field(min_length=1)
    digest: Digest
    """Lower-case hex SHA-256 of encoder.onnx."""
    data_digest: Digest | None = None
    """The same of encoder.onnx.data, of an encoder that has one; encoder.onnx holds it too."""
    input_px: int = Field(ge=16, le=4096)
    tile_um: float = Field(gt=0, allow_inf_nan=False)
    um_per_px: float = Field(gt=0, allow_inf_nan=False)
    preprocessing: Preprocessing = Field(default=Preprocessing.AREA, exclude_if=is_default)
    """How the tiles of its training were made; it takes no others."""
    dim: int = Field(ge=1)
    input: str = INPUT
    output: str = OUTPUT
    known_answer: KnownAnswer
    training: Training | None = None
    """Of an encoder that `medulla finetune` made."""
    conversion: Conversion | None = None
    """Of an encoder that `medulla encoder export` made from a network."""
    script_digest: Digest | None = None
    """SHA-256 of encoder.pt, of an encoder that has one for Triton's PyTorch back end."""
    serving: Serving = Field(default=Serving(), exclude_if=is_usual)
    """How Triton runs it; it may be edited, as no digest covers it."""

    @model_validator(mode="after")
    def _resolution_agrees(self) -> Self:
        if abs(self.um_per_px * self.input_px - self.tile_um) > 1e-6 * self.tile_um:
            raise ValueError("um_per_px times input_px is not tile_um")
        return self

    @model_validator(mode="after")
    def _script_is_there(self) -> Self:
        if self.serving.backend == "pytorch" and not self.script_digest:
            raise ValueError("pytorch needs encoder.pt: export the encoder with --torchscript")
        return self


def read_manifest(folder: Path) -> EncoderManifest:
    """Read an encoder's manifest without touching its model.

    Raises:
        UnknownEncoderError: there is none, or it is not valid.
    """
    path = folder / MANIFEST_FILE
    try:
        with open_plain(path) as file:
            data = file.read(json_objects.MAX_BYTES + 1)
        json_objects.read_object(data)
        return EncoderManifest.model_validate_json(data)
    except json_objects.JsonObjectError as error:
        raise UnknownEncoderError(f"encoder manifest {path} is not valid: it {error}") from error
    except OSError as error:
        raise UnknownEncoderError(f"no encoder at {folder}: {error.strerror}") from error
    except ValidationError as error:
        raise UnknownEncoderError(f"encoder manifest {path} is not valid: {_first(error)}") from error


def read_model(folder: Path, manifest: EncoderManifest) -> bytes:
    """Read encoder.onnx after checking that it, and encoder.onnx.data, are the files its manifest describes.

    Raises:
        UnknownEncoderError: there is no such file, or it has more than an encoder may.
        EncoderAlteredError: its digest is another one.
    """
    path = folder / MODEL_FILE
    try:
        with open_plain(path) as file:
            model = file.read(MAX_MODEL_BYTES + 1)
        if manifest.data_digest:
            _data_bytes(folder / DATA_FILE)
            check_digest(folder / DATA_FILE, manifest.data_digest)
    except OSError as error:
        raise UnknownEncoderError(f"encoder {manifest.name} has no model at {path}: {error.strerror}") from error
    if len(model) > MAX_MODEL_BYTES:
        raise UnknownEncoderError(f"{path} has more than {MAX_MODEL_BYTES} bytes, the most that is allowed")
    if sha256(model) != manifest.digest:
        raise EncoderAlteredError(f"{path} does not have the digest that its manifest states")
    check_model(model, path, folder / DATA_FILE if manifest.data_digest else None)
    return model


def check_model(model: bytes, path: Path, data: Path | None) -> None:
    """Check encoder.onnx before a runtime sees it; its weights may also lie in `data`, nowhere else.

    Raises:
        UnknownEncoderError: it has operators, sizes or weights that an encoder may not have.
    """
    outside = (data.name, _data_bytes(data)) if data else ("", 0)
    try:
        check_graph(model, GraphLimits(NETWORK, MAX_NODES, *outside))
    except WireError as error:
        raise UnknownEncoderError(f"{path} is no encoder that is read: it {error}") from None


def _data_bytes(data: Path) -> int:
    """Bytes of a plain file with weights."""
    try:
        with open_plain(data) as file:
            size = os.fstat(file.fileno()).st_size
    except OSError as error:
        raise UnknownEncoderError(f"cannot read {data}: {error.strerror}") from error
    if size > MAX_DATA_BYTES:
        raise UnknownEncoderError(f"{data} has more than {MAX_DATA_BYTES} bytes, the most that is allowed")
    return size


def file_digest(path: Path) -> str:
    """Lower-case hex SHA-256 of a file, read in parts."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_digest(path: Path, digest: str) -> None:
    """Check a file of an encoder.

    Raises:
        OSError: it is no plain file.
        EncoderAlteredError: it is not the one that the manifest describes.
    """
    with open_plain(path) as file:
        actual = hashlib.file_digest(file, "sha256").hexdigest()
    if actual != digest:
        raise EncoderAlteredError(f"{path} does not have the digest that its manifest states")


def _first(error: ValidationError) -> str:
    problem = error.errors(include_url=False, include_context=False)[0]
    where = ".".join(map(str, problem["loc"]))[:_SHOWN] or "file"
    return f"{where}: {problem['msg'][:_SHOWN]}"

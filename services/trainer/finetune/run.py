"""A whole fine-tuning: what to learn from what, the training, the checked file and the facts for its manifest."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
import torch

from services.trainer.cohort.embeddings import Embeddings
from services.trainer.errors import BadTilesError
from services.trainer.finetune import split, task
from services.trainer.finetune.attention import Learners
from services.trainer.finetune.checkpoint import Progress
from services.trainer.finetune.export import exported
from services.trainer.finetune.ranks import Ranks
from services.trainer.finetune.run_dir import LOGS, work_folder
from services.trainer.finetune.settings import Settings
from services.trainer.finetune.tile_dataset import Item, Labelled, decode
from services.trainer.finetune.training import Lesson, train
from shared.canonical import digest_of
from shared.progress import Advance

VERSION = 1
"""Raised when a change makes unfinished runs of an older version useless."""
_CHECKED = 4
"""Tiles on which torch and ONNX Runtime have to agree."""


@dataclass(frozen=True, eq=False)
class Base:
    """The encoder that training starts from."""

    model: bytes
    name: str
    digest: str
    px: int
    width: int


@dataclass(frozen=True, eq=False)
class Assignment:
    """A lesson with its name, and the description of the data in its manifest."""

    lesson: Lesson
    run: str
    facts: Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Tuned:
    """An encoder's file, and how it came to be."""

    model: bytes
    facts: Mapping[str, Any]


def from_labels(labelled: Labelled, base: Base, settings: Settings, options: Mapping[str, Any]) -> Assignment:
    """Learn the classes of tiles; `options` is what the encoder depends on beside data, base and settings.

    Raises:
        BadTilesError: the patients cannot be split.
    """
    patients = [item.patient for item in labelled.items]
    held = split.held_out(patients, labelled.label, settings.held_out, settings.seed)
    lesson = Lesson(labelled.items, task.classes(labelled.label, ~held), held, base.px, settings)
    facts = {"learned_from": "labelled tiles", "classes": list(labelled.classes), "simulated": False}
    run = _run_digest(labelled.digest, base, settings, options)
    return _assignment(lesson, run, labelled.digest, base, facts)


def cohort_run(
    data: Learners, embeddings: Embeddings, base: Base, settings: Settings, options: Mapping[str, Any]
) -> tuple[str, str]:
    """Digest of the run of a cohort and of its data, before its tiles are read; `options` as in `from_labels`."""
    digest = digest_of([data.cohort.digest, embeddings.digest])
    profile = data.cohort.profile.model_dump(mode="json")
    return _run_digest(digest, base, settings, {**options, "profile": profile}), digest


def from_outcome(
    data: Learners, tiles: Mapping[str, tuple[Path, ...]], run: tuple[str, str], base: Base, settings: Settings
) -> Assignment:
    """Learn the hazard of patients from their most attended tiles: files by case; `run` as `cohort_run` gives it.

    Raises:
        BadTilesError: there are no tiles of a patient.
    """
    lacking = [case for case in data.cohort.case_ids if not tiles.get(case)]
    if lacking:
        raise BadTilesError(f"no tile of case {lacking[0]} can be read from its slides")
    items = tuple(Item(case, tuple(tiles[case])) for case in data.cohort.case_ids)
    lesson = Lesson(items, task.hazards(data.cohort.outcome, ~data.held), data.held, base.px, settings)
    facts = {"learned_from": "slide-level outcome", "classes": [], "simulated": data.cohort.simulated}
    return _assignment(lesson, *run, base, facts)


def finetune(assignment: Assignment, base: Base, ranks: Ranks, out: Path, advance: Advance) -> Tuned:
    """Train, export and check; several processes give the same encoder as one, up to rounding.

    Raises:
        UntrainableEncoderError: the encoder's graph cannot be trained, or the result is not the same where it is
            served.
        BadTilesError: a tile cannot be read any more.
    """
    work = work_folder(out, assignment.run)
    encoder, progress = train(base.model, base.width, assignment.lesson, ranks, work, out / LOGS, advance)
    items = assignment.lesson.items
    sample = [items[i].files[0] for i in np.linspace(0, len(items) - 1, _CHECKED).astype(int)]
    model, parity = exported(encoder, torch.from_numpy(np.stack([decode(path, base.px) for path in sample])))
    return Tuned(model, {**assignment.facts, **_results(progress), "parity": parity})


def _assignment(lesson: Lesson, run: str, digest: str, base: Base, facts: Mapping[str, Any]) -> Assignment:
    held = [item.patient for item, out in zip(lesson.items, lesson.held, strict=True) if out]
    counts = {
        "patients": len({item.patient for item in lesson.items}),
        "held_out": len(set(held)),
        "tiles": sum(len(item.files) for item in lesson.items),
    }
    base_facts = {"base": base.name, "base_digest": base.digest, "data_digest": digest, "run": run}
    return Assignment(lesson, run, {**base_facts, **facts, **counts, "settings": lesson.settings.as_json()})


def _run_digest(data: str, base: Base, settings: Settings, options: Mapping[str, Any]) -> str:
    return digest_of([VERSION, data, base.digest, settings.as_json(), options])


def _results(progress: Progress) -> dict[str, float | None]:
    return {
        "epochs": progress.epoch,
        "best_epoch": progress.best_epoch,
        "best_loss": progress.best_loss,
        "frozen_loss": progress.frozen_loss if isfinite(progress.frozen_loss) else None,
    }

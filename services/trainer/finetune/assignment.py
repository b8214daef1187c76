"""What a run learns from what: base encoder, items, targets, folds, and the facts of the data for its manifest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.trainer.cohort.embeddings import Embeddings
from services.trainer.errors import BadTilesError
from services.trainer.finetune.adapt import Unlabelled
from services.trainer.finetune.settings import Settings
from services.trainer.finetune.split import guard_folds
from services.trainer.finetune.targets import Classes, Hazards, Targets
from services.trainer.finetune.tile_dataset import Item, Labelled, UnlabelledTiles
from services.trainer.finetune.top_tiles import Learners
from shared.arrays import Ints
from shared.canonical import digest_of

VERSION = 2
"""Raised when a change makes unfinished runs of an older version useless."""


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
    """What is learned, by name of the run, and the description of the data in its manifest."""

    items: Sequence[Item]
    targets: Targets
    fold: Ints | None
    """[n]; None where too few patients are there to judge a tuned encoder."""
    unlabelled: Unlabelled | None
    settings: Settings
    run: str
    facts: Mapping[str, Any]

    @property
    def patients(self) -> tuple[str, ...]:
        """Of each item."""
        return tuple(item.patient for item in self.items)


@dataclass(frozen=True, eq=False)
class Request:
    """What a run depends on beside its data: the encoder, settings, tiles without labels, and the new card."""

    base: Base
    settings: Settings
    unlabelled: UnlabelledTiles | None
    options: Mapping[str, Any]

    def run_digest(self, data: str, options: Mapping[str, Any]) -> str:
        """The name of a run on data of a digest."""
        extra = self.unlabelled.digest if self.unlabelled else None
        return digest_of([VERSION, data, self.base.digest, self.settings.as_json(), extra, {**self.options, **options}])


def from_labels(labelled: Labelled, request: Request) -> Assignment:
    """Learn the classes of tiles."""
    targets = Classes(labelled.label)
    settings = request.settings
    patients = [item.patient for item in labelled.items]
    fold = guard_folds(patients, targets.strata, settings.folds, settings.held_out, settings.seed)
    facts = {"learned_from": "labelled tiles", "classes": list(labelled.classes), "simulated": False}
    run = request.run_digest(labelled.digest, {})
    return _assignment(labelled.items, targets, fold, request, run, {**facts, "data_digest": labelled.digest})


def cohort_run(data: Learners, embeddings: Embeddings, default_mpp: float | None, request: Request) -> tuple[str, str]:
    """Digest of the run of a cohort and of its data, before its tiles are read."""
    digest = digest_of([data.cohort.digest, embeddings.digest])
    profile = data.cohort.profile.model_dump(mode="json")
    return request.run_digest(digest, {"profile": profile, "default_mpp": default_mpp}), digest


def from_outcome(
    data: Learners, tiles: Mapping[str, tuple[Path, ...]], run: tuple[str, str], request: Request
) -> Assignment:
    """Learn the hazard of patients from their most attended tiles: files by case; `run` as `cohort_run` gives it.

    Raises:
        BadTilesError: there are no tiles of a patient.
    """
    lacking = [case for case in data.cohort.case_ids if not tiles.get(case)]
    if lacking:
        raise BadTilesError(f"no tile of case {lacking[0]} can be read from its slides")
    items = tuple(Item(case, tuple(tiles[case])) for case in data.cohort.case_ids)
    facts = {"learned_from": "slide-level outcome", "classes": [], "simulated": data.cohort.simulated}
    targets = Hazards(data.cohort.outcome)
    return _assignment(items, targets, data.fold, request, run[0], {**facts, "data_digest": run[1]})


def _assignment(
    items: Sequence[Item], targets: Targets, fold: Ints | None, request: Request, run: str, facts: Mapping[str, Any]
) -> Assignment:
    base, settings, extra = request.base, request.settings, request.unlabelled
    counts = {
        "patients": len({item.patient for item in items}),
        "tiles": sum(len(item.files) for item in items),
        "unlabelled": len(extra.items) if extra else 0,
    }
    origin = {"base": base.name, "base_digest": base.digest, "run": run, "settings": settings.as_json()}
    unlabelled = Unlabelled(extra.items, base.px) if extra else None
    return Assignment(items, targets, fold, unlabelled, settings, run, {**origin, **facts, **counts})

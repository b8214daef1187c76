"""Runs all folds in parallel; finished folds are kept, so that a stopped run continues."""

import json
import shutil
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from typing import TypeAlias

import numpy as np

from services.trainer.cohort.cohort import Cohort
from services.trainer.cohort.embeddings import Embeddings
from services.trainer.engine import Engine
from services.trainer.evaluation.controls import DRAWS, ControlResult, permute_outcome, run_controls
from services.trainer.evaluation.fold import FoldResult, run_fold
from services.trainer.evaluation.optimism import RefitFigures, refit
from services.trainer.evaluation.splits import Splits
from shared.canonical import digest_of
from shared.files import put
from shared.progress import Advance

Content: TypeAlias = bytes
"""A finished piece, as its file."""
UNFINISHED = "unfinished"
VERSION = 6
"""Raised when a change makes finished folds of an older run useless."""


@dataclass(frozen=True, eq=False)
class Job:
    """All that a piece needs."""

    cohort: Cohort
    embeddings: Embeddings | None
    splits: Splits
    seed: int
    out: Path
    refits: int = 0
    """Bootstrap cohorts in which every step is fitted again, for the optimism."""

    @property
    def work(self) -> Path:
        """Where finished pieces wait; named after all that they are made of."""
        profile, bags = self.cohort.profile.model_dump(mode="json"), self.embeddings.digest if self.embeddings else None
        made_of = [VERSION, self.cohort.digest, profile, self.splits.digest, self.seed, bags]
        name = digest_of([*made_of, self.cohort.vector_digests])
        return self.out / UNFINISHED / name[:16]

    def pieces(self) -> list[str]:
        """Names of all pieces of work, folds first."""
        folds = [f"fold-{r}-{f}" for r in range(self.splits.repeats) for f in range(self.splits.folds)]
        permuted = [f"dealt-0-{f}" for f in range(self.splits.folds)]
        return [*folds, *permuted, *(f"control-{draw}" for draw in range(DRAWS)), *self.refitted()]

    def refitted(self) -> list[str]:
        """Names of the pieces of the optimism: the whole cohort first, then bootstrap cohorts."""
        return [f"refit-{draw}" for draw in range(self.refits + 1)] if self.refits else []

    def __call__(self, piece: str) -> Content:
        """Compute a piece; equal to the byte wherever that is."""
        _one_torch_thread(self.embeddings)
        kind, first, *rest = piece.split("-")
        if kind in ("fold", "dealt"):
            return self._fold(kind, int(first), int(rest[0]))
        if kind == "refit":
            return json.dumps(refit(self.cohort, self.embeddings, self.seed, int(first))).encode()
        fold_of = self.splits.fold_of[int(first) % self.splits.repeats]
        return json.dumps(asdict(run_controls(self.cohort, fold_of, self.seed + int(first)))).encode()

    def _fold(self, kind: str, repeat: int, fold: int) -> Content:
        tested = np.flatnonzero(self.splits.fold_of[repeat] == fold)
        seed = int(np.random.SeedSequence([self.seed, repeat, fold]).generate_state(1)[0] >> 1)
        cohort = self.cohort if kind == "fold" else permute_outcome(self.cohort, self.seed)
        return run_fold(cohort, self.embeddings, tested, seed).encode()


@dataclass(frozen=True, eq=False)
class RawResults:
    """What all pieces gave: folds by (repeat, fold)."""

    folds: dict[tuple[int, int], FoldResult]
    permuted: dict[tuple[int, int], FoldResult]
    """The folds of the first repeat again, with the outcome permuted."""
    controls: list[ControlResult]
    refits: list[RefitFigures]
    """Of the whole cohort first; none where they were not requested."""


def run_all(job: Job, engine: Engine, advance: Advance) -> RawResults:
    """Run every fold and control that is not finished yet, then read all of them."""
    job.work.mkdir(parents=True, exist_ok=True)
    pieces = job.pieces()
    todo = [piece for piece in pieces if not (job.work / piece).exists()]
    done = len(pieces) - len(todo)
    advance(done, len(pieces))
    for piece, content in engine(job, todo) if todo else ():
        put(job.work / piece, content)
        done += 1
        advance(done, len(pieces))
    return _read(job)


def forget(out: Path) -> None:
    """Remove the pieces of a finished run."""
    shutil.rmtree(out / UNFINISHED, ignore_errors=True)


def _one_torch_thread(embeddings: Embeddings | None) -> None:
    if embeddings is not None:
        from torch import set_num_threads  # noqa: PLC0415 - only where there are slides

        set_num_threads(1)


def _read(job: Job) -> RawResults:
    folds, permuted = _read_folds(job, "fold", job.splits.repeats), _read_folds(job, "dealt", 1)
    controls = [ControlResult(**json.loads((job.work / f"control-{draw}").read_bytes())) for draw in range(DRAWS)]
    refits = [json.loads((job.work / piece).read_bytes()) for piece in job.refitted()]
    return RawResults(folds, permuted, controls, refits)


def _read_folds(job: Job, kind: str, repeats: int) -> dict[tuple[int, int], FoldResult]:
    folds = {}
    for repeat, fold in product(range(repeats), range(job.splits.folds)):
        path = job.work / f"{kind}-{repeat}-{fold}"
        result = FoldResult.decode(path.read_bytes())
        if result is None:
            path.unlink()
            raise OSError(f"fold {fold} of repeat {repeat} was damaged on disk and removed; run again")
        folds[repeat, fold] = result
    return folds

"""The outer splits, drawn and written down before any model is fitted."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from services.trainer.cohort.cohort import Cohort, Ints
from services.trainer.errors import UnusableCohortError
from services.trainer.folds import grouped_folds, stratified_folds
from shared.canonical import canonical_json, sha256


@dataclass(frozen=True, eq=False)
class Splits:
    """`fold_of` [repeats, n]: in which fold of each repeat a patient is tested."""

    fold_of: Ints
    folds: int
    case_ids: tuple[str, ...]
    grouped_by: str
    seed: int

    @property
    def repeats(self) -> int:
        """How often the cohort is split anew."""
        return len(self.fold_of)

    @property
    def content(self) -> bytes:
        """Canonical JSON: which cases are tested in which fold."""
        tested = [
            {"repeat": repeat, "fold": fold, "test": sorted(self._tested(repeat, fold))}
            for repeat in range(self.repeats)
            for fold in range(self.folds)
        ]
        return canonical_json({"version": 1, "grouped_by": self.grouped_by, "seed": self.seed, "splits": tested})

    @property
    def digest(self) -> str:
        """SHA-256 of the content."""
        return sha256(self.content)

    def _tested(self, repeat: int, fold: int) -> list[str]:
        return [self.case_ids[i] for i in np.flatnonzero(self.fold_of[repeat] == fold)]

    def write(self, folder: Path) -> None:
        """Write `splits.json` and `splits.sha256`."""
        (folder / "splits.json").write_bytes(self.content)
        (folder / "splits.sha256").write_text(f"{self.digest}  splits.json\n")


def draw_splits(cohort: Cohort, repeats: int, folds: int, seed: int, *, by_site: bool = False) -> Splits:
    """Split patients, balanced by event and by the profile's stratum; or sites, none of which is cut.

    Raises:
        UnusableCohortError: there are fewer sites than folds, or a fold would leave no event to learn from.
    """
    if by_site and (not cohort.has_sites or len(set(cohort.sites)) < folds):
        raise UnusableCohortError(f"the cohort has {len(set(cohort.sites))} sites, {folds} folds need at least as many")
    strata = _strata(cohort)
    rows = []
    for repeat in range(repeats):
        rng = np.random.default_rng([seed, repeat, 5])
        rows.append(
            grouped_folds(cohort.sites, strata, folds, rng) if by_site else stratified_folds(strata, folds, rng)
        )
    splits = Splits(np.stack(rows), folds, cohort.case_ids, "site" if by_site else "patient", seed)
    for repeat in range(repeats):
        for fold in range(folds):
            if not cohort.outcome.relapsed[splits.fold_of[repeat] != fold].any():
                raise UnusableCohortError(f"without fold {fold} of repeat {repeat} no event is left to learn from")
    return splits


def load_splits(path: Path, cohort: Cohort) -> Splits:
    """Read frozen splits for this cohort.

    Raises:
        UnusableCohortError: the file is no such file, or names other cases than the cohort.
    """
    try:
        said: Mapping[str, Any] = json.loads(path.read_bytes())
        place = {case: i for i, case in enumerate(cohort.case_ids)}
        repeats = 1 + max(item["repeat"] for item in said["splits"])
        folds = 1 + max(item["fold"] for item in said["splits"])
        fold_of = np.full((repeats, len(cohort)), -1, np.int64)
        for item in said["splits"]:
            fold_of[item["repeat"], [place[case] for case in item["test"]]] = item["fold"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UnusableCohortError(f"{path} holds no splits of this cohort: {error}") from error
    if (fold_of < 0).any():
        raise UnusableCohortError(f"{path} leaves out cases of this cohort")
    return Splits(fold_of, folds, cohort.case_ids, str(said["grouped_by"]), int(said["seed"]))


def _strata(cohort: Cohort) -> Ints:
    event = np.minimum(cohort.outcome.event, 2)
    if not cohort.profile.strata:
        return event
    values = np.nan_to_num(cohort.column(cohort.profile.strata), nan=-1.0).astype(np.int64) + 1
    return np.asarray(event * (values.max() + 1) + values, np.int64)

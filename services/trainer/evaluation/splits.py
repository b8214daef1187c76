"""The outer splits, drawn and written down before any model is fitted."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from services.trainer.cohort.cohort import Cohort
from services.trainer.errors import BadFoldsError, BadSplitsError, UnusableCohortError
from services.trainer.folds import grouped_folds, stratified_folds
from shared.arrays import Ints
from shared.bounded_file import read_bounded
from shared.canonical import canonical_json, sha256
from shared.words import shown

_HIGHEST = 999
"""The highest number of a repeat or fold."""
_MOST_BYTES = 50_000_000


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
        """How often the cohort is split."""
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
        UnusableCohortError: a site is not known, where they are kept whole.
        BadFoldsError: there are fewer sites than folds, or a fold would leave no event to learn from.
    """
    if by_site:
        _check_sites(cohort, folds)
    strata = _strata(cohort)
    rows = []
    for repeat in range(repeats):
        rng = np.random.default_rng([seed, repeat, 5])
        rows.append(
            grouped_folds(cohort.sites, strata, folds, rng) if by_site else stratified_folds(strata, folds, rng)
        )
    splits = Splits(np.stack(rows), folds, cohort.case_ids, "site" if by_site else "patient", seed)
    _check_events(splits, cohort)
    return splits


def _check_sites(cohort: Cohort, folds: int) -> None:
    sites, unknown = len(set(cohort.sites) - {""}), sum(not site for site in cohort.sites)
    if unknown:
        raise UnusableCohortError(f"the site of {unknown} patients is not known, so sites cannot be kept whole")
    if sites < folds:
        what = f"the cohort has {sites} sites, {folds} folds need at least as many"
        raise BadFoldsError(what + (f"; --folds {sites} leaves out each site once" if sites > 1 else ""))


def load_splits(path: Path, cohort: Cohort) -> Splits:
    """Read frozen splits for this cohort; `splits.sha256` beside them, if any, must match.

    Raises:
        BadSplitsError: the file was altered or is no such file, or its cases are not each tested once a repeat.
        BadFoldsError: a fold would leave no event to learn from.
    """
    try:
        content = read_bounded(path, _MOST_BYTES, str(path), BadSplitsError)
        _check_digest(path, content)
        written: Mapping[str, Any] = json.loads(content)
        tested = [(int(item["repeat"]), int(item["fold"]), list(item["test"])) for item in written["splits"]]
        grouped_by, seed = str(written["grouped_by"]), int(written["seed"])
    except OSError as error:
        raise BadSplitsError(f"{path} cannot be read: {error.strerror}") from error
    except (ArithmeticError, LookupError, RecursionError, TypeError, ValueError) as error:
        raise BadSplitsError(f"{path} holds no splits") from error
    splits = Splits(_placed(tested, cohort, path), 1 + max(f for _, f, _ in tested), cohort.case_ids, grouped_by, seed)
    places = [set(zip(cohort.sites, row.tolist(), strict=True)) for row in splits.fold_of]
    if grouped_by == "site" and max(map(len, places)) > len(set(cohort.sites)):
        raise BadSplitsError(f"{path} is said to keep sites whole, but parts one of this cohort")
    _check_events(splits, cohort)
    return splits


def _check_digest(path: Path, content: bytes) -> None:
    beside = path.with_suffix(".sha256")
    if beside.exists() and beside.read_text(encoding="utf-8", errors="replace").split()[:1] != [sha256(content)]:
        raise BadSplitsError(f"{path} was altered: its SHA-256 is not the one in {beside.name}")


def _placed(tested: Sequence[tuple[int, int, list[str]]], cohort: Cohort, path: Path) -> Ints:
    """Fold [repeats, n] of every case."""
    pairs = [(repeat, fold) for repeat, fold, _ in tested]
    if not pairs or min(map(min, pairs)) < 0 or max(map(max, pairs)) > _HIGHEST or len(set(pairs)) < len(pairs):
        raise BadSplitsError(f"{path} holds no splits, a fold twice, or a number outside 0 to {_HIGHEST}")
    place = {case: i for i, case in enumerate(cohort.case_ids)}
    fold_of = np.full((1 + max(repeat for repeat, _ in pairs), len(cohort)), -1, np.int64)
    for repeat, fold, cases in tested:
        for case in cases:
            if not isinstance(case, str) or case not in place:
                raise BadSplitsError(f"{path} is of another cohort: {shown(case)} is not in the table")
            if fold_of[repeat, place[case]] >= 0:
                raise BadSplitsError(f"{path} tests {case} twice in repeat {repeat}")
            fold_of[repeat, place[case]] = fold
    if (fold_of < 0).any():
        raise BadSplitsError(f"{path} leaves out {cohort.case_ids[int(np.argwhere(fold_of < 0)[0, 1])]} of this cohort")
    folds = range(1 + int(fold_of.max()))
    if lacking := [f"fold {f} of repeat {r}" for r, row in enumerate(fold_of) for f in folds if f not in row]:
        raise BadSplitsError(f"{path} tests nobody in {lacking[0]}, and folds are counted from 0")
    return fold_of


def _check_events(splits: Splits, cohort: Cohort) -> None:
    for repeat in range(splits.repeats):
        for fold in range(splits.folds):
            if not cohort.outcome.is_event[splits.fold_of[repeat] != fold].any():
                raise BadFoldsError(f"without fold {fold} of repeat {repeat} no event is left to learn from")


def folds_without_events(splits: Splits, cohort: Cohort) -> list[str]:
    """A sentence about test folds that hold no event of interest, where there are any."""
    empty = [
        f"fold {fold} of repeat {repeat}"
        for repeat in range(splits.repeats)
        for fold in range(splits.folds)
        if not cohort.outcome.is_event[splits.fold_of[repeat] == fold].any()
    ]
    shown = ", ".join(empty[:3]) + (f" and {len(empty) - 3} more" if len(empty) > 3 else "")
    note = f"no event of interest among those tested in {shown}: they count in the pooled figures, not in means by fold"
    return [note] if empty else []


def _strata(cohort: Cohort) -> Ints:
    strata = cohort.strata
    return np.asarray(np.minimum(cohort.outcome.event, 2) * (strata.max() + 1) + strata, np.int64)

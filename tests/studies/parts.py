"""The parts of the evidence: what each is made from, and what the note says of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.canonical import digest_of, sha256
from tests.studies import pictures, summaries
from tests.studies.cross_validated import CAVALLI, HANCOCK, PublicPlan, SimulatedPlan
from tests.studies.growth import growth_plans, growth_summary
from tests.studies.pieces import Plan
from tests.studies.pixels import PixelPlan
from tests.studies.recovery import RecoveryPlan
from tests.studies.stain_study import StainPlan
from tests.studies.study import StudyPlan
from tests.studies.summaries import Piece


class MissingDataError(Exception):
    """The folder of the user lacks what a part reads; the text says what."""


@dataclass(frozen=True)
class Setting:
    """How a run was asked for."""

    data: Path | None
    quick: bool


@dataclass(frozen=True)
class Part:
    """One part; where it is simulated its files say so in their names."""

    name: str
    simulated: bool
    plans: Callable[[Setting], Sequence[Plan]]
    summary: Callable[[Sequence[Piece]], Mapping[str, Any]]
    pictures: Callable[[Mapping[str, Any]], Mapping[str, str]]
    side_by_side: bool = True

    @property
    def stem(self) -> str:
        """Of its files."""
        return f"SIMULATED-{self.name}" if self.simulated else self.name


def _public(cohort: str, files: Sequence[str]) -> Callable[[Setting], Sequence[Plan]]:
    def plans(setting: Setting) -> Sequence[Plan]:
        if setting.data is None:
            raise MissingDataError("it reads a public cohort: name its folder with DATA=/folder")
        paths = [setting.data / name for name in files]
        missing = [str(path) for path in paths if not path.exists()]
        if missing:
            raise MissingDataError(f"{missing[0]} is not there")
        digest = digest_of([sha256(path.read_bytes()) for path in paths])
        return [PublicPlan(cohort, digest, 1, 3, 200) if setting.quick else PublicPlan(cohort, digest)]

    return plans


def _studies(setting: Setting) -> Sequence[Plan]:
    if setting.quick:
        return [StudyPlan(241, effect, 100, 80, 20) for effect in (1.0, 1.6)]
    return [StudyPlan(seed, effect) for seed in range(241, 249) for effect in (1.0, 1.6)]


def _intervals(setting: Setting) -> Sequence[Plan]:
    """The studies on bags again, and others of other sizes and without slides."""
    if setting.quick:
        return _studies(setting)
    more = [StudyPlan(seed, 1.6, patients) for patients in (150, 600) for seed in range(251, 255)]
    table = [StudyPlan(seed, 1.0, slides=False) for seed in range(261, 265)]
    return [*_studies(setting), *more, *table]


def _slides(setting: Setting) -> Sequence[Plan]:
    if setting.quick:
        return [PixelPlan(151, draws=2, patients=60, external=30, strangers=0)]
    return [PixelPlan(seed) for seed in (151, 152, 153)]


def _stains(setting: Setting) -> Sequence[Plan]:
    if setting.quick:
        return [StainPlan(181, 40, 12, 4)]
    return [StainPlan(seed) for seed in (181, 182)]


def _cross_validated(setting: Setting) -> Sequence[Plan]:
    if setting.quick:
        return [SimulatedPlan(143, 1.6, 100, 20, 3)]
    return [SimulatedPlan(seed, effect) for seed in (143, 144) for effect in (1.0, 1.6)]


def _recovery(setting: Setting) -> Sequence[Plan]:
    tables, patients = (10, 200) if setting.quick else (400, 1000)
    return [RecoveryPlan(4001, tables, patients, complete) for complete in (True, False)]


_HANCOCK_FILES = [f"{HANCOCK}/{name}" for name in ("clinical.csv", "pathological.csv", "targets.csv")]

PARTS: tuple[Part, ...] = (
    Part("cavalli", False, _public("cavalli", [CAVALLI]), summaries.public, pictures.arms, False),
    Part(
        "hancock",
        False,
        _public("hancock", [*_HANCOCK_FILES, f"{HANCOCK}/tma_tile_dtr_256_HE.npz"]),
        summaries.public,
        pictures.arms,
        False,
    ),
    Part("bags", True, _studies, summaries.studies, pictures.gains),
    Part("intervals", True, _intervals, summaries.intervals, pictures.coverage),
    Part("recovery", True, _recovery, summaries.recovery, pictures.ratios),
    Part("cross-validated", True, _cross_validated, summaries.cross_validated, pictures.nothing),
    Part("slides", True, _slides, summaries.on_slides, pictures.gains_on_slides, False),
    Part("stains", True, _stains, summaries.stains, pictures.nothing, False),
    Part("growth", True, growth_plans, growth_summary, pictures.growth, False),
)

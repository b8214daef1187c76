"""The studies: what each is made from, and its section and figures in the note."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from shared.canonical import digest_of, sha256
from tests.studies import pictures, sections, summaries
from tests.studies.bags import BagPlan
from tests.studies.composition import CompositionPlan
from tests.studies.composition_summary import composition_section, composition_summary
from tests.studies.cross_validated import CAVALLI, CavalliPlan, SimulatedPlan
from tests.studies.fusion import FusionPlan
from tests.studies.fusion_summary import fusion_section, fusion_summary
from tests.studies.growth import growth_plans, growth_summary
from tests.studies.hancock import HANCOCK, HancockPlan
from tests.studies.hancock_tables import FILES
from tests.studies.monitoring import MonitoringPlan
from tests.studies.monitoring_summary import monitoring_section, monitoring_summary
from tests.studies.pieces import Plan
from tests.studies.pixels import PixelPlan
from tests.studies.pool_bags import Signal
from tests.studies.prototype_study import PrototypePlan, prototypes_section, prototypes_summary
from tests.studies.rare_slides import RareSlidesPlan, rare_slides_section, rare_slides_summary
from tests.studies.rare_study import RarePlan, Way
from tests.studies.rare_summary import rare_section, rare_summary
from tests.studies.recovery import RecoveryPlan
from tests.studies.rule_study import CavalliRulePlan, RulePlan
from tests.studies.rule_summary import public_summary, rule_section, simulated_summary
from tests.studies.stain_study import StainPlan
from tests.studies.summaries import Piece
from tests.studies.tile_pool import PoolPlan
from tests.studies.vector_ridges import VectorRidgePlan
from tests.studies.vector_ridges_summary import vectors_section, vectors_summary


class MissingDataError(Exception):
    """The folder of the user lacks what a study reads; the text says what."""


@dataclass(frozen=True)
class Setting:
    """Options of a run."""

    data: Path | None
    quick: bool


@dataclass(frozen=True)
class Study:
    """One study; where it is simulated its files say so in their names."""

    name: str
    simulated: bool
    plans: Callable[[Setting], Sequence[Plan]]
    summary: Callable[[Sequence[Piece]], Mapping[str, Any]]
    section: Callable[[Mapping[str, Any]], str]
    pictures: Callable[[Mapping[str, Any]], Mapping[str, str]]
    parallel: bool = True

    @property
    def stem(self) -> str:
        """Stem of the names of its files."""
        return f"SIMULATED-{self.name}" if self.simulated else self.name


def _public(plan: Callable[..., Plan], files: Sequence[str]) -> Callable[[Setting], Sequence[Plan]]:
    def plans(setting: Setting) -> Sequence[Plan]:
        if setting.data is None:
            raise MissingDataError("it reads a public cohort: name its folder with DATA=/folder")
        paths = [setting.data / name for name in files]
        missing = [str(path) for path in paths if not path.exists()]
        if missing:
            raise MissingDataError(f"{missing[0]} does not exist")
        digest = digest_of([sha256(path.read_bytes()) for path in paths])
        return [plan(digest, 1, 3, 200) if setting.quick else plan(digest)]

    return plans


def _bags(setting: Setting) -> Sequence[Plan]:
    if setting.quick:
        return [BagPlan(241, effect, 100, 80, 20) for effect in (1.0, 1.6)]
    return [BagPlan(seed, effect) for seed in range(231001, 231009) for effect in (1.0, 1.6)]


def _intervals(setting: Setting) -> Sequence[Plan]:
    """The studies on bags again, and others of other sizes and without slides."""
    if setting.quick:
        return _bags(setting)
    more = [BagPlan(seed, 1.6, patients) for patients in (150, 600) for seed in range(231101, 231109)]
    table = [BagPlan(seed, 1.0, slides=False) for seed in range(231201, 231209)]
    return [*_bags(setting), *more, *table]


def _slides(setting: Setting) -> Sequence[Plan]:
    if setting.quick:
        return [PixelPlan(151, draws=2, patients=60, external=30, ood_patients=0)]
    return [PixelPlan(seed) for seed in range(190001, 190009)]


def _rare_slides(setting: Setting) -> Sequence[Plan]:
    if setting.quick:
        return [RareSlidesPlan(9001, draws=2, patients=40, external=10)]
    return [RareSlidesPlan(seed) for seed in range(240001, 240003)]


def _stains(setting: Setting) -> Sequence[Plan]:
    if setting.quick:
        return [StainPlan(181, 40, 12, 4)]
    return [StainPlan(seed) for seed in (181, 182)]


def _cross_validated(setting: Setting) -> Sequence[Plan]:
    if setting.quick:
        return [SimulatedPlan(143, 1.6, 100, 20, 3)]
    return [SimulatedPlan(seed, effect) for effect in (1.6, 1.0) for seed in range(232001, 232005)]


def _recovery(setting: Setting) -> Sequence[Plan]:
    tables, patients = (10, 200) if setting.quick else (400, 1000)
    return [RecoveryPlan(233001, tables, patients, complete) for complete in (True, False)]


def _fusion(setting: Setting) -> Sequence[Plan]:
    if setting.quick:
        return [FusionPlan(9001, 4, 150, ratio, 0.5) for ratio in (1.0, 1.3)]
    scenarios = product((150, 300, 600), (1.0, 1.3, 3.0), (0.0, 0.5))
    return [FusionPlan(20001 + 100 * place, 100, *scenario) for place, scenario in enumerate(scenarios)]


def _vectors(setting: Setting) -> Sequence[Plan]:
    if setting.quick:
        return [VectorRidgePlan(9001, 4, 150, ratio, 16) for ratio in (1.0, 2.0)]
    scenarios = product(((150, 100), (300, 100), (600, 50)), (1.0, 1.3, 2.0), (16, 60))
    return [
        VectorRidgePlan(30001 + 100 * place, cohorts, patients, ratio, columns)
        for place, ((patients, cohorts), ratio, columns) in enumerate(scenarios)
    ]


def _composition(setting: Setting) -> Sequence[Plan]:
    if setting.quick:
        return [CompositionPlan(9001, 1.6, 0.3, 100, 60, 120)]
    scenarios = product(range(501, 509), (1.0, 1.6), (0.18, 0.3))
    return [CompositionPlan(*scenario) for scenario in scenarios]


def _rare(setting: Setting) -> Sequence[Plan]:
    if setting.quick:
        return [RarePlan(9001, "rare", 1.6, 100, way, 80, PoolPlan(5, 1, 1, 8)) for way in ("hazards", "labels")]
    scenarios: tuple[tuple[Signal, float, int, Way], ...] = (
        ("rare", 1.6, 400, "hazards"), ("common", 1.6, 400, "hazards"), ("rare", 1.6, 400, "labels"),
        ("rare", 1.0, 400, "hazards"), ("rare", 1.6, 160, "hazards"), ("common", 1.6, 160, "hazards"),
        ("rare", 1.6, 160, "labels"), ("rare", 1.0, 160, "hazards"),
    )  # fmt: skip
    return [RarePlan(seed, *scenario) for scenario in scenarios for seed in range(230001, 230009)]


def _prototypes(setting: Setting) -> Sequence[Plan]:
    if setting.quick:
        return [PrototypePlan(9001, 1.6, 100, 80, PoolPlan(5, 1, 1, 8))]
    scenarios = ((1.6, 400), (1.0, 400), (1.6, 160))
    return [PrototypePlan(seed, *scenario) for scenario in scenarios for seed in range(230001, 230009)]


def _monitoring(setting: Setting) -> Sequence[Plan]:
    if setting.quick:
        return [MonitoringPlan(9001, 4, 60, ratio, 0, sites) for ratio in (1.0, 3.0) for sites in (1, 2)]
    unchanged = [MonitoringPlan(40001, 1500, 500, 1.0, 0), MonitoringPlan(43001, 500, 150, 1.0, 0)]
    changed = product((2.0, 1.5, 0.5), (0, 250))
    sites = [MonitoringPlan(48001, 500, 500, 1.0, 0, 4), MonitoringPlan(48501, 150, 500, 2.0, 0, 4)]
    return [
        *unchanged,
        *sites,
        *(MonitoringPlan(45001 + 500 * place, 150, 500, *each) for place, each in enumerate(changed)),
    ]


def _rule(setting: Setting) -> Sequence[Plan]:
    if setting.quick:
        return [RulePlan(9001, 2, 150, follows_rule) for follows_rule in (False, True)]
    scenarios = product((150, 300), (False, True))
    return [RulePlan(61001 + 100 * place, 60, *scenario) for place, scenario in enumerate(scenarios)]


STUDIES: tuple[Study, ...] = (
    Study("cavalli", False, _public(CavalliPlan, [CAVALLI]), summaries.public, sections.public, pictures.arms, False),
    Study(
        "hancock",
        False,
        _public(HancockPlan, [f"{HANCOCK}/{name}" for name in FILES]),
        summaries.public,
        sections.by_block,
        pictures.arms,
        False,
    ),
    Study("bags", True, _bags, summaries.on_bags, sections.gains, pictures.gains),
    Study("slides", True, _slides, summaries.on_slides, sections.slides, pictures.gains_on_slides, False),
    Study(
        "cross-validated", True, _cross_validated, summaries.cross_validated, sections.cross_validated, pictures.nothing
    ),
    Study("recovery", True, _recovery, summaries.recovery, sections.recovery, pictures.ratios),
    Study("fusion", True, _fusion, fusion_summary, fusion_section, pictures.nothing),
    Study("vectors", True, _vectors, vectors_summary, vectors_section, pictures.nothing),
    Study("composition", True, _composition, composition_summary, composition_section, pictures.nothing),
    Study("rare", True, _rare, rare_summary, rare_section, pictures.nothing),
    Study("prototypes", True, _prototypes, prototypes_summary, prototypes_section, pictures.nothing),
    Study("rare-slides", True, _rare_slides, rare_slides_summary, rare_slides_section, pictures.nothing, False),
    Study("monitoring", True, _monitoring, monitoring_summary, monitoring_section, pictures.nothing),
    Study("rule", True, _rule, simulated_summary, rule_section, pictures.nothing),
    Study("cavalli-rule", False, _public(CavalliRulePlan, [CAVALLI]), public_summary, rule_section, pictures.nothing),
    Study("intervals", True, _intervals, summaries.intervals, sections.intervals, pictures.coverage),
    Study("stains", True, _stains, summaries.stains, sections.stains, pictures.nothing, False),
    Study("growth", True, growth_plans, growth_summary, sections.growth, pictures.growth, False),
)

"""Sections of a report that are drawn from bootstrap samples: each is measured apart from the others."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from services.trainer.arms.registry import PRIMARY, record_arm, shown_arms
from services.trainer.arms.rule import RULE
from services.trainer.cohort.cohort import Cohort
from services.trainer.cohort_summary import cohort_summary
from services.trainer.evaluation.contrasts import contrasts
from services.trainer.evaluation.decisions import decision_curve
from services.trainer.evaluation.figures import arm_figures
from services.trainer.evaluation.landmarks import landmarks
from services.trainer.evaluation.matched import matched_rates
from services.trainer.evaluation.moved import moved
from services.trainer.evaluation.pooled import Pooled
from services.trainer.evaluation.risk_groups import risk_groups
from services.trainer.evaluation.secondary import secondary
from services.trainer.evaluation.subgroups import modalities, subgroups
from services.trainer.metrics.bootstrap import Bootstrap, Draws
from shared.arrays import Flags


@dataclass(frozen=True, eq=False)
class SectionWork:
    """What sections are measured on; travels without the samples, which are drawn where they are used."""

    pooled: Pooled
    has_slides: Flags | None
    """[n]; None without embeddings."""
    draws: Draws
    embeddings: None = None
    """No section reads bags."""

    @property
    def cohort(self) -> Cohort:
        """Whose figures these are."""
        return self.pooled.cohort

    @property
    def bootstrap(self) -> Bootstrap:
        """The samples, the same wherever they are drawn."""
        return self.draws.bootstrap

    @property
    def pieces(self) -> tuple[str, ...]:
        """Names of all sections, those of single arms first."""
        return (*(f"arm {name}" for name in self.pooled.arms), *_SECTIONS, *(f"groups {name}" for name in self.grouped))

    @property
    def shown(self) -> list[str]:
        """Arms of figures that show a few."""
        return [name for name in shown_arms(self.cohort.profile) if name in self.pooled.arms]

    @property
    def grouped(self) -> list[str]:
        """Arms whose patients of low and high risk are compared."""
        return [name for name in self.shown if name in (RULE, record_arm(self.cohort.profile), PRIMARY)]

    def __call__(self, piece: str) -> Any:
        """Measure a section."""
        kind, _, arm = piece.partition(" ")
        if kind == "arm":
            return arm_figures(self.pooled, arm, self.bootstrap)
        if kind == "groups":
            return risk_groups(self.pooled, arm, self.bootstrap)
        return _SECTIONS[kind](self)


_SECTIONS: Mapping[str, Callable[[SectionWork], Any]] = {
    "contrasts": lambda work: contrasts(work.pooled, work.bootstrap),
    "matched": lambda work: matched_rates(work.pooled, work.bootstrap),
    "moved": lambda work: moved(work.pooled, work.bootstrap),
    "cohort": lambda work: cohort_summary(work.cohort, work.has_slides, work.bootstrap),
    "landmarks": lambda work: landmarks(work.pooled, work.bootstrap),
    "secondary": lambda work: secondary(work.pooled, work.bootstrap),
    "decision_curve": lambda work: decision_curve(work.pooled, work.shown, work.bootstrap),
    "subgroups": lambda work: subgroups(work.pooled, work.bootstrap),
    "modalities": lambda work: modalities(work.pooled, work.bootstrap, work.has_slides),
}

"""Ways to use the profile's rule beside the record, on SIMULATED tables and on Cavalli's; no slides are read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from services.trainer.arms.arm import BlockView, Patients
from services.trainer.arms.rule import flagged
from services.trainer.cohort.cohort import Cohort, Outcome
from services.trainer.cohort.table import read_cohort
from services.trainer.folds import stratified_folds
from services.trainer.metrics import decision
from services.trainer.metrics.discrimination import harrell_c
from services.trainer.metrics.matched import Constant, specificity_at
from services.trainer.metrics.statistic import Mean, Statistic
from services.trainer.profile import load_profile
from services.trainer.simulation.gaps import as_rows
from services.trainer.simulation.patients import Facts, draw_facts
from services.trainer.simulation.simulated_outcome import draw_latent, draw_outcome, known_log_hazard
from services.trainer.simulation.tables import write_table
from shared.arrays import Floats
from tests.studies.cross_validated import CAVALLI, PublicCohortPlan
from tests.studies.public_cohorts import cavalli, published_columns
from tests.studies.risk_figures import by_way
from tests.studies.rule_ways import WAYS, fit_way

RULE = "rule alone"
YEARS = 3.0
FIGURES = ("c", "at_78", "at_80", "at_rule")
"""Harrell's C; specificity at 3 years where the sensitivity is 0.78, 0.80, and the rule's own."""
_LATENT_HR, _SEEN = 1.6, 0.8
_RULE_HR = 3.0
"""Hazard ratio of the rule's answer where the outcome follows it."""


@dataclass(frozen=True)
class RulePlan:
    """SIMULATED cohorts drawn with the seeds `first` to `first + cohorts - 1`, each with new patients to predict."""

    first: int
    cohorts: int
    patients: int
    follows_rule: bool
    """The outcome follows the rule's answer instead of its variables one by one."""
    new_patients: int = 1000

    @property
    def kind(self) -> str:
        """See Plan."""
        return "SIMULATED-rule"

    def run(self, data: Path | None, work: Path) -> dict[str, Any]:
        """See Plan; by blocks and way, each cohort's figures."""
        del data
        pairs = [self._pair(seed, work) for seed in range(self.first, self.first + self.cohorts)]
        return {
            arm: by_way([_predicted(train, new, blocks) for train, new in pairs])
            for arm, blocks in arms_of(pairs[0][0].cohort.profile.block_names).items()
        }

    def _pair(self, seed: int, work: Path) -> tuple[Patients, Patients]:
        rng = np.random.default_rng([seed, 91])
        return self._draw(self.patients, rng, work / "train.csv"), self._draw(self.new_patients, rng, work / "new.csv")

    def _draw(self, count: int, rng: np.random.Generator, path: Path) -> Patients:
        """Patients of whom every block is known; the view stands for a log-risk of slides."""
        facts = draw_facts(count, rng)
        latent = draw_latent(facts, rng)
        beside = _instead(facts) if self.follows_rule else 0.0
        simulated_outcome = draw_outcome(facts, latent, _LATENT_HR, rng, beside)
        names = [f"SIMULATED-{i:05d}" for i in range(count)]
        write_table(path, as_rows(names, [""] * count, facts, simulated_outcome, rng))
        seen = _SEEN * latent + np.sqrt(1 - _SEEN**2) * rng.normal(size=count)
        patients = Patients(read_cohort(path, load_profile()), 1, {"pathomic": BlockView(seen, seen[:, None])})
        return patients.take(np.flatnonzero(patients.has_blocks(patients.cohort.profile.block_names)))


def _instead(facts: Facts) -> Floats:
    """Log hazard [n] of the default rule's answer less that of the variables one by one, both with a mean of 0."""
    is_high = (facts.stage != "M0") | np.isin(facts.extent, ["STR", "biopsy"])
    is_high |= (facts.histology == "LCA") | (facts.age < 3)
    difference = np.log(_RULE_HR) * is_high - known_log_hazard(facts)
    return np.asarray(difference - difference.mean(), np.float64)


@dataclass(frozen=True)
class CavalliRulePlan(PublicCohortPlan):
    """Cavalli 2017."""

    samples: int = 500
    seed: int = 41

    @property
    def kind(self) -> str:
        """See Plan."""
        return "cavalli-rule"

    def run(self, data: Path | None, work: Path) -> dict[str, Any]:
        """See Plan; by blocks and way, figures over bootstrap samples of patients, the first of them all patients."""
        if data is None:
            raise ValueError("a public cohort without its folder")
        with published_columns(data, "cavalli"):
            cavalli(data / CAVALLI, work / "cohort.csv")
        cohort = read_cohort(work / "cohort.csv", load_profile("medulloblastoma_survival"))
        weights = self._weights(len(cohort))
        return {
            arm: {way: self._drawn(cohort, risks, weights) for way, risks in self._repeats(cohort, blocks).items()}
            for arm, blocks in arms_of(cohort.profile.record_blocks).items()
        }

    def _weights(self, count: int) -> Floats:
        rng = np.random.default_rng([self.seed, 92])
        drawn = rng.multinomial(count, np.full(count, 1 / count), self.samples)
        return np.concatenate([np.ones((1, count)), drawn])

    def _repeats(self, cohort: Cohort, blocks: Sequence[str]) -> Mapping[str, Sequence[Floats]]:
        """Out-of-fold log-risks [n] of every repeat, by way."""
        strata = cohort.outcome.event * 10 + cohort.strata
        repeats = []
        for repeat in range(self.repeats):
            folds = stratified_folds(strata, self.folds, np.random.default_rng([self.seed, repeat]))
            risks = {way: np.zeros(len(cohort)) for way in (RULE, *WAYS)}
            for fold in range(self.folds):
                test = np.flatnonzero(folds == fold)
                train = Patients(cohort.take(folds != fold), repeat)
                for way, risk in log_risks(train, Patients(cohort.take(test), repeat), blocks).items():
                    risks[way][test] = risk
            repeats.append(risks)
        return {way: [risks[way] for risks in repeats] for way in repeats[0]}

    def _drawn(self, cohort: Cohort, risks: Sequence[Floats], weights: Floats) -> dict[str, list[float]]:
        rule = flagged(Patients(cohort, 1))
        repeats = [statistics(cohort.outcome, risk, rule) for risk in risks]
        return {name: Mean([repeat[name] for repeat in repeats])(weights).tolist() for name in FIGURES}


def arms_of(blocks: Sequence[str]) -> dict[str, Sequence[str]]:
    """The blocks of each arm by its name: the first block, the record, and all blocks where there are more."""
    arms = {"clinical": blocks[:1], "clinical_molecular": blocks[:2], "fused": blocks}
    return arms if len(blocks) > 2 else {name: arms[name] for name in ("clinical", "clinical_molecular")}


def log_risks(train: Patients, new: Patients, blocks: Sequence[str]) -> dict[str, Floats]:
    """Log-risks [n] of new patients by the rule alone and by every way."""
    return {RULE: flagged(new)} | {name: fit_way(way, train, blocks)(new) for name, way in WAYS.items()}


def _predicted(train: Patients, new: Patients, blocks: Sequence[str]) -> dict[str, dict[str, float]]:
    everyone, rule = np.ones((1, len(new))), flagged(new)
    return {
        way: {name: float(figure(everyone)[0]) for name, figure in statistics(new.cohort.outcome, risk, rule).items()}
        for way, risk in log_risks(train, new, blocks).items()
    }


def statistics(outcome: Outcome, log_risk: Floats, rule: Floats) -> dict[str, Statistic]:
    """The figures of a log-risk [n], beside a rule's answers [n]."""
    own = decision.operating(outcome, rule > 0, YEARS).sensitivity
    held: dict[str, Statistic] = {"at_78": Constant(0.78), "at_80": Constant(0.80), "at_rule": own}
    specificities: dict[str, Statistic] = {
        name: specificity_at(outcome, log_risk, YEARS, level) for name, level in held.items()
    }
    return {"c": harrell_c(outcome, log_risk)} | specificities

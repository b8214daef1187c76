"""Puts the report of a cohort together from what was predicted about it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from services.trainer.arms.registry import PRIMARY, record_arm, shown_arms
from services.trainer.arms.rule import RULE
from services.trainer.cohort_summary import cohort_summary, reported_profile
from services.trainer.evaluation.claims import claims
from services.trainer.evaluation.contrasts import contrasts, sentence
from services.trainer.evaluation.decisions import decision_curve
from services.trainer.evaluation.figures import arm_figures
from services.trainer.evaluation.hazard_ratios import hazard_ratios
from services.trainer.evaluation.landmarks import landmarks
from services.trainer.evaluation.matched import matched_rates
from services.trainer.evaluation.moved import moved
from services.trainer.evaluation.pooled import Pooled
from services.trainer.evaluation.reserved import reserved
from services.trainer.evaluation.risk_groups import risk_groups
from services.trainer.evaluation.secondary import secondary
from services.trainer.evaluation.subgroups import modalities, subgroups
from services.trainer.metrics.bootstrap import LEVEL, Bootstrap
from services.trainer.report_model.patients import PrototypeRow
from services.trainer.report_model.procedure import CrossValidation, ExternalValidation
from services.trainer.report_model.report import Report, ReportedBootstrap
from services.trainer.variable_table import table_one
from shared.arrays import Flags
from shared.notice import NOTICE


@dataclass(frozen=True, eq=False)
class Measured:
    """What a report is made of."""

    pooled: Pooled
    has_slides: Flags | None
    """[n]; None without embeddings."""
    notes: Sequence[str]
    bootstrap: Bootstrap
    prototypes: tuple[PrototypeRow, ...] = ()


def assemble(measured: Measured, procedure: CrossValidation | ExternalValidation) -> Report:
    """The report of an evaluation or a validation."""
    pooled, bootstrap, cohort = measured.pooled, measured.bootstrap, measured.pooled.cohort
    compared = contrasts(pooled, bootstrap)
    rates, moves, ratios = matched_rates(pooled, bootstrap), moved(pooled, bootstrap), hazard_ratios(cohort)
    shown = [name for name in shown_arms(cohort.profile) if name in pooled.arms]
    grouped = [name for name in shown if name in (RULE, record_arm(cohort.profile), PRIMARY)]
    return Report(
        version=1,
        kind=_kind(procedure),
        simulated=cohort.simulated,
        notice=NOTICE,
        profile=reported_profile(cohort),
        horizons_years=pooled.horizons,
        cohort=cohort_summary(cohort, measured.has_slides, bootstrap),
        notes=tuple(measured.notes),
        arms={name: arm_figures(pooled, name, bootstrap) for name in pooled.arms},
        absent=dict(pooled.absent),
        contrasts=compared,
        primary=sentence(next((item for item in compared if item.primary), None), pooled),
        matched=rates,
        moved=moves,
        claims=claims(pooled, rates, compared, moves),
        reservations=reserved(pooled, len(ratios), bootstrap),
        landmarks=landmarks(pooled, bootstrap),
        secondary=secondary(pooled, bootstrap),
        decision_curve=decision_curve(pooled, shown, bootstrap),
        prototypes=measured.prototypes,
        risk_groups=tuple(risk_groups(pooled, name, bootstrap) for name in grouped),
        subgroups=subgroups(pooled, bootstrap),
        modalities=modalities(pooled, bootstrap, measured.has_slides),
        table_one=table_one(cohort),
        hazard_ratios=ratios,
        bootstrap=_bootstrap(bootstrap),
        procedure=procedure,
    )


def _kind(procedure: CrossValidation | ExternalValidation) -> Literal["evaluate", "validate"]:
    return "evaluate" if isinstance(procedure, CrossValidation) else "validate"


def _bootstrap(bootstrap: Bootstrap) -> ReportedBootstrap:
    return ReportedBootstrap(samples=len(bootstrap.weights), fewer=len(bootstrap.fewer.weights), level=LEVEL)

"""Puts the report of a cohort together from what was predicted about it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from services.trainer.cohort_summary import reported_profile
from services.trainer.engine import Engine, results_of
from services.trainer.evaluation.claims import claims
from services.trainer.evaluation.contrasts import sentence
from services.trainer.evaluation.hazard_ratios import hazard_ratios
from services.trainer.evaluation.reserved import reserved
from services.trainer.evaluation.sections import SectionWork
from services.trainer.metrics.bootstrap import LEVEL, Bootstrap
from services.trainer.report_model.patients import PrototypeRow
from services.trainer.report_model.procedure import CrossValidation, ExternalValidation
from services.trainer.report_model.report import Report, ReportedBootstrap
from services.trainer.variable_table import table_one
from shared.notice import NOTICE
from shared.progress import Advance


@dataclass(frozen=True, eq=False)
class Measured:
    """What a report is made of."""

    work: SectionWork
    notes: Sequence[str]
    prototypes: tuple[PrototypeRow, ...] = ()
    of_bundle: tuple[str, ...] = ()
    """Reservations that a validated bundle states itself."""


def assemble(
    measured: Measured, procedure: CrossValidation | ExternalValidation, engine: Engine, advance: Advance
) -> Report:
    """The report of an evaluation or a validation; `advance` counts its sections, which `engine` computes."""
    work, pooled, cohort = measured.work, measured.work.pooled, measured.work.cohort
    sections = results_of(work, work.pieces, engine, advance)
    compared, rates, moves = sections["contrasts"], sections["matched"], sections["moved"]
    ratios = hazard_ratios(cohort)
    return Report(
        version=1,
        kind=_kind(procedure),
        simulated=cohort.simulated,
        notice=NOTICE,
        profile=reported_profile(cohort),
        horizons_years=pooled.horizons,
        cohort=sections["cohort"],
        notes=tuple(measured.notes),
        arms={name: sections[f"arm {name}"] for name in pooled.arms},
        absent=dict(pooled.absent),
        contrasts=compared,
        primary=sentence(next((item for item in compared if item.primary), None), pooled),
        matched=rates,
        moved=moves,
        claims=claims(pooled, rates, compared, moves),
        reservations=_reservations(measured, procedure, len(ratios)),
        landmarks=sections["landmarks"],
        secondary=sections["secondary"],
        decision_curve=sections["decision_curve"],
        prototypes=measured.prototypes,
        risk_groups=tuple(sections[f"groups {name}"] for name in work.grouped),
        subgroups=sections["subgroups"],
        modalities=sections["modalities"],
        table_one=table_one(cohort),
        hazard_ratios=ratios,
        bootstrap=_bootstrap(work.bootstrap),
        procedure=procedure,
    )


def _reservations(measured: Measured, procedure: CrossValidation | ExternalValidation, columns: int) -> tuple[str, ...]:
    """Those of the bundle first; events are counted for columns only where these were fitted on the cohort."""
    work = measured.work
    mark = "SIMULATED: " if work.cohort.simulated else ""
    of_bundle = (f"{mark}Of the bundle, from its training cohort: {sentence}" for sentence in measured.of_bundle)
    fitted = columns if isinstance(procedure, CrossValidation) else 0
    return (*of_bundle, *reserved(work.pooled, fitted, work.bootstrap))


def _kind(procedure: CrossValidation | ExternalValidation) -> Literal["evaluate", "validate"]:
    return "evaluate" if isinstance(procedure, CrossValidation) else "validate"


def _bootstrap(bootstrap: Bootstrap) -> ReportedBootstrap:
    return ReportedBootstrap(samples=len(bootstrap.weights), fewer=len(bootstrap.fewer.weights), level=LEVEL)

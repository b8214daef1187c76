"""A small report made by hand, of an evaluation or a validation."""

from typing import Any

from services.trainer.metrics.bootstrap import NO_FIGURE, Contrast, Figure
from services.trainer.report_model.arms import (
    ArmFigures,
    ByFold,
    CalibrationFigures,
    DecisionCurve,
    OperatingPoint,
    Subgroup,
)
from services.trainer.report_model.comparisons import ArmContrast, Secondary
from services.trainer.report_model.patients import CohortSummary, FollowUp, ReportedProfile
from services.trainer.report_model.procedure import (
    ControlFigure,
    CrossValidation,
    ExternalValidation,
    NegativeControls,
    NoControls,
    Recalibration,
    ReportedBundle,
)
from services.trainer.report_model.report import Report, ReportedBootstrap

C = Figure(0.7, 0.6, 0.8)
CONTROL = ControlFigure(mean=Figure(0.5, 0.4, 0.6), draws=(0.4, 0.6))
EVALUATION = CrossValidation(
    splits="0" * 64,
    grouped_by="site",
    seed=1,
    repeats=1,
    folds=5,
    negative_controls=NegativeControls(
        permuted_outcome_c=CONTROL, random_feature_gain=CONTROL, permuted_outcome_by_arm={"fused": C}
    ),
    embeddings=None,
)
VALIDATION = ExternalValidation(
    recalibration=Recalibration(horizon_years=2.0, arms={}, why="3 events by 2 years, 10 needed"),
    bundle=ReportedBundle(name="b", digest="f" * 64, created="2026-01-01"),
    splits=None,
    negative_controls=NoControls(),
    embeddings=None,
)
PROFILE = ReportedProfile(name="p", title="", population="", prediction_time="", has_times=True, labels={})


def contrast(
    a: str, b: str, *, primary: bool = False, metric: str = "uno_c", p_holm: float | None = 0.04
) -> ArmContrast:
    """A gain of 0.04 in C."""
    gain = Contrast(0.04, -0.01, 0.09, 0.02)
    return ArmContrast(a=a, b=b, metric=metric, gain=gain, p_holm=None if primary else p_holm, primary=primary)


def arm(title: str) -> ArmFigures:
    """Figures of an arm, all alike."""
    calibration = CalibrationFigures(horizon_years=2.0, o_e=C, slope=C, intercept=C, bins=(), curve=())
    acted = OperatingPoint(horizon_years=2.0, threshold=C, sensitivity=C, specificity=C, ppv=C, npv=NO_FIGURE)
    return ArmFigures(
        n=50,
        title=title,
        harrell_c=C,
        uno_c=C,
        auc={2.0: C, 4.0: C},
        ibs=C,
        brier={2.0: C, 4.0: C},
        net_benefit=C,
        calibration=calibration,
        operating_point=acted,
        by_fold=ByFold(harrell_c_mean=0.7, harrell_c_sd=None),
    )


def small_report(**changes: Any) -> Report:
    """An evaluation of 50 patients; `changes` by field."""
    cohort = CohortSummary(
        name="c",
        n=50,
        events={"0": 20, "2": 26, "1": 4},
        meanings={"0": "alive", "2": "death of the tumour", "1": "other death"},
        event_of_interest="2",
        follow_up_years=FollowUp(median=3.0, longest=5.0),
        incidence={2.0: C, 4.0: C},
        sites=None,
        with_slides=0,
        digest="0" * 64,
    )
    report = Report(
        version=1,
        kind="evaluate",
        simulated=False,
        notice="Research use only.",
        profile=PROFILE,
        horizons_years=(2.0, 4.0),
        cohort=cohort,
        notes=(),
        arms={name: arm(name) for name in ("null", "clinical", "clinical_molecular", "fused")},
        absent={},
        contrasts=(contrast("fused", "clinical_molecular", primary=True),),
        primary="Fusion adds 0.040 to Uno's C.",
        secondary=Secondary(a="fused", b="clinical_molecular", horizon_years=2.0, fine_gray=None),
        decision_curve=DecisionCurve(horizon_years=2.0, thresholds=(), net_benefit={}, intervals={}),
        prototypes=(),
        risk_groups=(),
        subgroups=(),
        modalities=(),
        table_one=(),
        hazard_ratios=(),
        bootstrap=ReportedBootstrap(samples=50, fewer=50, level=0.95),
        procedure=EVALUATION,
    )
    return report.model_copy(update=changes)


def drawn_report() -> Report:
    """A small report that has all that its page draws."""
    at, names = (0.1, 0.2, 0.3), ("treat_all", "treat_none", "fused")
    curve = DecisionCurve(
        horizon_years=2.0,
        thresholds=at,
        net_benefit=dict.fromkeys(names, (0.2, 0.1, 0.0)),
        intervals=dict.fromkeys(names, ((0.1, 0.3), (0.0, 0.2), (-0.1, 0.1))),
    )
    known = Subgroup(name="clinical", n=50, events=26, harrell_c={"fused": C})
    return small_report(decision_curve=curve, modalities=(known,), subgroups=(known,))

"""TRIPOD+AI (Collins et al., BMJ 2024;385:e078378): each item filled from the report, or marked as missing."""

from services.trainer.report.names import counted, events_of
from services.trainer.report_model.procedure import ReportedBundle
from services.trainer.report_model.report import Report

Item = tuple[str, str, str]
MISSING = "missing: to be written by the authors"


def checklist(report: Report) -> list[tuple[str, str, str, str]]:
    """Number, item, where it is answered, and whether it is: filled, missing or in part."""
    return [(*item, _state(item[-1])) for item in (*_methods(report), *_results(report))]


def _state(where: str) -> str:
    if MISSING not in where:
        return "filled"
    return "missing" if where == MISSING else "in part"


def _methods(report: Report) -> list[Item]:
    """Items 1 to 12: question, patients and methods."""
    profile, cohort, evaluated = report.profile, report.cohort, report.cross_validation
    kind = "Development, internal validation" if evaluated else "External validation"
    simulated = " on SIMULATED patients" if report.simulated else ""
    prepared = (
        "imputation and scaling inside each fold" if evaluated else "by the bundle, with its training data's values"
    )
    timing = f"all known {profile.prediction_time}" if profile.prediction_time else f"timing {MISSING}"
    return [
        ("1", "Title", f"{kind} of a prediction model{simulated}: {profile.title or profile.name}"),
        ("2", "Abstract", "first paragraph of this page"),
        ("3", "Background: context, rationale, health inequalities", MISSING),
        ("4", "Objectives", "What was asked"),
        ("5", "Data: source, dates, representativeness", f"table {cohort.digest[:12]}; source and dates {MISSING}"),
        (
            "6",
            "Participants: setting, eligibility, treatments",
            f"{profile.population}; setting {MISSING}" if profile.population else MISSING,
        ),
        ("7", "Data preparation", f"How it was done: {prepared}"),
        ("8", "Outcome: definition, assessment", f"{counted(report)}; blinding of assessment {MISSING}"),
        ("9", "Predictors: definition, timing", f"Table 1; {timing}"),
        (
            "10",
            "Sample size",
            f"{cohort.n} patients, {events_of(report)} events of interest; a justification is {MISSING}",
        ),
        ("11", "Missing data", "Cohort, Table 1; Subgroups and missing modalities"),
        ("12", "Analysis: models, tuning, performance, heterogeneity", "How it was done; Arms; Subgroups"),
    ]


def _results(report: Report) -> list[Item]:
    """Items 13 to 27: how it was kept fair and open, what came out."""
    evaluated, external = report.cross_validation, report.external_validation
    return [
        ("13", "Class imbalance", "none corrected: hazards are fitted as they are"),
        ("14", "Fairness", _fairness(report)),
        ("15", "Model output", "risk at each horizon, log-risk, threshold from training data"),
        ("16", "Training versus evaluation", _training_and_evaluation(report)),
        ("17", "Ethical approval", MISSING),
        (
            "18",
            "Open science: funding, conflicts, protocol, registration, data, code",
            f"code is open; the rest {MISSING}",
        ),
        ("19", "Patient and public involvement", MISSING),
        ("20", "Participants: flow, characteristics", "Cohort; Table 1" + ("; Case mix" if external else "")),
        ("21", "Model development: numbers in each analysis", "Arms, column n"),
        (
            "22",
            "Model specification",
            _bundle(external.bundle)
            if external
            else "hazard ratios here; the equation is in model_card.md of the bundle that `medulla train` writes from "
            "this table",
        ),
        ("23", "Model performance", "Arms; Calibration; Decision curve; Subgroups"),
        (
            "24",
            "Model updating",
            "none: models are fitted anew in each fold" if evaluated else _updating(report),
        ),
        ("25", "Interpretation", f"first paragraph; in the light of other studies {MISSING}"),
        ("26", "Limitations", "Limits"),
        ("27", "Usability in current care", f"research use only; use in care {MISSING}"),
    ]


def _fairness(report: Report) -> str:
    names = ", ".join(subgroup.name for subgroup in report.subgroups)
    return f"Subgroups: {names}; ancestry {MISSING}" if names else MISSING


def _training_and_evaluation(report: Report) -> str:
    if report.cross_validation:
        return f"splits by {report.cross_validation.grouped_by}, frozen before any fit, leaks refused"
    return "other patients than the bundle's training cohort, leaks refused"


def _updating(report: Report) -> str:
    external = report.external_validation
    new = external.recalibrated if external else None
    return f"Calibration: recalibrated as bundle {new.digest[:12]}" if new else "none: nothing is refitted"


def _bundle(bundle: ReportedBundle) -> str:
    return f"bundle {bundle.digest[:12]}: every coefficient as JSON, the model card beside them; Model equation"

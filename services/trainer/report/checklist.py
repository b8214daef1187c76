"""TRIPOD+AI (Collins et al., BMJ 2024;385:e078378): each item filled from the report, or marked as missing."""

from typing import Any

Said = dict[str, Any]
MISSING = "missing: to be written by the authors"


def checklist(report: Said) -> list[tuple[str, str, str]]:
    """Number, item, where it is answered."""
    return [*_asked(report), *_found()]


def _asked(report: Said) -> list[tuple[str, str, str]]:
    """Items 1 to 12: what was asked, of whom, and how."""
    kind = "Development, internal validation" if report["kind"] == "evaluate" else "External validation"
    simulated = " on SIMULATED patients" if report["simulated"] else ""
    profile, cohort = report["profile"], report["cohort"]
    return [
        ("1", "Title", f"{kind} of a prediction model{simulated}: {profile['title'] or profile['name']}"),
        ("2", "Abstract", "first paragraph of this page"),
        ("3", "Background: context, rationale, health inequalities", MISSING),
        ("4", "Objectives", "Asked"),
        ("5", "Data: source, dates, representativeness", f"table {cohort['digest'][:12]}; source and dates {MISSING}"),
        (
            "6",
            "Participants: setting, eligibility, treatments",
            f"{profile['population'] or MISSING}; setting {MISSING}",
        ),
        ("7", "Data preparation", "How it was done: imputation and scaling inside each fold"),
        ("8", "Outcome: definition, assessment", f"{', '.join(cohort['events'])}; blinding of assessment {MISSING}"),
        ("9", "Predictors: definition, timing", "Table 1; all known before adjuvant treatment, treatments refused"),
        (
            "10",
            "Sample size",
            f"{cohort['n']} patients, {_events(report)} events of interest; a justification is {MISSING}",
        ),
        ("11", "Missing data", "Table 1 and What is known of whom"),
        ("12", "Analysis: models, tuning, performance, heterogeneity", "How it was done; Arms; Subgroups"),
    ]


def _found() -> list[tuple[str, str, str]]:
    """Items 13 to 27: how it was kept fair and open, what came out."""
    return [
        ("13", "Class imbalance", "none corrected: hazards are fitted as they are"),
        ("14", "Fairness", "Subgroups by sex, age and site where the table has them; ancestry " + MISSING),
        ("15", "Model output", "risk at each horizon, log-risk, threshold from training data"),
        ("16", "Training versus evaluation", "patient-level splits, frozen before any fit, leaks refused"),
        ("17", "Ethical approval", MISSING),
        (
            "18",
            "Open science: funding, conflicts, protocol, registration, data, code",
            f"code is open; the rest {MISSING}",
        ),
        ("19", "Patient and public involvement", MISSING),
        ("20", "Participants: flow, characteristics", "Cohort; Table 1"),
        ("21", "Model development: numbers in each analysis", "Arms, column n"),
        ("22", "Model specification", "bundle of `medulla train`: every coefficient as JSON"),
        ("23", "Model performance", "Arms; Calibration; Decision curve; Subgroups"),
        ("24", "Model updating", "none: nothing is refitted in a validation"),
        ("25", "Interpretation", f"first paragraph; in the light of other studies {MISSING}"),
        ("26", "Limitations", "Limits"),
        ("27", "Usability in current care", "research use only; abstention as in the model card"),
    ]


def _events(report: Said) -> int:
    return int(list(report["cohort"]["events"].values())[1])

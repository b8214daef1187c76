"""Short names of arms and figures, as people read them."""

from typing import Any

ARMS = {
    "null": "average risk",
    "rule": "rule",
    "clinical": "clinical",
    "clinical_molecular": "clinical + molecular",
    "clinical_molecular_gbm": "LightGBM",
    "pathomics": "pathomics alone",
    "fused": "late fusion",
    "early_concat": "early fusion",
    "gated": "gated network",
}
METRICS = {
    "uno_c": "Uno's C",
    "harrell_c": "Harrell's C",
    "ibs": "integrated Brier score (lower is better)",
    "net_benefit": "net benefit, mean at 20, 30 and 40 %",
}


Said = dict[str, Any]


def outcome_of(report: Said) -> str:
    """What the event of interest is, in the profile's words."""
    return str(report["cohort"]["meanings"][report["cohort"]["event_of_interest"]])


def events_of(report: Said) -> int:
    """How many patients had the event of interest."""
    return int(report["cohort"]["events"][report["cohort"]["event_of_interest"]])


def counted(report: Said) -> str:
    """How many patients had what, by the meaning of each code."""
    cohort = report["cohort"]
    return ", ".join(f"{count} {cohort['meanings'][code]}" for code, count in cohort["events"].items())


def arm_name(name: str) -> str:
    """An arm in a few words."""
    return ARMS.get(name, name.replace("_", " "))


def column_name(row: Said, report: Said) -> str:
    """A column of a Cox model in words, such as `Chang M stage >= M1`."""
    name, label = row["variable"], report["profile"]["labels"][row["variable"]]
    return str(row["column"]).replace(name, label, 1).removesuffix(".0")


def metric_name(name: str, report: Said) -> str:
    """A figure of merit in words; `auc_3y` is the AUC at 3 years.

    Of a bare yes or no by a horizon, C is the AUC and the integrated Brier score the one there.
    """
    if not report["profile"]["has_times"]:
        years = f"{report['horizons_years'][0]:g}"
        name = {"uno_c": f"auc_{years}y", "harrell_c": f"auc_{years}y", "ibs": f"brier_{years}y"}.get(name, name)
    if name.startswith("brier_"):
        return f"Brier score at {name.removeprefix('brier_').removesuffix('y')} years (lower is better)"
    if name.startswith("auc_"):
        return f"AUC at {name.removeprefix('auc_').removesuffix('y')} years"
    return METRICS.get(name, name.replace("_", " "))

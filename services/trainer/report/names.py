"""Short names of arms and figures, as people read them."""

ARMS = {
    "null": "average risk",
    "rule": "rule",
    "clinical": "clinical",
    "clinical_molecular": "clinical + molecular",
    "clinical_molecular_gbm": "clinical + molecular, LightGBM",
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


def arm_name(name: str) -> str:
    """An arm in a few words."""
    return ARMS.get(name, name.replace("_", " "))


def metric_name(name: str) -> str:
    """A figure of merit in words; `auc_3y` is the AUC at 3 years."""
    if name.startswith("auc_"):
        return f"AUC at {name.removeprefix('auc_').removesuffix('y')} years"
    return METRICS.get(name, name.replace("_", " "))

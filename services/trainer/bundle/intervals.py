"""The interval of each patient's risk that a bundle's refits span, as the scorer says it; a contract test compares."""

from dataclasses import dataclass

import numpy as np

from services.trainer.arms.arm import Patients
from services.trainer.arms.tabular import Tabular
from services.trainer.bundle.arm_json import LEVEL, read_fit, read_tabular
from services.trainer.bundle.served import ServedBundle
from shared.arrays import Floats
from shared.model.column import design_matrix


@dataclass(frozen=True, eq=False)
class Intervals:
    """Risk and its bounds, [n, horizons] each."""

    risk: Floats
    lo: Floats
    hi: Floats


def intervals(bundle: ServedBundle, arm: str, patients: Patients) -> Intervals:
    """What one arm says of patients who are known to it, at the profile's horizons."""
    said = bundle.part(f"{arm}.json")
    model = read_tabular(said, bundle.training["reference"], bundle.training["horizon"])
    x = design_matrix(model.columns, patients.case_values)
    places = [int(np.searchsorted(model.grid, years - 1e-9)) for years in bundle.profile.horizons_years]

    def at_horizons(fit: Tabular) -> Floats:
        return fit.predict_design(x).risk[:, places]

    risk = at_horizons(model)
    again = np.stack([at_horizons(read_fit(model, fit)) for fit in said["refits"]])
    lo, hi = np.quantile(again, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0, method="weibull")
    return Intervals(risk, np.minimum(lo, risk), np.maximum(hi, risk))

"""Arm F: the slides alone, or a ready-made pathomic column of the table where there are no slides."""

from services.trainer.arms.arm import Fitted, Patients
from services.trainer.arms.ridge_cox import RidgeCox
from services.trainer.arms.scored import fit_scored
from services.trainer.cohort.cohort import Floats


class Pathomics(RidgeCox):
    """The attention model's log-risk, calibrated by a Cox model of it alone; patients without slides have no answer."""

    name = "pathomics"
    title = "Pathomics alone"
    blocks = ("pathomic",)

    def fit(self, train: Patients) -> Fitted:
        """Calibrate the out-of-fold log-risk; without slides, ridge Cox on the pathomic columns."""
        return fit_scored(train, log_risk(train), log_risk) if train.slides else super().fit(train)


def log_risk(patients: Patients) -> Floats:
    """Pathomic log-risk [n]."""
    if patients.slides is None:
        raise ValueError("patients without a view of their slides")
    return patients.slides.log_risk

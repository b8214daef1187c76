"""Arm F: the slides alone, or ready-made pathomic columns of the table where there are no slides."""

from dataclasses import dataclass

from services.trainer.arms.arm import Fitted, Patients
from services.trainer.arms.hazards import Prediction
from services.trainer.arms.ridge_cox import RidgeCox
from services.trainer.arms.scored import fit_scored
from shared.arrays import Floats
from shared.model.block import PATHOMIC


@dataclass(frozen=True, eq=False)
class _OfColumns:
    """A model of ready-made columns; no prediction for patients without them."""

    fitted: Fitted
    out_of_fold: Prediction

    def predict(self, patients: Patients) -> Prediction:
        """See Fitted."""
        return self.fitted.predict(patients).only(patients.has_block(PATHOMIC))


class Pathomics(RidgeCox):
    """The attention model's log-risk, calibrated by a Cox model of it alone; patients without slides have no answer."""

    name = "pathomics"
    title = "Pathomics alone"
    blocks = (PATHOMIC,)

    def fit(self, train: Patients) -> Fitted:
        """Calibrate the out-of-fold log-risk; without slides, ridge Cox on the pathomic columns."""
        if train.slides:
            return fit_scored(train, log_risk(train), log_risk)
        fitted = super().fit(train)
        return _OfColumns(fitted, fitted.out_of_fold.only(train.has_block(PATHOMIC)))


def log_risk(patients: Patients) -> Floats:
    """Pathomic log-risk [n]."""
    if patients.slides is None:
        raise ValueError("patients without a view of their slides")
    return patients.slides.log_risk

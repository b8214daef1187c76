"""The log-risk of one block of slides or vectors alone, or its ready-made columns where the table has them instead."""

from dataclasses import dataclass

from services.trainer.arms.arm import Fitted, Patients
from services.trainer.arms.fusion import LateFusion
from services.trainer.arms.hazards import Prediction
from services.trainer.arms.scored import fit_scored
from shared.arrays import Floats


@dataclass(frozen=True, eq=False)
class _OfColumns:
    """A model of ready-made columns; no prediction for patients without them."""

    fitted: Fitted
    out_of_fold: Prediction
    block: str

    def predict(self, patients: Patients) -> Prediction:
        """See Fitted."""
        return self.fitted.predict(patients).only(patients.has_block(self.block))


class Alone(LateFusion):
    """A block's log-risk, calibrated by a Cox model of it alone; patients without the block have no answer."""

    @property
    def block(self) -> str:
        """Name of the block."""
        (block,) = self.blocks
        return block

    def fit(self, train: Patients) -> Fitted:
        """Calibrate the out-of-fold log-risk; without one, ridge Cox on the block's columns of the table."""
        if self.block in train.views:
            return fit_scored(train, self.log_risk(train), self.log_risk)
        fitted = super().fit(train)
        return _OfColumns(fitted, fitted.out_of_fold.only(train.has_block(self.block)), self.block)

    def log_risk(self, patients: Patients) -> Floats:
        """Log-risk [n] of the block."""
        return patients.views[self.block].log_risk

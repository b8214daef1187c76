"""The gated multimodal network: attention over tiles, columns of the record and components of vectors in one."""

from dataclasses import dataclass

from services.trainer.arms.arm import Fitted, Patients
from services.trainer.arms.scored import fit_scored
from shared.arrays import Floats


@dataclass(frozen=True)
class Gated:
    """The network's log-risk, calibrated by a Cox model of it alone."""

    title: str
    name: str = "gated"

    def unavailable_reason(self, patients: Patients) -> str | None:
        """Slides are needed."""
        return None if patients.gated is not None else "there are no slides"

    def fit(self, train: Patients) -> Fitted:
        """Calibrate the out-of-fold log-risk."""
        return fit_scored(train, log_risk(train), log_risk)


def log_risk(patients: Patients) -> Floats:
    """Log-risk [n] of the network."""
    if patients.gated is None:
        raise ValueError("patients without a gated network")
    return patients.gated

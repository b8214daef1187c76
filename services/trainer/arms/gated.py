"""Arm I: the gated multimodal network, attention over tiles and clinical columns in one."""

from services.trainer.arms.arm import Fitted, Patients
from services.trainer.arms.scored import fit_scored
from shared.arrays import Floats


class Gated:
    """The network's log-risk, calibrated by a Cox model of it alone."""

    name = "gated"
    title = "{table} and tiles, gated network"

    def unavailable_reason(self, patients: Patients) -> str | None:
        """Slides are needed."""
        return None if patients.slides else "there are no slides"

    def fit(self, train: Patients) -> Fitted:
        """Calibrate the out-of-fold log-risk."""
        return fit_scored(train, log_risk(train), log_risk)


def log_risk(patients: Patients) -> Floats:
    """Log-risk [n] of the network."""
    if patients.slides is None:
        raise ValueError("patients without a view of their slides")
    return patients.slides.gated

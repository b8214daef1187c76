"""Arm D: ridge Cox on clinical and molecular variables; what the slides have to add to."""

from services.trainer.arms.ridge_cox import RidgeCox


class ClinicalMolecular(RidgeCox):
    """See RidgeCox."""

    name = "clinical_molecular"
    title = "Clinical and molecular variables"
    blocks = ("clinical", "molecular")

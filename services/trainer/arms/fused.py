"""Arm G, the primary one: ridge Cox on clinical and molecular variables and the out-of-fold pathomic log-risk."""

from services.trainer.arms.ridge_cox import RidgeCox


class Fused(RidgeCox):
    """See RidgeCox."""

    name = "fused"
    title = "Clinical, molecular and pathomics, late fusion"
    blocks = ("clinical", "molecular", "pathomic")

"""Arm C: ridge Cox on the clinical variables."""

from services.trainer.arms.ridge_cox import RidgeCox


class Clinical(RidgeCox):
    """See RidgeCox."""

    name = "clinical"
    title = "Clinical variables"
    blocks = ("clinical",)

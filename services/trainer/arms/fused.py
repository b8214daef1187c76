"""Arm G, the primary one: ridge Cox on clinical and molecular variables and the out-of-fold pathomic log-risk."""

from services.trainer.arms.arm import Patients
from services.trainer.arms.ridge_cox import RidgeCox, too_few
from shared.model.block import DEFAULT_BLOCKS, PATHOMIC


class Fused(RidgeCox):
    """See RidgeCox."""

    name = "fused"
    title = "{table} and pathomics, late fusion"
    blocks = tuple(block.name for block in DEFAULT_BLOCKS)

    def unavailable_reason(self, patients: Patients) -> str | None:
        """Pathomics must be known of enough patients, and one block to fuse it with."""
        table = [too_few(patients, block) for block in self.blocks if block != PATHOMIC]
        return too_few(patients, PATHOMIC) or (table[0] if all(table) else None)

"""All arms, in the order of the report; to add one, write its file and name it here."""

from services.trainer.arms.arm import Arm
from services.trainer.arms.clinical import Clinical
from services.trainer.arms.clinical_molecular import ClinicalMolecular
from services.trainer.arms.clinical_molecular_gbm import ClinicalMolecularGbm
from services.trainer.arms.early_concat import EarlyConcat
from services.trainer.arms.fused import Fused
from services.trainer.arms.gated import Gated
from services.trainer.arms.null import Null
from services.trainer.arms.pathomics import Pathomics
from services.trainer.arms.rule import ClinicalRule

ARMS: tuple[Arm, ...] = (
    Null(),
    ClinicalRule(),
    Clinical(),
    ClinicalMolecular(),
    ClinicalMolecularGbm(),
    Pathomics(),
    Fused(),
    EarlyConcat(),
    Gated(),
)
BASELINE, PRIMARY = "clinical_molecular", "fused"
"""The primary contrast is PRIMARY less BASELINE, or less `clinical` in a cohort without molecular data."""

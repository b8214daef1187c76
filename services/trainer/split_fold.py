"""Parts a cohort into the patients to fit on and those to ask about, each with what models say of their evidence."""

import numpy as np

from services.trainer.arms.arm import Patients
from services.trainer.block_models import fit_blocks
from services.trainer.cohort.cohort import Cohort
from services.trainer.cohort.embeddings import Embeddings
from shared.arrays import Ints


def split_fold(
    cohort: Cohort, embeddings: Embeddings | None, tested: Ints, seed: int, *, gated: bool = True
) -> tuple[Patients, Patients]:
    """All but the patients `tested`, and those: models of their blocks have seen none of them."""
    rest = np.setdiff1d(np.arange(len(cohort)), tested)
    models, training = fit_blocks(cohort.take(rest), embeddings, seed, gated=gated)
    return training, models.patients(cohort.take(tested), embeddings, seed)

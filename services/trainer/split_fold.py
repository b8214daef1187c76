"""Parts a cohort into the patients to fit on and those to ask about, each with what networks say of their slides."""

import numpy as np

from services.trainer.arms.arm import Patients, SlideView
from services.trainer.cohort.cohort import Cohort
from services.trainer.cohort.embeddings import Embeddings
from shared.arrays import Ints


def split_fold(
    cohort: Cohort, embeddings: Embeddings | None, tested: Ints, seed: int, *, gated: bool = True
) -> tuple[Patients, Patients]:
    """All but the patients `tested`, and those: their slides are read by networks that have seen none of them."""
    rest = np.setdiff1d(np.arange(len(cohort)), tested)
    training, test = cohort.take(rest), cohort.take(tested)
    training_view: SlideView | None = None
    test_view: SlideView | None = None
    if embeddings and embeddings.has(training.case_ids).any():
        from services.trainer.slides.stage import fit_slides  # noqa: PLC0415 - needs torch, which others can do without

        model, training_view = fit_slides(training, embeddings, seed, gated=gated)
        test_view = model.view(test, model.tiles(embeddings, test.case_ids))
    return Patients(training, training_view, seed), Patients(test, test_view, seed)

"""Training on slides that takes seconds: one small network an epoch, not thirty until they stop to improve."""

from functools import partial

import pytest


def shorten_training(patch: pytest.MonkeyPatch) -> None:
    """Let gated networks learn little until the patch is undone."""
    from services.trainer.slides import gated  # noqa: PLC0415 - needs torch
    from services.trainer.slides.training import Schedule  # noqa: PLC0415 - needs torch

    patch.setattr(gated, "SEEDS", 1)
    patch.setattr(gated, "FOLDS", 2)
    patch.setattr(gated, "Schedule", partial(Schedule, epochs=1))

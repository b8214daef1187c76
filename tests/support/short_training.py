"""Training on slides that takes seconds: one small network an epoch, not thirty until they stop to improve."""

from functools import partial

import pytest


def shorten_training(patch: pytest.MonkeyPatch) -> None:
    """Let networks of slides learn little until the patch is undone."""
    from services.trainer.slides import stage  # noqa: PLC0415 - needs torch
    from services.trainer.slides.training import Schedule  # noqa: PLC0415 - needs torch

    patch.setattr(stage, "SEEDS", 1)
    patch.setattr(stage, "FOLDS", 2)
    patch.setattr(stage, "Schedule", partial(Schedule, epochs=1))

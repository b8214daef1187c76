"""Late fusion: ridge Cox on variables of the record and on out-of-fold log-risks of blocks, by known pattern."""

from dataclasses import dataclass

import numpy as np

from services.trainer.arms.arm import Fitted, Patients
from services.trainer.arms.hazards import Prediction
from services.trainer.arms.known_blocks import too_few
from services.trainer.arms.ridge_cox import ByPattern, fit_patterns, patterns_of
from services.trainer.metrics.incidence import cumulative_incidence


@dataclass(frozen=True)
class LateFusion:
    """Cause-specific ridge Cox on `blocks`; a missing value within a block is imputed, a missing block never is."""

    name: str
    title: str
    blocks: tuple[str, ...]

    def unavailable_reason(self, patients: Patients) -> str | None:
        """Every block must be known of enough patients."""
        return next((why for why in (too_few(patients, block) for block in self.blocks) if why), None)

    def fit(self, train: Patients) -> Fitted:
        """Choose each pattern's ridge by inner cross-validation, fit, and predict each inner fold by the others."""
        folds, patterns = train.inner_folds(), patterns_of(train, self.blocks)
        models = dict(fit_patterns(train, patterns, folds))
        out_of_fold = Prediction.nothing(len(train), len(train.grid))
        for fold in np.unique(folds):
            kept, held_out = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
            fold_models = dict(fit_patterns(train.take(kept), patterns, folds[kept], models))
            average = cumulative_incidence(train.cohort.outcome[kept], train.grid)
            out_of_fold.fill(held_out, ByPattern(fold_models, average, out_of_fold).predict(train.take(held_out)))
        return ByPattern(models, cumulative_incidence(train.cohort.outcome, train.grid), out_of_fold)


class Fused(LateFusion):
    """Late fusion of every block; what the record alone does not say is what it is for."""

    def unavailable_reason(self, patients: Patients) -> str | None:
        """A block of slides or vectors must be known of enough patients, and another block to fuse it with."""
        evidence = [block.name for block in patients.cohort.profile.evidence_blocks if block.name in self.blocks]
        if not evidence:
            return "the profile has no block of slides or vectors"
        reasons = {block: too_few(patients, block) for block in self.blocks}
        if all(reasons[block] for block in evidence):
            return reasons[evidence[0]]
        others = [reason for block, reason in reasons.items() if block not in evidence]
        return others[0] if sum(reason is None for reason in reasons.values()) < 2 else None


@dataclass(frozen=True)
class AllBut(LateFusion):
    """Late fusion of every block but `left_out`: what the fused arm is compared with to say what that block adds."""

    left_out: str

    def unavailable_reason(self, patients: Patients) -> str | None:
        """The block that is left out and one other must be known of enough patients."""
        reasons = [too_few(patients, block) for block in self.blocks]
        return too_few(patients, self.left_out) or (reasons[0] if all(reasons) else None)

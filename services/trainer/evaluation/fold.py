"""One outer fold: every step fitted on its training patients, every arm asked about its test patients."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load

from services.trainer.arms.hazards import Prediction
from services.trainer.arms.known_blocks import blocks_of_cohort
from services.trainer.arms.registry import arms_of
from services.trainer.cohort.cohort import Cohort
from services.trainer.cohort.embeddings import Embeddings
from services.trainer.metrics.decision import threshold_for
from services.trainer.split_fold import split_fold
from shared.arrays import Floats, Ints
from shared.tensors import decode_metadata, encode_tensors

_PREDICTED = ("log_risk", "risk", "event_free")
"""Fields of a prediction, in order."""


@dataclass(frozen=True, eq=False)
class FoldResult:
    """Predictions of every arm for the test patients `index`, and the threshold of each arm."""

    index: Ints
    predictions: Mapping[str, Prediction]
    thresholds: Mapping[str, float]
    absent: Mapping[str, str]
    """Arms that could not be fitted, and why."""

    def encode(self) -> bytes:
        """As safetensors."""
        arrays: dict[str, Floats | Ints] = {"index": self.index}
        for name, prediction in self.predictions.items():
            arrays |= {f"{name}.{field}": getattr(prediction, field) for field in _PREDICTED}
        metadata = {"thresholds": json.dumps(dict(self.thresholds)), "absent": json.dumps(dict(self.absent))}
        return encode_tensors(arrays, metadata)

    @classmethod
    def decode(cls, data: bytes) -> "FoldResult | None":
        """Read back; None where the bytes are not whole."""
        try:
            arrays, metadata = load(data), decode_metadata(data)
            names = [name.removesuffix(".risk") for name in arrays if name.endswith(".risk")]
            predictions = {name: Prediction(*(arrays[f"{name}.{field}"] for field in _PREDICTED)) for name in names}
            return cls(arrays["index"], predictions, json.loads(metadata["thresholds"]), json.loads(metadata["absent"]))
        except (SafetensorError, ValueError, KeyError):
            return None


def run_fold(cohort: Cohort, embeddings: Embeddings | None, tested: Ints, seed: int) -> FoldResult:
    """Fit all arms without the patients `tested`, then predict them."""
    training, test = split_fold(cohort, embeddings, tested, seed)
    predictions, thresholds, absent = {}, {}, {}
    years, place = cohort.profile.horizons_years[0], training.horizon
    for arm in arms_of(cohort.profile, blocks_of_cohort(cohort, embeddings)):
        why = arm.unavailable_reason(training)
        if why:
            absent[arm.name] = why
            continue
        fitted = arm.fit(training)
        predictions[arm.name] = fitted.predict(test)
        risk = fitted.out_of_fold.risk[:, place]
        known = np.flatnonzero(~np.isnan(risk))
        thresholds[arm.name] = threshold_for(training.cohort.outcome[known], risk[known], years)
    return FoldResult(tested, predictions, thresholds, absent)

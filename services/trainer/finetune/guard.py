"""Whether a fine-tuned encoder may take the place of the frozen one: by patients that it has not seen."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from services.trainer.finetune.targets import Targets
from services.trainer.metrics.bootstrap import Bootstrap, Contrast, Figure
from services.trainer.metrics.statistic import Difference
from shared.arrays import Floats, Ints


@dataclass(frozen=True, slots=True)
class Compared:
    """A figure of both encoders on patients out of fold, and its difference with a bootstrap interval of patients."""

    frozen: Figure
    tuned: Figure
    gain: Contrast

    @property
    def gained(self) -> bool:
        """Whether the lower end of the interval of 95 % lies above 0."""
        return self.gain.lo is not None and self.gain.lo > 0

    def as_json(self) -> dict[str, Any]:
        """All figures by name."""
        return {
            "frozen": asdict(self.frozen.rounded()),
            "tuned": asdict(self.tuned.rounded()),
            "gain": {name: value for name, value in asdict(self.gain.rounded()).items() if name != "p"},
        }


def compare(targets: Targets, patients: Sequence[str], frozen: Floats, tuned: Floats, seed: int) -> Compared:
    """Compare scores [n, k] of items, each by heads that have not seen its patient."""
    group = _group(patients)
    bootstrap = Bootstrap.of(int(group.max()) + 1, seed)
    before, after = (targets.discrimination(scores, group) for scores in (frozen, tuned))
    return Compared(bootstrap.figure(before), bootstrap.figure(after), bootstrap.contrast(Difference(after, before)))


def on_seen(targets: Targets, patients: Sequence[str], scores: Floats) -> float:
    """The figure of scores [n, k] by one encoder and head on patients that they may have seen, which flatters them."""
    group = _group(patients)
    return float(targets.discrimination(scores, group)(np.ones((1, int(group.max()) + 1)))[0])


def _group(patients: Sequence[str]) -> Ints:
    """The place of each item's patient among all."""
    index_of = {name: i for i, name in enumerate(sorted(set(patients)))}
    return np.array([index_of[name] for name in patients], np.int64)

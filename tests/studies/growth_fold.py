"""One fold of a SIMULATED cohort, timed step by step in this process: `python -m ...growth_fold FOLDER PLAN`."""

import json
import resource
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from services.trainer.arms.arm import Arm, Patients
from services.trainer.arms.hazards import Prediction
from services.trainer.arms.registry import arms_of
from services.trainer.cohort.cohort import Cohort
from services.trainer.simulation.simulate import SimulationPlan, simulate
from services.trainer.slides.stage import SlideScores, fit_slides
from tests.studies.bags import read_both
from tests.studies.pieces import quiet

_FOLDS = 5


def measure(folder: Path, plan: dict[str, Any]) -> dict[str, Any]:
    """Seconds of processor by step, wall seconds, and peak memory in MB of this process."""
    simulate(SimulationPlan(plan["patients"], 1.6, tiles=plan["tiles"], width=plan["width"]), folder, quiet)
    cohort, bags = read_both(folder, folder / "embeddings")
    if bags is None:
        raise ValueError("a SIMULATED cohort without bags")
    before, started, steps = _peak_mb(), time.monotonic(), {}
    tested = np.arange(len(cohort)) % _FOLDS == 0
    train, test = cohort.take(np.flatnonzero(~tested)), cohort.take(np.flatnonzero(tested))
    (model, training_scores), steps["slides"] = _timed(lambda: fit_slides(train, bags, 1))
    scores, steps["slides of the test patients"] = _timed(lambda: model.scores(test, model.tiles(bags, test.case_ids)))
    training, tested_patients = _patients(train, training_scores), _patients(test, scores)
    for arm in arms_of(cohort.profile):
        if arm.unavailable_reason(training) is None:
            _, steps[arm.name] = _timed(partial(_fit_and_predict, arm, training, tested_patients))
    return {
        "steps": {name: round(value, 2) for name, value in steps.items()},
        "cpu_s": round(sum(steps.values()), 2),
        "wall_s": round(time.monotonic() - started, 2),
        "peak_mb": round(_peak_mb(), 1),
        "before_mb": round(before, 1),
    }


def _patients(cohort: Cohort, scores: SlideScores) -> Patients:
    slides = cohort.profile.slides
    return Patients(cohort, 1, {slides.name: scores.view} if slides else {}, scores.gated)


def _fit_and_predict(arm: Arm, train: Patients, test: Patients) -> Prediction:
    return arm.fit(train).predict(test)


def _timed(work: Callable[[], Any]) -> tuple[Any, float]:
    started = time.process_time()
    return work(), time.process_time() - started


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    threadpool_limits(1)
    torch.set_num_threads(1)
    sys.stdout.write(json.dumps(measure(Path(sys.argv[1]), json.loads(sys.argv[2]))))

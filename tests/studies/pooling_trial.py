"""Tried: heads of quantiles and of the largest values of each axis beside the program's, and an instance network."""

import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from services.trainer.arms.arm import BlockView, Patients
from services.trainer.cohort.embeddings import Features
from services.trainer.folds import patient_folds
from services.trainer.out_of_fold import out_of_fold
from services.trainer.profile import load_profile
from services.trainer.slides.hazards import FOLDS
from services.trainer.slides.stage import SlideModel, fit_slides
from services.trainer.slides.tile_ridges import fit_weights
from shared.arrays import Floats
from tests.studies.bags import correlation, gains_over
from tests.studies.composition import fused
from tests.studies.pool_bags import PoolCohort, PoolCohortPlan, Signal
from tests.studies.tile_pool import PoolPlan, TilePool

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


def quantiles(bag: Features) -> Floats:
    return np.quantile(bag.astype(np.float64), QUANTILES, axis=0).ravel()


def extremes(bag: Features) -> Floats:
    ordered, k = np.sort(bag.astype(np.float64), axis=0), max(1, round(0.05 * len(bag)))
    return np.concatenate([ordered[:k].mean(axis=0), ordered[-k:].mean(axis=0)])


Bags = Sequence[Features]


def with_head(
    model: SlideModel, pool_of: Callable[[Features], Floats], train: PoolCohort, bags: Bags, new: Bags
) -> tuple[Floats, Floats]:
    """Log-risks of training patients out of fold, and of new ones."""
    columns = model.hazards.columns
    old, fresh = (np.hstack([columns.means(tiles), np.stack([pool_of(bag) for bag in tiles])]) for tiles in (bags, new))
    mean, scale = old.mean(axis=0), np.maximum(old.std(axis=0), 1e-9)
    start = columns.heads[-1].stop
    heads = [*columns.heads, slice(start, old.shape[1])]
    has = train.bags.has(train.cohort.case_ids)
    inside = train.cohort.take(has)
    folds = patient_folds(inside.case_ids, inside.outcome.event, FOLDS, np.random.default_rng([1, 29]))
    fitted = fit_weights((old - mean) / scale, heads, inside.outcome, folds, FOLDS)
    return fitted.log_risk, ((fresh - mean) / scale) @ fitted.weights.mean(axis=0)


def network(train: PoolCohort, bags: Bags, new: Bags) -> tuple[Floats, Floats]:
    """As with_head, by a network's mean log hazard of tiles."""
    has = train.bags.has(train.cohort.case_ids)
    inside = train.cohort.take(has)
    folds = patient_folds(inside.case_ids, inside.outcome.event, FOLDS, np.random.default_rng([1, 29]))
    old, fresh = (torch.tensor(np.stack(tiles)) for tiles in (bags, new))
    mean, scale = old.mean((0, 1)), old.std((0, 1)) + 1e-6
    old, fresh = (old - mean) / scale, (fresh - mean) / scale
    time, event = torch.tensor(inside.outcome.time), torch.tensor(inside.outcome.is_event)
    seen, unseen = [], []
    for fold in range(FOLDS):
        torch.manual_seed(fold)
        net = torch.nn.Sequential(torch.nn.Linear(old.shape[2], 8), torch.nn.Tanh(), torch.nn.Linear(8, 1))
        fit = torch.optim.Adam(net.parameters(), 0.01, weight_decay=0.01)
        kept = torch.tensor(np.flatnonzero(folds != fold))
        order = kept[torch.argsort(time[kept], descending=True)]
        for _ in range(150):
            fit.zero_grad()
            risk = net(old[order]).mean((1, 2))
            loss = -(risk - torch.logcumsumexp(risk, 0))[event[order]].mean()
            loss.backward()
            fit.step()
        with torch.no_grad():
            seen.append(net(old).mean((1, 2)).numpy().astype(np.float64))
            unseen.append(net(fresh).mean((1, 2)).numpy().astype(np.float64))
    return out_of_fold(np.stack(seen), np.arange(FOLDS), folds), np.mean(unseen, axis=0)


def piece(seed: int, signal: Signal, effect: float, patients: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        work, profile = Path(folder), load_profile()
        pool = TilePool.read(Path(sys.argv[1]), PoolPlan())
        plan = PoolCohortPlan(seed, signal, effect, patients)
        train = plan.draw(pool, work / "inside", profile)
        test = replace(plan, patients=400, external=True).draw(pool, work / "outside", profile)
    model, scores = fit_slides(train.cohort, train.bags, 1, gated=False)
    has, has_new = train.bags.has(train.cohort.case_ids), test.bags.has(test.cohort.case_ids)
    bags = [bag for bag in model.tiles(train.bags, train.cohort.case_ids) if len(bag)]
    new = [bag for bag in model.tiles(test.bags, test.cohort.case_ids) if len(bag)]
    ways = {"program": (scores.view.log_risk[has], model.hazards.log_risk(new))}
    ways |= {
        "quantiles": with_head(model, quantiles, train, bags, new),
        "top-k": with_head(model, extremes, train, bags, new),
    }
    ways["network"] = network(train, bags, new)
    block = profile.slides.name if profile.slides else ""
    gained = {}
    for name, (old, fresh) in ways.items():
        views = []
        for cohort, mask, values in ((train.cohort, has, old), (test.cohort, has_new, fresh)):
            log_risk = np.full(len(cohort), np.nan)
            log_risk[mask] = values
            views.append(Patients(cohort, 1, {block: BlockView(log_risk, log_risk[:, None])}))
        old_views, new_views = views
        table, whole = fused(old_views, new_views, profile.record_blocks), fused(old_views, new_views)
        tau = profile.horizons_years[-1]
        draws = [gains_over(table, {"fused": whole}, cohort.outcome, tau)["uno_c.fused"] for cohort in test.outcomes(4)]
        gained[name] = [float(np.mean(draws)), correlation(fresh, test.latent[has_new])]
    return {"seed": seed, "signal": signal, "effect": effect, "patients": patients, **gained}


if __name__ == "__main__":
    torch.set_num_threads(1)
    scenarios: tuple[tuple[Signal, float, int], ...] = (
        ("rare", 1.6, 400),
        ("common", 1.6, 400),
        ("rare", 1.6, 160),
        ("common", 1.6, 160),
        ("rare", 1.0, 400),
        ("rare", 1.0, 160),
    )
    for seed in map(int, sys.argv[2:]):
        for scenario in scenarios:
            sys.stdout.write(json.dumps(piece(seed, *scenario)) + "\n")
            sys.stdout.flush()

"""Builds the demo bundle on a SIMULATED cohort: `python -m services.trainer.demo.demo_bundle --out DIR`."""

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import yaml

from services.trainer.demo import figures
from services.trainer.demo.arms import ARMS, GRID_YEARS, LEVEL, FittedArm, fit_arm, with_refits
from services.trainer.demo.bundle_writer import plain, write_bundle
from services.trainer.demo.columns import PATHOMICS
from services.trainer.demo.cox import CoxFit
from services.trainer.demo.demo_tiles import EncodedTiles, encode
from services.trainer.demo.gated_attention import to_onnx
from services.trainer.demo.model_card import Facts, model_card
from services.trainer.demo.pathomics import FOLDS, Pathomics, fit_pathomics, folds
from services.trainer.demo.reference import reference
from services.trainer.demo.simulated_bags import SimulatedBags, simulate_bags
from services.trainer.demo.simulated_cohort import simulate
from shared.canonical import canonical_json
from shared.units import Sha256

_SERVICES = Path(__file__).parents[2]
_HORIZON = 3.0
_SENSITIVITY = 0.80
"""Share of relapses by the horizon that the threshold keeps at or above it."""


@dataclass(frozen=True)
class Recipe:
    """Everything that the bundle depends on."""

    patients: int = 300
    effect: float = 1.5
    """Hazard ratio of the slides' latent per standard deviation, given all else."""
    refits: int = 40
    resamples: int = 200
    """For the intervals of the figures."""
    seed: int = 0
    """The first there is; not to be chosen by what it gives."""
    created: str = "2026-11-23"
    slide: Path = _SERVICES / "standalone/demo/cmu-1-small-region.svs"
    encoder: Path = _SERVICES / "embedder/encoders/efficientnet_lite0"


@dataclass(frozen=True)
class _Training:
    """The cohort with its slides' log-risk out of fold, and what was seen of its slides."""

    table: pd.DataFrame
    fold: npt.NDArray[np.int64]
    slides: Pathomics
    pooled: npt.NDArray[np.float64]
    preference: float
    """Mean attention of the tiles that show the latent over that of the others, on the bags of the fit."""

    @property
    def years(self) -> npt.NDArray[np.float64]:
        return self.table.time_days.to_numpy(np.float64) / 365.25

    @property
    def codes(self) -> npt.NDArray[np.int64]:
        return self.table.event_code.to_numpy(np.int64)


def build(recipe: Recipe, out: Path) -> Sha256:
    """Simulate, fit, write; the same recipe on the same machine gives the same digest."""
    tiles = encode(recipe.slide, recipe.encoder)
    training = _training(recipe, tiles)
    rng = np.random.default_rng(recipe.seed + 1)
    arms = [with_refits(fit_arm(spec, training.table), training.table, recipe.refits, rng) for spec in ARMS]
    unseen = {arm.spec.name: _out_of_fold(arm, training) for arm in arms}
    parts = {arm.spec.file: _arm_json(arm) for arm in arms}
    parts["calibration.json"] = {"arms": {}}
    parts["thresholds.json"] = {"arms": {name: _rule(risk, training) for name, (_, risk) in unseen.items()}}
    files = {name: canonical_json(plain(part)) + b"\n" for name, part in parts.items()}
    files["reference.json"] = canonical_json(plain(reference(arms, training.table, training.pooled), 5)) + b"\n"
    files["mil.onnx"] = to_onnx(training.slides.projection, training.slides.weights)
    files["model_card.md"] = _card(recipe, training, unseen).encode()
    return write_bundle(out, files, _facts(recipe, tiles))


def _training(recipe: Recipe, tiles: EncodedTiles) -> _Training:
    rng = np.random.default_rng(recipe.seed)
    cohort = simulate(recipe.patients, recipe.effect, rng)
    sites = np.array([int(site.removeprefix("SITE-")) for site in cohort.table.site_id], np.int64)
    bags = simulate_bags(tiles.features, cohort.latent, sites, rng)
    years, events = cohort.table.time_days.to_numpy() / 365.25, cohort.table.event_code.to_numpy() == 1
    fold = folds(events, rng)
    slides = fit_pathomics(bags.features, years, events, fold, recipe.seed)
    table = cohort.table.assign(**{PATHOMICS: slides.out_of_fold})
    return _Training(table, fold, slides, bags.features.mean(axis=1), _preference(slides, bags))


def _preference(slides: Pathomics, bags: SimulatedBags) -> float:
    seen = slides.attention(bags.features)
    return float(seen[bags.showing].mean() / seen[~bags.showing].mean())


def _out_of_fold(arm: FittedArm, training: _Training) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Log-risk and risk at the horizon of each patient [n], from a model that never saw them."""
    log_risk, risk = np.empty(len(training.table)), np.empty(len(training.table))
    for k in range(FOLDS):
        inside, held_out = training.table[training.fold != k], training.table[training.fold == k]
        fit = fit_arm(arm.spec, inside)
        log_risk[training.fold == k], risk[training.fold == k] = fit.log_risk(held_out), fit.risk(held_out, _HORIZON)
    return log_risk, risk


def _rule(risk: npt.NDArray[np.float64], training: _Training) -> dict[str, Any]:
    return {
        "horizon_years": _HORIZON,
        "groups": [{"name": "below threshold", "below": _threshold(risk, training)}, {"name": "above threshold"}],
        "basis": "the threshold keeps at least 80 % of the 3-year relapses of a SIMULATED cohort above it, out of fold",
    }


def _threshold(risk: npt.NDArray[np.float64], training: _Training) -> float:
    return figures.limit_for_sensitivity(risk, training.years, training.codes, _HORIZON, _SENSITIVITY)


def _arm_json(arm: FittedArm) -> dict[str, Any]:
    return {
        "columns": [column.as_json() for column in arm.columns],
        "times_years": GRID_YEARS,
        "fit": _fit_json(arm.causes),
        "refits": [_fit_json(causes) for causes in arm.refits],
        "level": LEVEL,
    }


def _fit_json(causes: tuple[CoxFit, ...]) -> dict[str, Any]:
    parts = [
        {"log_hazard": {"kind": "linear", "coefficients": fit.coefficients}, "baseline": fit.baseline} for fit in causes
    ]
    return {"event": parts[0], "competing": parts[1:]}


def _facts(recipe: Recipe, tiles: EncodedTiles) -> dict[str, Any]:
    """What bundle.json says beside the digests."""
    profile = yaml.safe_load((Path(__file__).parent / "medulloblastoma.yaml").read_text())
    return {
        "name": "demo-simulated",
        "created": recipe.created,
        "profile": profile,
        "encoder": {"name": tiles.encoder_name, "digest": tiles.encoder_digest},
        "arms": [{"name": spec.name, "file": spec.file, "blocks": list(spec.blocks)} for spec in ARMS],
        "simulated": True,
    }


def _card(recipe: Recipe, training: _Training, unseen: dict[str, Any]) -> str:
    rng = np.random.default_rng(recipe.seed + 2)
    risks = {name: log_risk for name, (log_risk, _) in unseen.items()}
    fused, outcome = unseen["fused"][1], (training.years, training.codes, _HORIZON)
    limit = _threshold(fused, training)
    facts = Facts(
        table=training.table,
        effect=recipe.effect,
        refits=recipe.refits,
        seed=recipe.seed,
        preference=training.preference,
        concordance=figures.concordances(risks, training.years, training.codes, recipe.resamples, rng),
        observed_to_expected=figures.observed_to_expected(fused, *outcome),
        threshold=limit,
        operating=figures.operating_point(fused, limit, *outcome),
    )
    return model_card(facts)


def main() -> None:
    """Read the command line and build."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder of the bundle; its files are replaced")
    parser.add_argument("--patients", type=int, default=Recipe.patients)
    parser.add_argument("--effect", type=float, default=Recipe.effect, help="hazard ratio per SD of the slides' latent")
    parser.add_argument("--refits", type=int, default=Recipe.refits)
    parser.add_argument("--seed", type=int, default=Recipe.seed)
    given = parser.parse_args()
    recipe = Recipe(patients=given.patients, effect=given.effect, refits=given.refits, seed=given.seed)
    print(build(recipe, given.out))  # noqa: T201 - the digest is this command's answer


if __name__ == "__main__":
    main()

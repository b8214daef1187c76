"""Writes a SIMULATED cohort: cohort.csv, embeddings, the truth behind it, and on request small real-pixel slides."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from services.trainer.cohort.embeddings import Features
from services.trainer.simulation.bags import KINDS, Tissue, draw_bag, shares, site_shifts
from services.trainer.simulation.gaps import as_rows, without_slides
from services.trainer.simulation.patients import Facts, draw_facts
from services.trainer.simulation.rare import rare_shares
from services.trainer.simulation.simulated_outcome import (
    HAZARD_RATIO,
    SimulatedOutcome,
    draw_latent,
    draw_outcome,
    true_risk,
)
from services.trainer.simulation.tables import write_table
from services.trainer.simulation.vectors import DrawnVectors, VectorPlan
from services.trainer.simulation.write_vectors import write_vectors
from shared.arrays import Floats
from shared.canonical import digest_of, sha256
from shared.progress import Advance
from shared.tensors import encode_tensors

ENCODER_NAME = "SIMULATED"
_RARE = "Few tiles carry the hazard, 3 to 8 % of most patients'; backgrounds vary between patients and sites.\n\n"


@dataclass(frozen=True)
class SimulationPlan:
    """What to simulate."""

    patients: int
    effect: float = 1.5
    """Hazard ratio of the slides' latent per standard deviation, given all else; 1 for none."""
    sites: int = 5
    seed: int = 1
    tiles: int = 200
    """Of a slide, about."""
    width: int = 64
    """Features of a tile."""
    shift: float = 1.0
    """Stain and scanner shift of the sites, in standard deviations of a tile."""
    prefix: str = "SIMULATED"
    """Of the case ids; another one for a cohort that is to be external."""
    outcome_seed: int | None = field(default=None, repr=False)
    """Another draw of what became of the same patients, with the same slides, and of what is not known of them."""
    vectors: tuple[VectorPlan, ...] = field(default=(), repr=False)
    """Blocks of vectors."""
    rare: bool = field(default=False, repr=False)
    """Whether few tiles carry the hazard, on backgrounds that vary between patients and sites."""


@dataclass(frozen=True, eq=False)
class Simulated:
    """The drawn cohort before it is written."""

    names: list[str]
    sites: Sequence[int]
    facts: Facts
    simulated_outcome: SimulatedOutcome
    has_slides: Sequence[bool]
    vectors: DrawnVectors


def simulate(plan: SimulationPlan, out: Path, advance: Advance) -> Simulated:
    """Draw and write a cohort; the same plan gives the same bytes."""
    rng = np.random.default_rng([plan.seed, 1])
    facts = draw_facts(plan.patients, rng)
    latent = draw_latent(facts, rng)
    vectors = DrawnVectors.of(plan.vectors, plan.patients, plan.seed)
    simulated_outcome = draw_outcome(facts, latent, plan.effect, rng, vectors.log_hazard)
    places = rng.integers(0, plan.sites, plan.patients)
    names = [f"{plan.prefix}-{plan.seed}-{i:05d}" for i in range(plan.patients)]
    sites = [f"{plan.prefix}-SITE-{plan.seed}-{place}" for place in places]
    rows = as_rows(names, sites, facts, simulated_outcome, rng)
    has_slides = (~without_slides(plan.patients, rng)).tolist()
    if plan.outcome_seed is not None:
        # after all that the first stream gives, so that sites and slides are the same for every outcome seed
        outcome_rng = np.random.default_rng([plan.seed, 4, plan.outcome_seed])
        simulated_outcome = draw_outcome(facts, latent, plan.effect, outcome_rng, vectors.log_hazard)
        rows = as_rows(names, sites, facts, simulated_outcome, outcome_rng)
    drawn = Simulated(names, places.tolist(), facts, simulated_outcome, has_slides, vectors)
    write_table(out / "cohort.csv", rows)
    write_table(out / "SIMULATED_truth.csv", _truth(drawn))
    (out / "SIMULATED.md").write_text(_about(plan), encoding="utf-8")
    write_vectors(vectors, names, out)
    _write_bags(plan, drawn, out / "embeddings", advance)
    return drawn


def _write_bags(plan: SimulationPlan, drawn: Simulated, folder: Path, advance: Advance) -> None:
    rng = np.random.default_rng([plan.seed, 2])
    tissue = Tissue.of(plan.width)
    shifts, mixed = site_shifts(plan.sites, plan.shift, rng), _shares(plan, drawn, rng)
    rows = []
    for i, name in enumerate(drawn.names):
        if drawn.has_slides[i]:
            tiles = max(1, int(plan.tiles * rng.uniform(0.5, 1.5)))
            rows.append(write_bag(folder, name, draw_bag(tissue, mixed[i], shifts[drawn.sites[i]], tiles, rng)))
        advance(i + 1, len(drawn.names))
    write_table(folder / "index.csv", rows)


def _shares(plan: SimulationPlan, drawn: Simulated, rng: np.random.Generator) -> Floats:
    """Share [n, kinds] of each kind of tile."""
    latent = drawn.simulated_outcome.latent
    return rare_shares(latent, np.array(drawn.sites), rng, KINDS - 1) if plan.rare else shares(latent, rng)


def write_bag(folder: Path, name: str, features: Features) -> dict[str, str]:
    """One bag at embeddings/{slide}/{plan}/{encoder}/, all digests of what it is made of."""
    slide, encoder = f"{name}-a", digest_of([ENCODER_NAME, features.shape[1]])
    digest, plan = sha256(features.tobytes()), digest_of([ENCODER_NAME, len(features)])
    side = int(np.ceil(np.sqrt(len(features))))
    coords = (
        np.stack([np.arange(len(features)) % side, np.arange(len(features)) // side], axis=1).astype(np.int32) * 256
    )
    metadata = {"slide_digest": digest, "plan_digest": plan, "encoder_digest": encoder, "encoder_name": ENCODER_NAME}
    metadata |= {"tile_px": "256", "tile_um": "128.0", "tiles": str(len(features)), "corrupt": "0"}
    path = Path("embeddings") / digest / plan / encoder / "bag.safetensors"
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_bytes(encode_tensors({"features": features.astype(np.float16), "coords": coords}, metadata))
    return {"case_id": name, "slide_id": slide, "slide_digest": digest, "tiles": str(len(features)), "path": str(path)}


def _truth(drawn: Simulated) -> list[dict[str, str]]:
    risks: list[Floats] = [true_risk(drawn.facts, drawn.simulated_outcome, years) for years in (3.0, 5.0)]
    return [
        {
            "case_id": name,
            "latent": f"{drawn.simulated_outcome.latent[i]:.6g}",
            "log_hazard": f"{np.log(drawn.simulated_outcome.theta[i]):.6g}",
            "risk_3y": f"{risks[0][i]:.6g}",
            "risk_5y": f"{risks[1][i]:.6g}",
            **{f"latent_{name}": f"{latent[i]:.6g}" for name, latent in drawn.vectors.latents.items()},
        }
        for i, name in enumerate(drawn.names)
    ]


def _about(plan: SimulationPlan) -> str:
    note = "" if plan.outcome_seed is None else f"Outcomes and gaps are drawn anew, with seed {plan.outcome_seed}.\n\n"
    note += _RARE if plan.rare else ""
    ratios = "\n".join(f"| {name} | {ratio:g} |" for name, ratio in HAZARD_RATIO.items())
    return (
        "# SIMULATED cohort\n\nThese patients never lived. Nothing here says anything about a patient.\n\n"
        f"{plan}\n\n{note}| true hazard ratio of relapse, given all else | |\n|---|---|\n{ratios}\n"
        f"| what the slides show, per SD | {plan.effect:g} |\n"
        + "".join(f"| what {block.name} shows, per SD | {block.effect:g} |\n" for block in plan.vectors)
    )

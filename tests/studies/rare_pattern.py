"""SIMULATED bags in which few tiles carry what the slides say of risk, and labels of some of these tiles."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from services.trainer.cohort.embeddings import Embeddings, Features, read_embeddings
from services.trainer.simulation.bags import KINDS, Tissue, draw_bag, site_shifts
from services.trainer.simulation.simulate import write_bag
from services.trainer.simulation.tables import write_table
from services.trainer.tile_classifier.labels import ABOUT, COLUMNS, TILES
from shared.arrays import Floats, Ints
from shared.canonical import canonical_json
from shared.csv_file import write_csv

PATTERN, OTHER = "pattern", "other"
_LOG_ODDS, _SLOPE = -3.75, 0.9
"""Of the pattern's share, at an average latent and for a standard deviation of it: about 3 % of tiles."""
_WIDTH = 64


@dataclass(frozen=True)
class Tissues:
    """How bags are drawn."""

    tiles: int
    apart: float
    """Distance of the kinds of tissue, relative to the other studies; the classifier's AUC follows from it."""
    sites: int
    shift: float


def write_bags(names: list[str], latent: Floats, tissues: Tissues, seed: int, out: Path) -> dict[str, Ints]:
    """Write a bag of each patient; gives the kind [tiles] of every tile by case."""
    rng = np.random.default_rng([seed, 79])
    tissue = Tissue.of(_WIDTH)
    tissue = replace(tissue, centres=tissue.centres * tissues.apart)
    shifts, shares = site_shifts(tissues.sites, tissues.shift, rng), rare_shares(latent, rng)
    rows, kinds = [], {}
    for name, share in zip(names, shares, strict=True):
        kinds[name] = np.sort(rng.choice(KINDS, tissues.tiles, p=share)).astype(np.int64)
        shift = shifts[int(rng.integers(tissues.sites))]
        rows.append(write_bag(out, name, _features(tissue, kinds[name], shift, rng)))
    write_table(out / "index.csv", rows)
    return kinds


def rare_shares(latent: Floats, rng: np.random.Generator) -> Floats:
    """Share [n, kinds] of each kind; that of the last, the pattern, is a logistic function of the latent alone."""
    pattern = 1 / (1 + np.exp(-(_LOG_ODDS + _SLOPE * latent)))
    others = rng.dirichlet(np.full(KINDS - 1, 2.0), len(latent)) * (1 - pattern)[:, None]
    return np.concatenate([others, pattern[:, None]], axis=1)


def write_labels(embeddings: Path, kinds: dict[str, Ints], patients: int, tiles: int, out: Path) -> None:
    """Labels of `tiles` tiles of each of the first patients who show the pattern: at most 40 % of it, the rest not."""
    bags = read_embeddings(embeddings)
    chosen = [case for case, own in kinds.items() if (own == KINDS - 1).any()][:patients]
    out.mkdir(parents=True, exist_ok=True)
    write_csv(out / TILES, COLUMNS, [row for case in chosen for row in _labels(case, bags, kinds[case], tiles)])
    (out / ABOUT).write_bytes(canonical_json({"grid": {"tile_px": 256, "tile_um": 128.0}}))


def _labels(case: str, bags: Embeddings, kinds: Ints, tiles: int) -> Iterator[tuple[object, ...]]:
    (bag,) = bags.by_case[case]
    rng = np.random.default_rng([len(kinds), *case.encode()])
    pattern = rng.permutation(np.flatnonzero(kinds == KINDS - 1))[: int(0.4 * tiles)]
    other = rng.permutation(np.flatnonzero(kinds != KINDS - 1))[: tiles - len(pattern)]
    origins = bag.origins()
    for name, places in ((PATTERN, pattern), (OTHER, other)):
        for place in places:
            x, y = origins[place]
            yield case, bag.slide_id, bag.slide_digest, name, int(x), int(y), 1.0, ""


def _features(tissue: Tissue, kinds: Ints, shift: Floats, rng: np.random.Generator) -> Features:
    """Tiles of these kinds, in their order."""
    parts = []
    for kind in range(KINDS):
        count = int((kinds == kind).sum())
        if count:
            parts.append(draw_bag(tissue, np.eye(KINDS)[kind], shift, count, rng))
    return np.concatenate(parts)

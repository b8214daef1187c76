"""SIMULATED bags whose tiles are of known classes, and a table of labels of some of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from services.trainer.simulation.simulate import write_bag
from services.trainer.simulation.tables import write_table
from services.trainer.tile_classifier.labels import ABOUT, COLUMNS, TILES
from shared.arrays import Floats, Ints
from shared.canonical import canonical_json
from shared.csv_file import write_csv


@dataclass(frozen=True)
class Drawn:
    """Folders of tiles and embeddings, and the class of every tile by case."""

    tiles: Path
    embeddings: Path
    truth: dict[str, Ints]


def draw(
    out: Path, shares: Sequence[Floats], *, apart: float, tiles: int = 60, labelled: int = 6, seed: int = 3
) -> Drawn:
    """A bag of each patient, whose tiles are of classes A, B, … by `shares`; 8 features, classes `apart` SD apart."""
    rng = np.random.default_rng(seed)
    centres = apart * np.eye(8)[: len(shares[0])]
    rows, listed, truth = [], [], {}
    for number, share in enumerate(shares):
        case = f"P-{number}"
        truth[case] = rng.choice(len(share), tiles, p=share).astype(np.int64)
        features = (centres[truth[case]] + rng.normal(size=(tiles, 8))).astype(np.float32)
        rows.append(write_bag(out / "embeddings", case, features))
        for tile in range(labelled):
            place = (256 * (tile % int(np.ceil(tiles**0.5))), 256 * (tile // int(np.ceil(tiles**0.5))))
            name = "ABCDEFGH"[truth[case][tile]]
            listed.append((case, rows[-1]["slide_id"], rows[-1]["slide_digest"], name, *place, 1.0, "x.png"))
    write_table(out / "embeddings/index.csv", rows)
    write_labels(out / "tiles", listed)
    return Drawn(out / "tiles", out / "embeddings", truth)


def write_labels(folder: Path, rows: Sequence[Sequence[object]], px: int = 256) -> None:
    """The tables of `medulla tiles`, without pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    write_csv(folder / TILES, COLUMNS, rows)
    (folder / ABOUT).write_bytes(canonical_json({"grid": {"tile_px": px, "tile_um": 128.0}}))

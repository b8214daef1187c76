"""Two public sets of labelled tiles, from a folder that the user names, with whose tissue each tile shows."""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from services.trainer.errors import BadTilesError
from services.trainer.finetune.tile_dataset import SUFFIXES, Item
from shared.arrays import Flags, Ints

_OSTEOSARCOMA = re.compile(r"^(?P<label>[A-Za-z-]+)___(?P<patient>Case-\d+|P\d+)-(?:P\d+-)?[A-Z]\d+-")


@dataclass(frozen=True, eq=False)
class Tiles:
    """Labelled tiles and how they are split: `fold` [n], where a tile of fold -1 is never tested."""

    name: str
    title: str
    items: tuple[Item, ...]
    label: Ints
    classes: tuple[str, ...]
    fold: Ints

    @property
    def patients(self) -> tuple[str, ...]:
        """Whose each tile is."""
        return tuple(item.patient for item in self.items)

    @property
    def tested(self) -> Flags:
        """Which tiles are ever tested."""
        return np.asarray(self.fold >= 0, np.bool_)


def osteosarcoma(folder: Path) -> Tiles:
    """Three classes of 60 tiles of four patients; each patient is tested by what the other three have taught.

    TCIA Osteosarcoma-Tumor-Assessment (Leavey et al., 2019, CC BY 3.0), 1 um a pixel.
    """
    files = _files(folder, "projects/Osteosarcoma/test")
    named = [(path, match) for path in files if (match := _OSTEOSARCOMA.match(path.name))]
    if len(named) != len(files):
        raise BadTilesError(f"{folder} holds tiles whose names are not those of the published ones")
    patients = sorted({match["patient"] for _, match in named})
    classes = tuple(sorted({match["label"] for _, match in named}))
    return Tiles(
        name="osteosarcoma",
        title="Osteosarcoma, 3 classes, leave one patient out",
        items=tuple(Item(match["patient"], (path,)) for path, match in named),
        label=np.array([classes.index(match["label"]) for _, match in named], np.int64),
        classes=classes,
        fold=np.array([patients.index(match["patient"]) for _, match in named], np.int64),
    )


def lung(folder: Path) -> Tiles:
    """LUAD or LUSC: 130 tiles of 13 patients teach, 60 of 6 others are tested, as published (TCGA; CC BY-NC-ND)."""
    files = [
        (part, path)
        for part in ("train", "test")
        for label in ("LUAD", "LUSC")
        for path in _files(folder, f"tcga_luadlusc/{part}/{label}")
    ]
    classes = ("LUAD", "LUSC")
    items = tuple(Item(f"{part} {path.parent.name} {path.name.split('_')[0]}", (path,)) for part, path in files)
    return Tiles(
        name="lung",
        title="LUAD or LUSC, train to test",
        items=items,
        label=np.array([classes.index(path.parent.name) for _, path in files], np.int64),
        classes=classes,
        fold=np.array([0 if part == "test" else -1 for part, _ in files], np.int64),
    )


def _files(folder: Path, ending: str) -> list[Path]:
    for place in sorted(folder.rglob(ending)):
        files = sorted(path for path in place.iterdir() if path.suffix.lower() in SUFFIXES)
        if files:
            return files
    raise BadTilesError(f"{folder} holds no tiles below {ending}")

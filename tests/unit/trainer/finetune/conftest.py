"""Fine-tuning needs torch."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from services.embedder.manifest import read_manifest, read_model
from tests.support.finetuning import EQUALLY_BRIGHT, labelled_tiles, small_encoder
from tests.support.missing import optional_library

optional_library("torch", "train")

import torch  # noqa: E402

from services.trainer.finetune.assignment import Assignment, Base, Request, from_labels  # noqa: E402 - needs torch
from services.trainer.finetune.ranks import Ranks  # noqa: E402
from services.trainer.finetune.run import Tuned, finetune  # noqa: E402
from services.trainer.finetune.settings import Settings  # noqa: E402
from services.trainer.finetune.tile_dataset import read_labelled, read_unlabelled  # noqa: E402
from shared.progress import Advance, silent  # noqa: E402


def read_base(folder: Path) -> Base:
    manifest = read_manifest(folder)
    return Base(read_model(folder, manifest), manifest.name, manifest.digest, manifest.input_px, manifest.dim)


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Base:
    return read_base(small_encoder(tmp_path_factory.mktemp("encoder")))


@pytest.fixture(scope="session")
def blind(tmp_path_factory: pytest.TempPathFactory) -> Base:
    """An encoder whose frozen features say nothing of `tiles`."""
    return read_base(small_encoder(tmp_path_factory.mktemp("blind"), colour_blind=True))


@pytest.fixture(scope="session")
def tiles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return labelled_tiles(tmp_path_factory.mktemp("tiles") / "labelled", colours=EQUALLY_BRIGHT)


@dataclass(frozen=True)
class Run:
    """Fine-tunes an encoder on a folder of labelled tiles."""

    base: Base
    tiles: Path
    settings: Settings
    unlabelled: Path | None = None

    @property
    def assignment(self) -> Assignment:
        unlabelled = read_unlabelled(self.unlabelled) if self.unlabelled else None
        return from_labels(read_labelled(self.tiles), Request(self.base, self.settings, unlabelled, {}))

    def __call__(self, out: Path, advance: Advance = silent) -> Tuned:
        torch.set_num_threads(1)
        return finetune(self.assignment, self.base, Ranks(), out, advance)

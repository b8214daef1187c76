"""Fine-tuning needs torch."""

from pathlib import Path

import pytest

from services.embedder.manifest import read_manifest, read_model
from tests.support.finetuning import labelled_tiles, small_encoder
from tests.support.missing import optional_library

optional_library("torch", "train")

from services.trainer.finetune.run import Base  # noqa: E402 - needs torch


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Base:
    folder = small_encoder(tmp_path_factory.mktemp("encoder"))
    manifest = read_manifest(folder)
    return Base(read_model(folder, manifest), manifest.name, manifest.digest, manifest.input_px, manifest.dim)


@pytest.fixture(scope="session")
def tiles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return labelled_tiles(tmp_path_factory.mktemp("tiles") / "labelled")

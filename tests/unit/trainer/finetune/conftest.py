"""Fine-tuning needs torch."""

from pathlib import Path

import pytest

pytest.importorskip("torch", reason="torch is in the group `train`")

from services.trainer.finetune.run import Base
from tests.support.finetuning import base_of, labelled_tiles, small_encoder


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Base:
    return base_of(small_encoder(tmp_path_factory.mktemp("encoder")))


@pytest.fixture(scope="session")
def tiles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return labelled_tiles(tmp_path_factory.mktemp("tiles") / "labelled")

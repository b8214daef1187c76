"""Training: what is drawn, how far it goes from its start, and that a stop in between changes nothing."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tensorboardX.proto.event_pb2 import Event

from services.trainer.cohort.cohort import Outcome
from services.trainer.finetune.assignment import Base
from services.trainer.finetune.checkpoint import CHECKPOINT
from services.trainer.finetune.draws import batches, shared_out
from services.trainer.finetune.network import averaged, mixed
from services.trainer.finetune.run import Tuned
from services.trainer.finetune.run_dir import work_folder
from services.trainer.finetune.settings import Settings
from services.trainer.finetune.targets import Classes, Hazards
from services.trainer.finetune.tile_dataset import Item
from tests.unit.trainer.finetune.conftest import Run

SETTINGS = Settings(epochs=3, share=1.0, rate=2e-2, batch=8, stain=0.0, pull=0.01)


class StopError(Exception):
    """Stands for Ctrl-C."""


@pytest.fixture(scope="module")
def run(blind: Base, tiles: Path) -> Run:
    return Run(blind, tiles, SETTINGS)


@pytest.fixture(scope="module")
def whole(run: Run, tmp_path_factory: pytest.TempPathFactory) -> tuple[Tuned, Path]:
    out = tmp_path_factory.mktemp("whole")
    return run(out), out


@pytest.mark.parametrize("stop_at", [50, 400, 900])
def test_a_run_that_was_stopped_goes_on_to_the_same_bytes(
    whole: tuple[Tuned, Path], run: Run, tmp_path: Path, stop_at: int
) -> None:
    def advance(done: int, total: int) -> None:
        assert done <= total
        if done >= stop_at:
            raise StopError

    with pytest.raises(StopError):
        run(tmp_path, advance)
    again = run(tmp_path)
    assert again.model == whole[0].model
    assert again.facts == whole[0].facts


def test_a_damaged_checkpoint_begins_anew(whole: tuple[Tuned, Path], run: Run, tmp_path: Path) -> None:
    fold = work_folder(tmp_path, run.assignment.run) / "fold-0"
    fold.mkdir()
    (fold / CHECKPOINT).write_bytes(b"cut short")
    assert run(tmp_path).model == whole[0].model


def test_a_stronger_pull_stays_closer_to_the_start(run: Run, whole: tuple[Tuned, Path], tmp_path: Path) -> None:
    replace(run, settings=replace(SETTINGS, pull=100.0))(tmp_path)
    free, held = (distances(folder / "logs/fold-0") for folder in (whole[1], tmp_path))
    assert 0 < held[-1] < free[-1] / 2


def distances(folder: Path) -> list[float]:
    values = [value for event in events(folder) for value in event.summary.value if value.tag == "distance"]
    return [value.simple_value for value in values]


def events(folder: Path) -> list[Event]:
    """Records of event files: length, its check, content, its check."""
    results = []
    for path in sorted(folder.glob("events.*")):
        data = path.read_bytes()
        while data:
            size = int.from_bytes(data[:8], "little")
            results.append(Event.FromString(data[12 : 12 + size]))
            data = data[16 + size :]
    return results


def test_curves_can_be_read_back_from_the_event_file(whole: tuple[Tuned, Path]) -> None:
    written = [(event.step, value) for event in events(whole[1] / "logs/fold-1") for value in event.summary.value]
    assert sorted({step for step, _ in written}) == [1, 2, 3]
    assert {value.tag for _, value in written} == {"loss/learned", "loss/held_out", "rate", "distance"}


def test_weights_on_the_way_and_the_mean_of_several_are_those_by_hand() -> None:
    start, end = {"w": torch.zeros(2)}, {"w": torch.tensor([1.0, 4.0])}
    assert mixed(start, end, 0.25)["w"].tolist() == [0.25, 1.0]
    assert torch.equal(mixed(start, end, 0.0)["w"], start["w"])
    assert averaged([start, end, end])["w"].tolist() == pytest.approx([2 / 3, 8 / 3])


def test_each_patient_gives_no_more_tiles_an_epoch_than_allowed_and_other_ones_each_time() -> None:
    items = [Item(f"P{i // 20}", (Path(str(i)),)) for i in range(60)]
    settings = Settings(most=5, batch=4)
    drawn = [
        np.concatenate([batch.index for batch in batches(items, np.arange(60), settings, epoch)]) for epoch in (1, 2)
    ]
    assert [np.bincount(one // 20).tolist() for one in drawn] == [[5, 5, 5]] * 2
    assert set(drawn[0]) != set(drawn[1])


def test_processes_share_out_every_step_without_overlap() -> None:
    items = [Item(f"P{i}", (Path(str(i)),)) for i in range(7)]
    steps = batches(items, np.arange(7), Settings(batch=4), 1)
    parts = [shared_out(steps, rank, 2) for rank in (0, 1)]
    for step, *shares in zip(steps, *parts, strict=True):
        assert sorted(i for share in shares for i in share.index) == sorted(step.index)
        assert all([item for item, _ in share.tiles] == share.index.tolist() for share in shares)


def test_the_hazard_loss_ends_at_the_event_at_a_competing_event_and_at_censoring() -> None:
    outcome = Outcome(np.array([1.0, 2.0, 3.0, 1.5, 0.5]), np.array([1, 1, 1, 0, 2]))
    learned = np.array([True, True, True, False, False])
    hazard = Hazards(outcome).task(learned)
    intervals = len(hazard.start)
    losses = hazard.losses(torch.zeros(5, intervals), np.arange(5))
    at_risk = hazard.target[0].sum(dim=1)
    assert losses.tolist() == pytest.approx((np.log(2) * at_risk.numpy()).tolist())
    assert at_risk[0] < at_risk[3] < at_risk[1] < at_risk[2] == intervals
    assert hazard.target[1].sum(dim=1).tolist() == [1, 1, 1, 0, 0]
    assert at_risk[4] == 0


def test_classes_count_alike_whatever_their_number() -> None:
    label = np.array([0] * 9 + [1])
    weight = Classes(label).task(np.ones(10, np.bool_)).weight
    assert weight[:9].sum().item() == pytest.approx(weight[9].item())

"""Training: what is learned, by whom it is stopped, and that a stop in between changes nothing."""

from pathlib import Path

import numpy as np
import pytest
import torch
from tensorboardX.proto.event_pb2 import Event

from services.trainer.cohort.cohort import Outcome
from services.trainer.finetune import task
from services.trainer.finetune.checkpoint import CHECKPOINT
from services.trainer.finetune.draws import batches, shared_out
from services.trainer.finetune.ranks import Ranks
from services.trainer.finetune.run import Assignment, Base, Tuned, finetune, from_labels
from services.trainer.finetune.run_dir import work_folder
from services.trainer.finetune.settings import Settings
from services.trainer.finetune.tile_dataset import Item, read_labelled

SETTINGS = Settings(epochs=4, frozen_epochs=1, share=1.0, rate=5e-3, batch=8)


class StopError(Exception):
    """Stands for Ctrl-C."""


@pytest.fixture(scope="module")
def assignment(tiles: Path, base: Base) -> Assignment:
    return from_labels(read_labelled(tiles), base, SETTINGS, {})


def tune(assignment: Assignment, base: Base, out: Path, stop_at: int = -1) -> Tuned:
    def advance(done: int, total: int) -> None:
        assert done <= total
        if done == stop_at:
            raise StopError

    torch.set_num_threads(1)
    return finetune(assignment, base, Ranks(), out, advance)


@pytest.fixture(scope="module")
def whole(assignment: Assignment, base: Base, tmp_path_factory: pytest.TempPathFactory) -> tuple[Tuned, Path]:
    out = tmp_path_factory.mktemp("whole")
    return tune(assignment, base, out), out


def test_it_learns_colours_and_the_held_out_patients_gain(whole: tuple[Tuned, Path], base: Base) -> None:
    facts = whole[0].facts
    assert facts["best_epoch"] > SETTINGS.frozen_epochs
    assert facts["best_loss"] < facts["frozen_loss"] < np.log(2)
    assert whole[0].model != base.model
    assert (facts["patients"], facts["tiles"], facts["learned_from"]) == (6, 36, "labelled tiles")
    assert facts["parity"] < 1e-4


@pytest.mark.parametrize("stop_at", [1, 6, 11])
def test_a_run_that_was_stopped_goes_on_to_the_same_bytes(
    whole: tuple[Tuned, Path], assignment: Assignment, base: Base, tmp_path: Path, stop_at: int
) -> None:
    with pytest.raises(StopError):
        tune(assignment, base, tmp_path, stop_at)
    assert tune(assignment, base, tmp_path).model == whole[0].model


def test_a_damaged_checkpoint_begins_anew(
    whole: tuple[Tuned, Path], assignment: Assignment, base: Base, tmp_path: Path
) -> None:
    (work_folder(tmp_path, assignment.run) / CHECKPOINT).write_bytes(b"cut short")
    assert tune(assignment, base, tmp_path).model == whole[0].model


def test_where_the_encoder_gains_nothing_its_base_comes_back_unchanged(tiles: Path, base: Base, tmp_path: Path) -> None:
    settings = Settings(epochs=3, frozen_epochs=2, share=1.0, rate=10.0, batch=8)
    tuned = tune(from_labels(read_labelled(tiles), base, settings, {}), base, tmp_path)
    assert tuned.facts["best_epoch"] <= settings.frozen_epochs
    assert tuned.model == base.model


def test_a_longer_training_of_the_head_is_no_gain_of_the_encoder(tiles: Path, base: Base, tmp_path: Path) -> None:
    settings = Settings(epochs=3, frozen_epochs=1, share=0.0, batch=8)
    facts = tune(from_labels(read_labelled(tiles), base, settings, {}), base, tmp_path).facts
    assert facts["frozen_loss"] == facts["best_loss"]


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
    written = [(event.step, value) for event in events(whole[1] / "logs") for value in event.summary.value]
    held = {step: value.simple_value for step, value in written if value.tag == "loss/held_out"}
    assert sorted(held) == [1, 2, 3, 4]
    assert min(held.values()) == pytest.approx(whole[0].facts["best_loss"], rel=1e-5)
    assert {value.tag for _, value in written} == {"loss/learned", "loss/held_out", "rate/head", "rate/encoder"}


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
    hazard = task.hazards(outcome, learned)
    intervals = len(hazard.start)
    losses = hazard.losses(torch.zeros(5, intervals), np.arange(5))
    at_risk = hazard.target[0].sum(dim=1)
    assert losses.tolist() == pytest.approx((np.log(2) * at_risk.numpy()).tolist())
    assert at_risk[0] < at_risk[3] < at_risk[1] < at_risk[2] == intervals
    assert hazard.target[1].sum(dim=1).tolist() == [1, 1, 1, 0, 0]
    assert at_risk[4] == 0


def test_classes_count_alike_whatever_their_number() -> None:
    label = np.array([0] * 9 + [1])
    weight = task.classes(label, np.ones(10, np.bool_)).weight
    assert weight[:9].sum().item() == pytest.approx(weight[9].item())

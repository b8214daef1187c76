"""What is told of an encoder that was fine-tuned."""

import pytest

from services.embedder.manifest import Training
from services.standalone.encoder_lines import training_lines

DIGEST = "0" * 64


def training(held_out: int, best: float, frozen: float | None) -> Training:
    return Training(
        run=DIGEST,
        base="small",
        base_digest=DIGEST,
        learned_from="labelled tiles",
        data_digest=DIGEST,
        simulated=False,
        classes=("pink", "violet"),
        patients=60,
        held_out=held_out,
        tiles=600,
        epochs=8,
        best_epoch=6,
        best_loss=best,
        frozen_loss=frozen,
        parity=0.0,
        settings={},
    )


@pytest.mark.parametrize(
    ("trained", "verdict"),
    [
        (training(12, 0.4, 0.5), "gain on 12 held-out patients"),
        (training(12, 0.5, 0.5), "no gain on 12 held-out patients: the weights are those of its base"),
        (training(4, 0.4, 0.5), "gain on 4 held-out patients, too few to rely on"),
        (training(1, 0.5, 0.5), "no gain on 1 held-out patient, too few to rely on: the weights are those of its base"),
        (
            training(1, 0.5, None),
            "not compared with its base on the 1 held-out patient: no epoch trained the head alone",
        ),
    ],
)
def test_a_gain_is_claimed_only_where_it_was_compared(trained: Training, verdict: str) -> None:
    assert training_lines(trained)[-1] == f"verdict  {verdict}"

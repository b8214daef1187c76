"""What is told of an encoder that was fine-tuned."""

from typing import Literal

import pytest

from services.embedder.manifest import Guard, Interval, Training
from services.standalone.encoder_lines import training_lines

DIGEST = "0" * 64


def training(guard: Guard | None) -> Training:
    return Training(
        run=DIGEST,
        base="small",
        base_digest=DIGEST,
        learned_from="labelled tiles",
        data_digest=DIGEST,
        simulated=False,
        classes=("pink", "violet"),
        patients=60,
        tiles=600,
        guard=guard,
        parity=0.0,
        settings={},
    )


def guard(exported: Literal["tuned", "frozen"], gain: Interval | None, mean_on_seen: float | None = None) -> Guard:
    figure = Interval(est=0.8, lo=0.7, hi=0.9)
    figures = {"frozen": figure if gain else None, "tuned": figure if gain else None, "gain": gain}
    return Guard(
        exported=exported,
        metric="C",
        mean_on_seen=mean_on_seen,
        shares=(1.0,) * 3,
        best_epochs=(2,) * 3,
        ridge=0.1,
        **figures,
    )


@pytest.mark.parametrize(
    ("trained", "verdict"),
    [
        (
            training(guard("tuned", Interval(est=0.05, lo=0.01, hi=0.09))),
            "the tuned encoder was exported: C of 60 patients out of fold changed by 0.050 (0.010 to 0.090)",
        ),
        (
            training(guard("frozen", Interval(est=0.05, lo=-0.01, hi=0.09))),
            "the frozen encoder with its probe was exported: C of 60 patients out of fold changed by 0.050 "
            "(-0.010 to 0.090), which shows no gain",
        ),
        (
            training(guard("tuned", Interval(est=0.05, lo=0.01, hi=0.09), mean_on_seen=0.97)),
            "the tuned encoder was exported: C of 60 patients out of fold changed by 0.050 (0.010 to 0.090), by the "
            "encoders of 3 folds; the file is their mean, which has seen all of these patients (0.970 on them), so "
            "that it has not been evaluated on unseen patients",
        ),
        (
            training(guard("frozen", Interval(est=0.05, lo=0.01, hi=0.09), mean_on_seen=0.5)),
            "the frozen encoder with its probe was exported: C of 60 patients out of fold changed by 0.050 (0.010 to "
            "0.090), but the mean of the folds' encoders shows no gain",
        ),
        (
            training(guard("frozen", None)),
            "the frozen encoder with its probe was exported: 60 patients, or those of one class, are too few to show "
            "that tuning helps",
        ),
        (training(None), "tuned by an older program, which compared nothing on patients out of fold"),
    ],
)
def test_the_verdict_says_which_encoder_was_exported_and_why(trained: Training, verdict: str) -> None:
    assert training_lines(trained)[-1] == f"verdict  {verdict}"


def test_manifests_of_older_programs_are_read() -> None:
    older = training(None).model_dump(exclude={"guard"}) | {"held_out": 12, "best_loss": 0.4, "frozen_loss": 0.5}
    assert Training.model_validate(older).guard is None

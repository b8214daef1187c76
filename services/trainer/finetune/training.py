"""The loop: head and last layers together, held back to where they start, stopped by patients, resumed where it was."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from services.trainer.finetune import checkpoint
from services.trainer.finetune.checkpoint import Progress, Standing
from services.trainer.finetune.draws import batches, pictured, shared_out, views
from services.trainer.finetune.logs import Curves
from services.trainer.finetune.reader import Reader
from services.trainer.finetune.task import Task
from services.trainer.finetune.tunable import Tunable
from shared.arrays import Flags
from shared.progress import Advance

_LARGEST_STEP = 1.0
"""Norm to which gradients are cut."""


@dataclass(frozen=True, eq=False)
class Lesson:
    """The task, the items that are learned from, and those of the patients that decide when to stop."""

    task: Task
    learned: Flags
    stop: Flags


def train(
    tunable: Tunable, lesson: Lesson, reader: Reader, work: Path, logs: Path | None, advance: Advance
) -> Progress:
    """Train a model from where it stands.

    The state after each epoch is kept in `work`; the same call goes on from there, and ends as if it had not stopped.
    """
    if reader.ranks.device.type == "cuda":
        torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = True, False
    return _Run(tunable, lesson, reader, work, advance).to_the_end(logs if reader.ranks.first else None)


class _Run:
    def __init__(self, tunable: Tunable, lesson: Lesson, reader: Reader, work: Path, advance: Advance) -> None:
        self.tunable, self.lesson, self.reader, self.work, self.advance = tunable, lesson, reader, work, advance
        self.model, self.settings, self.ranks = tunable.model, reader.settings, reader.ranks
        self.learned, self.stop = np.flatnonzero(lesson.learned), np.flatnonzero(lesson.stop)
        trained = tunable.trained()
        self.pull = Pull(trained, self.settings.pull)
        self.optimizer = torch.optim.Adam(trained, lr=self.settings.rate)

    def to_the_end(self, logs: Path | None) -> Progress:
        progress = self._begin()
        curves = Curves(logs, progress.epoch + 1)
        try:
            while not self.settings.over(progress.epoch, progress.best_epoch):
                self._epoch(progress, curves)
        finally:
            curves.close()
        self.advance(1, 1)
        return progress

    def _begin(self) -> Progress:
        """Where the run was stopped, or at the start, which is the best so far."""
        restored = checkpoint.read(self.work)
        if restored:
            self.model.load_state_dict(restored.model)
            self.optimizer.load_state_dict(restored.optimizer)
            return restored.progress
        return Progress(best_loss=self._stop_loss(), best=self.tunable.weights())

    def _epoch(self, progress: Progress, curves: Curves) -> None:
        progress.epoch += 1
        rate = self.settings.rate_of(progress.epoch)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        trained, loss = self._learn(progress.epoch), self._stop_loss()
        if loss < progress.best_loss:
            progress.best_epoch, progress.best_loss, progress.best = progress.epoch, loss, self.tunable.weights()
        values = {"loss/learned": trained, "loss/held_out": loss, "rate": rate}
        curves.write(progress.epoch, values | {"distance": self.pull.distance()})
        if self.ranks.first:
            checkpoint.save(self.work, Standing(progress, self.model.state_dict(), self.optimizer.state_dict()))

    def _stop_loss(self) -> float:
        return self.reader.loss(self.model, self.lesson.task, self.stop)

    def _learn(self, epoch: int) -> float:
        """One epoch; the mean loss over all processes."""
        steps = batches(self.reader.items, self.learned, self.settings, epoch)
        mine = shared_out(steps, self.ranks.rank, self.ranks.world)
        together = self.ranks.together(self.model)
        total = torch.zeros(2, device=self.ranks.device)
        read = pictured(mine, self.reader.pictures)
        for step, (batch, own, tiles) in enumerate(zip(steps, mine, read, strict=True)):
            seen = views(own, tiles.to(self.ranks.device), self.settings, epoch)
            loss = self.lesson.task.weighted(self.reader.logits(together, seen, len(own.index)), own.index)
            share = 0.0 if self.ranks.rank >= len(batch.index) else 1.0
            of = self.lesson.task.weight[batch.index].sum().item()
            self._step(together, loss * share * (self.ranks.world / of))
            total += torch.stack([loss.detach() * share, torch.tensor(of / self.ranks.world, device=loss.device)])
            self.advance((epoch - 1) * len(steps) + step + 1, self.settings.epochs * len(steps))
        summed, weight = self.ranks.sum(total).tolist()
        return float(summed / weight)

    def _step(self, together: nn.Module, loss: Tensor) -> None:
        self.optimizer.zero_grad()
        torch.autograd.backward(loss + self.pull())
        nn.utils.clip_grad_norm_([item for item in together.parameters() if item.requires_grad], _LARGEST_STEP)
        self.optimizer.step()


class Pull:
    """Half the squared distance of parameters to where they start, as a penalty: L2-SP, Li et al., ICML 2018."""

    def __init__(self, parameters: Iterable[nn.Parameter], strength: float) -> None:
        """Remember where the parameters stand."""
        self._pairs = [(parameter, parameter.detach().clone()) for parameter in parameters]
        self._strength = strength

    def __call__(self) -> Tensor:
        """The penalty."""
        return self._strength / 2 * self._squared()

    @torch.no_grad()
    def distance(self) -> float:
        """Euclidean distance to the start."""
        return float(self._squared().sqrt())

    def _squared(self) -> Tensor:
        return torch.stack([(parameter - start).square().sum() for parameter, start in self._pairs]).sum()

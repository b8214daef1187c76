"""The loop: head first, then the encoder's last layers, stopped by patients that are held out, resumed where it was."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from services.trainer.finetune import checkpoint
from services.trainer.finetune.checkpoint import Progress, Standing, State
from services.trainer.finetune.draws import Batch, Pictures, batches, pictured, shared_out, views, whole
from services.trainer.finetune.logs import Curves
from services.trainer.finetune.network import Encoder
from services.trainer.finetune.ranks import Ranks
from services.trainer.finetune.settings import Settings
from services.trainer.finetune.task import Model, Task
from services.trainer.finetune.tile_dataset import Item
from shared.arrays import Flags, Ints
from shared.progress import Advance

_LARGEST_STEP = 1.0
"""Norm to which gradients are cut."""


@dataclass(frozen=True, eq=False)
class Lesson:
    """The task, the training patients, and the patients that decide when to stop."""

    items: Sequence[Item]
    task: Task
    held: Flags
    """[n] items that are held out."""
    px: int
    settings: Settings


def train(
    model_bytes: bytes, width: int, lesson: Lesson, ranks: Ranks, work: Path, logs: Path | None, advance: Advance
) -> tuple[Encoder, Progress]:
    """Train from the file of an encoder with `width` features; gives it with the weights of the best epoch.

    The state after each epoch is kept in `work`; the same call goes on from there, and ends as if it had not stopped.
    """
    if ranks.device.type == "cuda":
        torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = True, False
    encoder = Encoder(model_bytes)
    run = _Run(Model(encoder, width, lesson.task).to(ranks.device), encoder, lesson, ranks, work, advance)
    progress = run.to_the_end(logs if ranks.first else None)
    encoder.load_state_dict(progress.best, strict=False)
    return encoder, progress


class _Run:
    def __init__(
        self, model: Model, encoder: Encoder, lesson: Lesson, ranks: Ranks, work: Path, advance: Advance
    ) -> None:
        self.model, self.encoder, self.lesson, self.ranks, self.work = model, encoder, lesson, ranks, work
        self.settings, self.advance = lesson.settings, advance
        self.pictures = Pictures(lesson.items, lesson.px)
        self.learned, self.held = np.flatnonzero(~lesson.held), np.flatnonzero(lesson.held)
        groups: list[dict[str, Any]] = [
            {"params": [model.weight]},
            {"params": [model.bias], "weight_decay": 0.0},
            {"params": encoder.train_last(self.settings.share)},
        ]
        self.optimizer = torch.optim.AdamW(groups, weight_decay=self.settings.decay)

    def to_the_end(self, logs: Path | None) -> Progress:
        progress = self._begin()
        curves = Curves(logs, progress.epoch + 1)
        try:
            while not self.settings.over(progress.epoch, progress.best_epoch):
                self._epoch(progress, curves)
        finally:
            curves.close()
        self.advance(self.settings.epochs, self.settings.epochs)
        return progress

    def _begin(self) -> Progress:
        """Where the run was stopped, or at the start: features measured on the items that are learned from."""
        restored = checkpoint.read(self.work)
        if restored:
            self.model.load_state_dict(restored.model)
            self.optimizer.load_state_dict(restored.optimizer)
            return restored.progress
        self._standardise()
        return Progress(best=self._weights())

    def _epoch(self, progress: Progress, curves: Curves) -> None:
        epoch = progress.epoch + 1
        self.encoder.train_last(self.settings.trained_share(epoch))
        head, encoder = self.settings.rates(epoch)
        for group, rate in zip(self.optimizer.param_groups, (head, head, encoder), strict=True):
            group["lr"] = rate
        trained, loss = self._learn(epoch), self._measure()
        self._note(progress, epoch, loss)
        curve_values = {"loss/learned": trained, "loss/held_out": loss, "rate/head": head, "rate/encoder": encoder}
        curves.write(epoch, curve_values)
        if self.ranks.first:
            standing = Standing(progress, self.model.state_dict(), self.optimizer.state_dict())
            checkpoint.save(self.work, standing)

    def _note(self, progress: Progress, epoch: int, loss: float) -> None:
        progress.epoch = epoch
        if loss < progress.best_loss:
            progress.best_epoch, progress.best_loss, progress.best = epoch, loss, self._weights()
        if not self.settings.trained_share(epoch):
            progress.frozen_loss = min(progress.frozen_loss, loss)

    def _weights(self) -> State:
        """The encoder's weights; what is not trained is not among them."""
        self.encoder.train_last(self.settings.share)
        return {
            name: value.detach().cpu().clone() for name, value in self.encoder.named_parameters() if value.requires_grad
        }

    def _learn(self, epoch: int) -> float:
        """One epoch; the mean loss over all processes."""
        steps = batches(self.lesson.items, self.learned, self.settings, epoch)
        mine = shared_out(steps, self.ranks.rank, self.ranks.world)
        together = self.ranks.together(self.model)
        total = torch.zeros(2, device=self.ranks.device)
        for step, (batch, part, tiles) in enumerate(zip(steps, mine, pictured(mine, self.pictures), strict=True)):
            seen = views(part, tiles.to(self.ranks.device), self.settings, epoch)
            loss = self._loss(together, part, seen)
            share = 0.0 if self._is_filler(batch) else 1.0
            of = self.lesson.task.weight[batch.index].sum().item()
            self._step(together, loss * share * (self.ranks.world / of))
            total += torch.stack([loss.detach() * share, torch.tensor(of / self.ranks.world, device=loss.device)])
            self.advance((epoch - 1) * len(steps) + step + 1, self.settings.epochs * len(steps))
        summed, weight = self.ranks.sum(total).tolist()
        return float(summed / weight)

    def _is_filler(self, batch: Batch) -> bool:
        return self.ranks.rank >= len(batch.index)

    def _step(self, together: nn.Module, loss: Tensor) -> None:
        self.optimizer.zero_grad()
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_([one for one in together.parameters() if one.requires_grad], _LARGEST_STEP)
        self.optimizer.step()

    def _loss(self, model: nn.Module, batch: Batch, tiles: Tensor) -> Tensor:
        """Weighted sum over the items of a batch."""
        logits = self._autocast(model, tiles, len(batch.index))
        losses = self.lesson.task.losses(logits, batch.index)
        return (losses * self.lesson.task.weight[batch.index].to(losses.device)).sum()

    def _autocast(self, model: nn.Module, tiles: Tensor, items: int) -> Tensor:
        wanted = self.settings.precision
        half = wanted == "bfloat16" or (wanted == "auto" and tiles.device.type == "cuda")
        with torch.autocast(tiles.device.type, torch.bfloat16, enabled=half):
            logits: Tensor = model(tiles, items)
        return logits.float()

    @torch.no_grad()
    def _measure(self) -> float:
        """Mean loss on the held-out patients, tiles as they are."""
        total = torch.zeros(2, device=self.ranks.device)
        for batch, tiles in self._mine(self.held):
            total[0] += self._loss(self.model, batch, tiles)
            total[1] += self.lesson.task.weight[batch.index].sum()
        summed, weight = self.ranks.sum(total).tolist()
        return float(summed / weight)

    @torch.no_grad()
    def _standardise(self) -> None:
        width = len(self.model.mean)
        total = torch.zeros(2 * width + 1, dtype=torch.float64, device=self.ranks.device)
        for batch, tiles in self._mine(self.learned):
            features = self.model.features(tiles, len(batch.index)).double()
            total += torch.cat(
                [features.sum(dim=0), features.square().sum(dim=0), features.new_tensor([len(features)])]
            )
        total = self.ranks.sum(total)
        mean, square = total[:width] / total[-1], total[width:-1] / total[-1]
        self.model.standardise(mean.float(), (square - mean.square()).clamp(min=0).sqrt().float())

    def _mine(self, chosen: Ints) -> "zip[tuple[Batch, Tensor]]":
        steps = whole(self.lesson.items, chosen, self.settings)[self.ranks.rank :: self.ranks.world]
        return zip(steps, (tiles.to(self.ranks.device) for tiles in pictured(steps, self.pictures)), strict=True)

"""Curves of a run as event files, which TensorBoard shows: `tensorboard --logdir ENCODER/logs`."""

from collections.abc import Mapping
from pathlib import Path

from tensorboardX import SummaryWriter


class Curves:
    """Writes numbers by epoch; without a folder it keeps silent."""

    def __init__(self, folder: Path | None, first_epoch: int) -> None:
        """Continue at `first_epoch`; entries of that and later epochs by a stopped run are dropped."""
        self._writer = SummaryWriter(str(folder), purge_step=first_epoch) if folder else None

    def write(self, epoch: int, values: Mapping[str, float]) -> None:
        """Numbers of one epoch, on disk when this returns."""
        if self._writer:
            for name, value in values.items():
                self._writer.add_scalar(name, value, epoch)
            self._writer.flush()

    def close(self) -> None:
        """Close the file."""
        if self._writer:
            self._writer.close()

"""One process or several that train together, started by `torchrun`: on GPUs where there are any, else on CPUs."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

_PATIENCE = timedelta(hours=6)
"""How long the others wait while the first one prepares what all need."""


@dataclass(frozen=True)
class Ranks:
    """This process among `world`."""

    rank: int = 0
    world: int = 1
    device: torch.device = torch.device("cpu")  # noqa: RUF009 - a constant

    @property
    def first(self) -> bool:
        """Whether this process writes files and reports progress."""
        return self.rank == 0

    def sum(self, values: Tensor) -> Tensor:
        """The sum over all processes, on every one of them."""
        if self.world > 1:
            distributed.all_reduce(values)
        return values

    def wait(self) -> None:
        """Go on when all are here."""
        if self.world > 1:
            distributed.barrier()

    def together(self, model: nn.Module) -> nn.Module:
        """The model with gradients averaged over all processes."""
        if self.world == 1:
            return model
        places = [self.device] if self.device.type == "cuda" else None
        return DistributedDataParallel(model, device_ids=places)


@contextmanager
def joined() -> Iterator[Ranks]:
    """Join the others where `torchrun` started this process."""
    on_gpu = torch.cuda.is_available()
    if not distributed.is_torchelastic_launched():
        yield Ranks(device=torch.device("cuda" if on_gpu else "cpu"))
        return
    device = torch.device(f"cuda:{distributed.get_node_local_rank()}" if on_gpu else "cpu")
    if on_gpu:
        torch.cuda.set_device(device)
    distributed.init_process_group("nccl" if on_gpu else "gloo", timeout=_PATIENCE)
    try:
        yield Ranks(distributed.get_rank(), distributed.get_world_size(), device)
    finally:
        distributed.destroy_process_group()

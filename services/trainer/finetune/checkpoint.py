"""The state of a run after an epoch, on disk: written atomically, nothing pickled."""

import json
import os
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.numpy import load

from shared.tensors import decode_metadata, encode_tensors

State = dict[str, torch.Tensor]

CHECKPOINT = "checkpoint.safetensors"
_STATE_KEY = "said"


@dataclass
class Progress:
    """What has happened up to and with `epoch`; 0 is before the first. Losses are of the held-out patients."""

    epoch: int = 0
    best_epoch: int = 0
    best_loss: float = float("inf")
    best: State = field(default_factory=dict)
    """Weights of the encoder's trained layers and of the head in the best epoch."""


@dataclass(frozen=True, eq=False)
class Standing:
    """A whole run: progress, the model's weights, the optimizer's state as torch gives and takes it."""

    progress: Progress
    model: State
    optimizer: dict[str, Any]


def save(work: Path, standing: Standing) -> None:
    """Write the state in place of the one before; a stop at any moment leaves one of the two."""
    state, groups = standing.optimizer["state"], standing.optimizer["param_groups"]
    tensors = {f"best/{name}": value for name, value in standing.progress.best.items()}
    tensors |= {f"model/{name}": value for name, value in standing.model.items()}
    tensors |= {f"optimizer/{place}/{name}": value for place, slots in state.items() for name, value in slots.items()}
    metadata = {item.name: getattr(standing.progress, item.name) for item in fields(Progress) if item.name != "best"}
    content = encode_tensors(
        {name: np.array(value.detach().cpu().numpy(), order="C") for name, value in tensors.items()},
        {_STATE_KEY: json.dumps({"progress": metadata, "groups": groups})},
    )
    unfinished = work / f".{CHECKPOINT}"
    with unfinished.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(work / CHECKPOINT)


def read(work: Path) -> Standing | None:
    """The state, or None where there is none or it is damaged; the run then starts from the beginning."""
    try:
        content = (work / CHECKPOINT).read_bytes()
        tensors = {name: torch.from_numpy(value) for name, value in load(content).items()}
        metadata = json.loads(decode_metadata(content)[_STATE_KEY])
        progress = Progress(**metadata["progress"], best=_with_prefix(tensors, "best/"))
        optimizer = {"state": _by_place(_with_prefix(tensors, "optimizer/")), "param_groups": metadata["groups"]}
    except (FileNotFoundError, SafetensorError, ValueError, KeyError, TypeError):
        return None
    return Standing(progress, _with_prefix(tensors, "model/"), optimizer)


def _with_prefix(tensors: State, prefix: str) -> State:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def _by_place(tensors: State) -> dict[int, State]:
    tensors_of: dict[int, State] = {}
    for key, value in tensors.items():
        place, _, name = key.partition("/")
        tensors_of.setdefault(int(place), {})[name] = value
    return tensors_of

"""Weights of a network: the owner's file, read without running anything in it, or random ones from a seed."""

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from services.standalone.encoders.errors import BadNetworkError, first_line
from services.standalone.encoders.recipe import WeightsFile

_SHOWN = 3


def load_weights(network: nn.Module, path: Path, owner: WeightsFile | None) -> None:
    """Put the weights of a file into a network, which must fit without exception.

    Raises:
        BadNetworkError: the file is neither safetensors nor weights of torch, or holds weights of another network.
    """
    weights = _selected(_read(path), owner or WeightsFile(url="", file=""))
    if weights is None:
        raise BadNetworkError(f"{path} holds no weights by name")
    weights = _renamed_by_timm(network, weights)
    try:
        missing, unexpected = network.load_state_dict(weights, strict=False)
    except RuntimeError as error:
        raise BadNetworkError(f"{path} has weights of another shape: {str(error).splitlines()[-1].strip()}") from error
    if missing or unexpected:
        raise BadNetworkError(f"{path} is not of this network: {_listed('lacks', missing, 'has', unexpected)}")


def randomize(network: nn.Module, seed: int) -> None:
    """Draw all weights anew, so that every layer matters: many start at zero or at 1e-5 otherwise."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in network.named_parameters():
            _draw(weight, name, generator)
        for name, buffer in network.named_buffers():
            if name.endswith("running_mean"):
                buffer.normal_(0, 0.1, generator=generator)
            elif name.endswith("running_var"):
                buffer.uniform_(0.5, 1.5, generator=generator)


def _draw(weight: Tensor, name: str, generator: torch.Generator) -> None:
    if weight.dim() > 1:
        weight.normal_(0, weight[0].numel() ** -0.5, generator=generator)
    else:
        weight.normal_(0.0 if name.endswith("bias") else 1.0, 0.1, generator=generator)


def _read(path: Path) -> Any:
    """Contents of a file; torch reads tensors and plain containers alone (`weights_only`)."""
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        content = torch.load(path, map_location="cpu", weights_only=True)
    except OSError:
        raise
    except (SafetensorError, RuntimeError, ValueError, EOFError) as error:
        raise BadNetworkError(f"{path} cannot be read as weights: {first_line(error)}") from error
    except Exception as error:  # torch raises UnpicklingError for files that would run code
        raise BadNetworkError(f"{path} holds more than weights, which is not loaded; ask for safetensors") from error
    return content


def _selected(content: Any, owner: WeightsFile) -> dict[str, Tensor] | None:
    """The weights that the encoder needs, by name; None where the file has no names."""
    entries = content.get(owner.key, content) if owner.key and isinstance(content, Mapping) else content
    if not (isinstance(entries, Mapping) and all(isinstance(name, str) for name in entries)):
        return None
    named = {name.removeprefix(owner.prefix): value for name, value in entries.items() if name.startswith(owner.prefix)}
    return {name: value for name, value in named.items() if not name.startswith(owner.unused)}


def _renamed_by_timm(network: nn.Module, weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Weights under today's names, where timm knows older ones for this network."""
    of_module = sys.modules[type(network).__module__]
    rename = getattr(of_module, "checkpoint_filter_fn", None) if of_module.__name__.startswith("timm.") else None
    return dict(rename(weights, network)) if rename else weights


def _listed(first: str, missing: Iterable[str], second: str, unexpected: Iterable[str]) -> str:
    sides = [(first, sorted(missing)), (second, sorted(unexpected))]
    return "; ".join(f"it {verb} {', '.join(names[:_SHOWN])} ({len(names)})" for verb, names in sides if names)

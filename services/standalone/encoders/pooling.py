"""One feature vector a tile, from the tokens or the map that a network gives."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from services.standalone.encoders.recipe import Pooling


class Pooled(nn.Module):
    """A network with its pooling: images float [n, 3, px, px], normalised, to features float [n, dim]."""

    def __init__(self, network: nn.Module, pooling: Pooling, prefix_tokens: int) -> None:
        super().__init__()
        self.network = network
        self._pooling = pooling
        self._prefix_tokens = prefix_tokens

    def forward(self, images: Tensor) -> Tensor:
        """Features of images."""
        return _POOLINGS[self._pooling](_output(self.network, images, self._pooling), self._prefix_tokens)


def _output(network: nn.Module, images: Tensor, pooling: Pooling) -> Tensor:
    """Tensor of the network's tokens, map or features."""
    of_tokens = pooling in {"class_token", "patch_mean", "class_and_patch_mean"}
    forward = getattr(network, "forward_features", network) if of_tokens else network
    return _tensor(forward(images))


def _tensor(output: Any) -> Tensor:
    """The output itself; of transformers its tokens, or its pooled features where it has no others."""
    if isinstance(output, Tensor):
        return output
    if isinstance(output, list | tuple):
        return _tensor(output[-1])
    tensor: Tensor = output.last_hidden_state
    return tensor


def _class_token(tokens: Tensor, _: int) -> Tensor:
    return tokens[:, 0]


def _patch_mean(tokens: Tensor, prefix_tokens: int) -> Tensor:
    return tokens[:, prefix_tokens:].mean(dim=1)


def _class_and_patch_mean(tokens: Tensor, prefix_tokens: int) -> Tensor:
    return torch.cat([tokens[:, 0], _patch_mean(tokens, prefix_tokens)], dim=-1)


def _map_mean(maps: Tensor, _: int) -> Tensor:
    return maps.mean(dim=(2, 3))


def _as_given(features: Tensor, _: int) -> Tensor:
    return features


_POOLINGS: Mapping[Pooling, Callable[[Tensor, int], Tensor]] = {
    "network": _as_given,
    "class_token": _class_token,
    "patch_mean": _patch_mean,
    "class_and_patch_mean": _class_and_patch_mean,
    "map_mean": _map_mean,
}

"""CTransPath: a Swin transformer whose patches come from a small convolutional network."""

from itertools import pairwise
from typing import Any

from timm import create_model
from torch import Tensor, nn


class ConvolutionalStem(nn.Module):
    """Two strided convolutions and a projection: images [n, 3, px, px] to patches [n, px/4, px/4, dim]."""

    def __init__(self, img_size: int, patch_size: int, embed_dim: int, norm_layer: type[nn.Module], **_: Any) -> None:
        super().__init__()
        side = img_size // patch_size
        self.grid_size = (side, side)
        self.num_patches = side * side
        widths = (3, embed_dim // 8, embed_dim // 4)
        steps = [step for pair in pairwise(widths) for step in _halving(*pair)]
        self.proj = nn.Sequential(*steps, nn.Conv2d(widths[-1], embed_dim, kernel_size=1))
        self.norm = norm_layer(embed_dim)

    def forward(self, images: Tensor) -> Tensor:
        """Patches, channels last."""
        patches: Tensor = self.norm(self.proj(images).permute(0, 2, 3, 1))
        return patches


def build_ctranspath(name: str, **arguments: Any) -> nn.Module:
    """Swin transformer `name` of timm with this stem."""
    network: nn.Module = create_model(name, embed_layer=ConvolutionalStem, **arguments)
    return network


def _halving(channels: int, width: int) -> list[nn.Module]:
    convolution = nn.Conv2d(channels, width, kernel_size=3, stride=2, padding=1, bias=False)
    return [convolution, nn.BatchNorm2d(width), nn.ReLU(inplace=True)]

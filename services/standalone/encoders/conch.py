"""The image towers of CONCH: a vision transformer whose tokens are pooled by attention to one learned query."""

from collections.abc import Mapping
from typing import Any, cast

from timm import create_model
from timm.models import VisionTransformer
from torch import Tensor, nn, randn
from torch.nn.functional import scaled_dot_product_attention


class MultiheadPooler(nn.Module):
    """Pooling of CONCH v1: torch's multi-head attention with biases; names of weights as the owner's."""

    def __init__(self, dim: int, token_dim: int, heads: int) -> None:
        super().__init__()
        self.query = nn.Parameter(randn(1, dim))
        self.attn = nn.MultiheadAttention(dim, heads, kdim=token_dim, vdim=token_dim, batch_first=True)
        self.ln_q, self.ln_k = nn.LayerNorm(dim), nn.LayerNorm(token_dim)

    def forward(self, tokens: Tensor) -> Tensor:
        """Pool tokens [n, t, token_dim] to [n, dim]."""
        keys = self.ln_k(tokens)
        queries = self.ln_q(self.query).expand(tokens.shape[0], -1, -1)
        pooled: Tensor = self.attn(queries, keys, keys, need_weights=False)[0]
        return pooled[:, 0]


class ProjectedPooler(nn.Module):
    """Pooling of CONCH v1.5: linear projections without biases; names of weights as the owner's."""

    def __init__(self, dim: int, token_dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Parameter(randn(1, dim))
        self.ln_q, self.ln_k = nn.LayerNorm(dim), nn.LayerNorm(token_dim)
        self.to_q = nn.Linear(dim, dim, bias=False)
        self.to_kv = nn.Linear(token_dim, 2 * dim, bias=False)
        self.to_out = nn.Linear(dim, dim, bias=False)

    def forward(self, tokens: Tensor) -> Tensor:
        """Pool tokens [n, t, token_dim] to [n, dim]."""
        keys, values = self.to_kv(self.ln_k(tokens)).chunk(2, dim=-1)
        queries = self.to_q(self.ln_q(self.query)).expand(tokens.shape[0], -1, -1)
        split = [each.unflatten(-1, (self.heads, -1)).transpose(1, 2) for each in (queries, keys, values)]
        pooled = scaled_dot_product_attention(*split)
        projected: Tensor = self.to_out(pooled.transpose(1, 2).flatten(2))
        return projected[:, 0]


_POOLERS = {"multihead": MultiheadPooler, "projected": ProjectedPooler}


class ConchTower(nn.Module):
    """Images float [n, 3, px, px] to features [n, pooled_dim]."""

    def __init__(self, name: str, pooler: str, pooled_dim: int, heads: int, arguments: Mapping[str, Any]) -> None:
        super().__init__()
        self.trunk = cast(VisionTransformer, create_model(name, num_classes=0, **arguments))
        self.attn_pool_contrast = _POOLERS[pooler](pooled_dim, self.trunk.num_features, heads)
        self.ln_contrast = nn.LayerNorm(pooled_dim)

    def forward(self, images: Tensor) -> Tensor:
        """Features before the projection to the space that images share with text."""
        features: Tensor = self.ln_contrast(self.attn_pool_contrast(self.trunk.forward_features(images)))
        return features

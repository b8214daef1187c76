"""Gated attention over tiles, many small networks side by side as one batched computation.

Ilse, Tomczak, Welling, ICML 2018, with a discrete-time hazard head (Gensheimer and Narasimhan, PeerJ 2019;7:e6257).
Tiles are weighed by two small hidden layers and averaged as they are, so that the log-risk is linear in what the
attention picks: some hundred patients can teach no more. A network has 2 k h + 2 h + h + k + j weights, below 1,000; a
model of 1280 features has some 0.05 million parameters, projection included.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

HIDDEN = 8


@dataclass(frozen=True)
class Shape:
    """How many networks there are, and what they read."""

    networks: int
    axes: int
    columns: int
    """Clinical columns of the gated multimodal network; 0 for attention over tiles alone."""
    intervals: int


class Ensemble(nn.Module):
    """`networks` networks that share nothing but the call."""

    def __init__(self, shape: Shape, generator: torch.Generator, dropout: float) -> None:
        super().__init__()
        self.shape, self.dropout = shape, dropout

        def weight(*size: int) -> nn.Parameter:
            scale = (size[-2] if len(size) > 2 else size[-1]) ** -0.5
            return nn.Parameter(torch.randn(size, generator=generator) * scale)

        e, k, h = shape.networks, shape.axes, HIDDEN
        self.tanh, self.tanh_bias = weight(e, k, h), nn.Parameter(torch.zeros(e, 1, h))
        self.gate, self.gate_bias = weight(e, k, h), nn.Parameter(torch.zeros(e, 1, h))
        self.attend, self.head = weight(e, h, 1), nn.Parameter(torch.zeros(e, k, 1))
        self.hazard = nn.Parameter(torch.zeros(e, 1, shape.intervals))
        if shape.columns:
            self.clinical, self.clinical_bias = weight(e, shape.columns, k), nn.Parameter(torch.zeros(e, 1, k))
            self.mix, self.mix_bias = weight(e, 2 * k, k), nn.Parameter(torch.zeros(e, 1, k))

    def attention(self, tiles: Tensor) -> Tensor:
        """Attention [e, n, t] of tiles [n, t, axes]."""
        n, t, axes = tiles.shape
        flat = tiles.reshape(1, n * t, axes)
        hidden = torch.tanh(flat @ self.tanh + self.tanh_bias) * torch.sigmoid(flat @ self.gate + self.gate_bias)
        hidden = nn.functional.dropout(hidden, self.dropout, self.training)
        return torch.softmax((hidden @ self.attend).reshape(-1, n, t), dim=2)

    def forward(self, tiles: Tensor, columns: Tensor | None, has_tiles: Tensor) -> Tensor:
        """Log-risk [e, n] of patients with tiles [n, t, axes], columns [n, c]; `has_tiles` [n] is 0 without slides."""
        weight = self.attention(tiles)
        pooled = torch.einsum("ent,ntk->enk", weight, tiles) * has_tiles[None, :, None]
        if columns is not None and self.shape.columns:
            known = torch.tanh(columns[None] @ self.clinical + self.clinical_bias)
            gate = torch.sigmoid(torch.cat([pooled, known], dim=2) @ self.mix + self.mix_bias)
            gate = gate * has_tiles[None, :, None]
            pooled = gate * pooled + (1 - gate) * known
        pooled = nn.functional.dropout(pooled, self.dropout, self.training)
        return (pooled @ self.head).squeeze(2)


def hazard_loss(logits: Tensor, at_risk: Tensor, happened: Tensor) -> Tensor:
    """Negative log-likelihood [e, n] of discrete-time hazards: logits [e, n, j], at_risk and happened [n, j].

    Cause-specific: an event that competes, like censoring, takes a patient out of the intervals that follow.
    """
    losses = nn.functional.binary_cross_entropy_with_logits(logits, happened[None].expand_as(logits), reduction="none")
    return (losses * at_risk[None]).sum(dim=2)

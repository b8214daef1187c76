"""Pooling of tokens, and the two poolers of CONCH."""

import pytest
import torch
from torch import nn

from services.standalone.encoders.conch import MultiheadPooler, ProjectedPooler
from services.standalone.encoders.pooling import Pooled
from services.standalone.encoders.recipe import Pooling

TOKENS = torch.tensor([[[1.0, 10], [9, 9], [2, 20], [4, 40]]])
"""A class token, a register, two patches."""


@pytest.mark.parametrize(
    ("pooling", "features"),
    [("class_token", [1, 10]), ("patch_mean", [3, 30]), ("class_and_patch_mean", [1, 10, 3, 30])],
)
def test_tokens_are_pooled_without_registers(pooling: Pooling, features: list[float]) -> None:
    assert Pooled(nn.Identity(), pooling, prefix_tokens=2)(TOKENS)[0].tolist() == features


def test_maps_are_averaged_over_positions() -> None:
    assert Pooled(nn.Identity(), "map_mean", 0)(torch.tensor([[[[1.0, 3]], [[5, 7]]]]))[0].tolist() == [2, 6]


def test_the_projected_pooler_is_multihead_attention_without_biases() -> None:
    generator = torch.Generator().manual_seed(1)
    projected, multihead = ProjectedPooler(8, 6, 2), MultiheadPooler(8, 6, 2)
    weights = projected.to_kv.weight.detach().chunk(2)
    state = {
        "query": projected.query.detach(),
        "attn.q_proj_weight": projected.to_q.weight.detach(),
        "attn.k_proj_weight": weights[0],
        "attn.v_proj_weight": weights[1],
        "attn.out_proj.weight": projected.to_out.weight.detach(),
    }
    multihead.load_state_dict({**multihead.state_dict(), **state})
    tokens = torch.rand(3, 5, 6, generator=generator)
    assert torch.allclose(projected(tokens), multihead(tokens), atol=1e-6)

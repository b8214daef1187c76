"""Augmentation: another stain, another position, the same tissue."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from services.trainer.finetune.augment import draw, restain

PX = 8


def tiles(seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).integers(0, 256, (2, PX, PX, 3), np.uint8))


def test_no_change_of_stain_changes_no_pixel() -> None:
    assert (restain(tiles(), torch.ones(2, 3), torch.zeros(2, 3)) - tiles().float()).abs().max() < 0.01


def test_more_of_every_stain_is_darker_and_white_stays_white_with_gain_alone() -> None:
    gain = torch.full((2, 3), 1.2)
    assert (restain(tiles(), gain, torch.zeros(2, 3)) <= tiles().float() + 0.01).all()
    white = torch.full((2, PX, PX, 3), 255, dtype=torch.uint8)
    assert (restain(white, gain, torch.zeros(2, 3)) - 255).abs().max() < 0.01


@given(seed=st.integers(0, 2**31), place=st.integers(0, 1000))
def test_without_stain_and_scale_a_tile_is_mirrored_and_turned_and_loses_no_pixel(seed: int, place: int) -> None:
    one = tiles()[:1]
    seen = draw([(seed, place)], 0.0, 0.0)(one)
    wanted = [np.rot90(flat, turns) for flat in (one[0].numpy(), one[0].numpy()[:, ::-1]) for turns in range(4)]
    assert any(np.abs(seen[0].numpy() - form.astype(np.float32)).max() < 0.1 for form in wanted)


@given(seed=st.integers(0, 2**31), stain=st.floats(0, 1), scale=st.floats(0, 0.3))
def test_pixels_stay_within_their_range(seed: int, stain: float, scale: float) -> None:
    seen = draw([(seed, 0), (seed, 1)], stain, scale)(tiles())
    assert seen.shape == (2, PX, PX, 3)
    assert seen.min() >= 0
    assert seen.max() <= 255.01


def test_the_same_key_gives_the_same_view_whatever_stands_beside_it() -> None:
    together, alone = draw([(1, 2), (1, 3)], 0.2, 0.1)(tiles()), draw([(1, 3)], 0.2, 0.1)(tiles()[1:])
    assert torch.equal(together[1:], alone)
    assert not torch.equal(draw([(1, 4)], 0.2, 0.1)(tiles()[1:]), alone)


def test_all_eight_positions_occur() -> None:
    turns = {tuple(draw([(key,)], 0.0, 0.0).turn.round().int().flatten().tolist()) for key in range(100)}
    assert len(turns) == 8


@pytest.mark.parametrize("scale", [0.1, 0.3])
def test_size_changes_by_no_more_than_was_asked(scale: float) -> None:
    sizes = torch.stack([torch.linalg.det(draw([(key,)], 0.0, scale).turn[0]).abs() for key in range(50)]).rsqrt()
    assert (sizes >= 1 - scale - 1e-5).all()
    assert (sizes <= 1 + scale + 1e-5).all()
    assert sizes.std() > 0

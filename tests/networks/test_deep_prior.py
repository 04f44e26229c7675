"""The decoder that draws one velocity model from noise."""

import pytest
import torch

from pylops_vmb.errors import VMBValueError
from pylops_vmb.networks import DeepPrior


def test_noise_and_structure_follow_seed_and_sizes():
    net = DeepPrior((13, 9), latent=3, width=5, depth=2).double()
    noise = net.noise(seed=1)
    assert (noise.shape, noise.dtype) == ((1, 3, 4, 3), torch.float64)
    assert torch.equal(noise, net.noise(seed=1))
    assert not torch.equal(noise, net.noise(seed=2))
    assert net(noise).shape == (1, 1, 13, 9)


def test_the_range_scales_what_it_draws():
    net = DeepPrior((6, 6), width=2, depth=1, vp_range=(2000.0, 3000.0))
    torch.nn.init.zeros_(net.final.weight)
    for label, vp in ((-1.0, 2000.0), (0.0, 2500.0), (1.0, 3000.0)):
        torch.nn.init.constant_(net.final.bias, label)
        torch.testing.assert_close(net(net.noise(seed=0)), torch.full((1, 1, 6, 6), vp))


def test_refusals():
    with pytest.raises(VMBValueError, match="vp_range: must increase"):
        DeepPrior((6, 6), vp_range=(2000.0, 2000.0))
    with pytest.raises(VMBValueError, match=r"inputs: must be \(batch, 16, rows, columns\)"):
        DeepPrior((6, 6))(torch.zeros(1, 3, 2, 2))

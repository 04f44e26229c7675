"""DCGAN and PatchGAN: counts, sizes, keys, initial weights, the patch, what they refuse."""

import pytest
import torch
from torch import nn

from pylops_vmb.errors import VMBValueError
from pylops_vmb.networks import DCGANDiscriminator, DCGANGenerator, PatchDiscriminator


def on_meta(kind, *args, **kwargs):
    with torch.device("meta"):
        return kind(*args, **kwargs)


@pytest.mark.parametrize(
    ("kind", "channels", "parameters"),
    [
        (DCGANGenerator, 3, 3_576_704),
        (DCGANGenerator, 1, 3_574_656),
        (DCGANDiscriminator, 3, 2_765_568),
        (DCGANDiscriminator, 1, 2_763_520),
        (PatchDiscriminator, 2, 2_764_609),
    ],
)
def test_parameters(kind, channels, parameters):
    assert sum(p.numel() for p in on_meta(kind, channels).parameters()) == parameters


def keys(prefix, convolutions, norms, biased=()):
    names = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
    found = {f"{prefix}.{n}.weight" for n in convolutions} | {f"{prefix}.{n}.bias" for n in biased}
    return found | {f"{prefix}.{n}.{name}" for n in norms for name in names}


def test_state_keys():
    generator = keys("main", (0, 3, 6, 9, 12), (1, 4, 7, 10))
    assert set(on_meta(DCGANGenerator).state_dict()) == generator
    discriminator = keys("main", (0, 2, 5, 8, 11), (3, 6, 9))
    assert set(on_meta(DCGANDiscriminator).state_dict()) == discriminator
    patch = keys("model", (0, 2, 5, 8, 11), (3, 6, 9), biased=(0, 11))
    assert set(on_meta(PatchDiscriminator).state_dict()) == patch


def test_sizes():
    pictures = on_meta(DCGANGenerator)(torch.empty(2, 100, 1, 1, device="meta"))
    assert pictures.shape == (2, 3, 64, 64)
    assert on_meta(DCGANDiscriminator)(pictures).shape == (2, 1)
    patch = on_meta(PatchDiscriminator)
    for side, left in ((256, 30), (70, 6), (24, 1)):
        assert patch(torch.empty(2, 2, side, side, device="meta")).shape == (2, 1, left, left)


def test_a_patch_has_seventy_cells():
    torch.manual_seed(1)
    net = PatchDiscriminator(1, width=1, norm="none").double()
    picture = torch.randn(1, 1, 256, 256, dtype=torch.float64, requires_grad=True)
    net(picture)[0, 0, 15, 15].backward()
    seen = picture.grad[0, 0] != 0
    for axis in (0, 1):
        cells = seen.any(axis).nonzero()
        assert int(cells.max() - cells.min()) + 1 == 70


@pytest.mark.parametrize("kind", [DCGANGenerator, DCGANDiscriminator, PatchDiscriminator])
def test_initial_weights(kind):
    torch.manual_seed(0)
    net = kind(2, width=16)
    wide = [m.weight for m in net.modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)]
    spread = torch.cat([weight.detach().flatten() for weight in wide])
    assert float(spread.std()) == pytest.approx(0.02, rel=0.02)
    assert abs(float(spread.mean())) < 2e-4
    norms = [m for m in net.modules() if isinstance(m, nn.BatchNorm2d)]
    scales = torch.cat([m.weight.detach() for m in norms])
    assert float(scales.mean()) == pytest.approx(1.0, abs=0.01)
    assert float(scales.std()) == pytest.approx(0.02, rel=0.25)
    assert not any(m.bias.any() for m in norms)
    slopes = {m.negative_slope for m in net.modules() if isinstance(m, nn.LeakyReLU)}
    assert slopes == (set() if kind is DCGANGenerator else {0.2})


def test_pictures_are_bounded():
    torch.manual_seed(0)
    pictures = DCGANGenerator(1, width=2)(100 * torch.randn(2, 100, 1, 1)).detach()
    assert 0.0 < float(pictures.abs().max()) <= 1.0


@pytest.mark.parametrize("norm", ["instance", "none"])
def test_norms_that_keep_the_samples_apart(norm):
    torch.manual_seed(0)
    net, pictures = PatchDiscriminator(2, width=2, norm=norm), torch.randn(2, 2, 32, 32)
    torch.testing.assert_close(net(pictures)[:1], net(pictures[:1]))
    mixed = PatchDiscriminator(2, width=2)
    assert not torch.allclose(mixed(pictures)[:1], mixed(pictures[:1]))


def test_wrong_inputs_are_refused():
    with pytest.raises(VMBValueError, match=r"\(batch, 100, 1, 1\), got \(2, 100\)\. Draw them"):
        on_meta(DCGANGenerator)(torch.empty(2, 100, device="meta"))
    with pytest.raises(VMBValueError, match=r"64 x 64 cells, got \(70, 70\)\. Resample the pic"):
        on_meta(DCGANDiscriminator)(torch.empty(2, 3, 70, 70, device="meta"))
    with pytest.raises(VMBValueError, match=r"at least 24 x 24, got \(1, 2, 23, 70\)\. Change"):
        on_meta(PatchDiscriminator)(torch.empty(1, 2, 23, 70, device="meta"))
    with pytest.raises(VMBValueError, match=r"norm: is not a known choice, got 'group'"):
        on_meta(PatchDiscriminator, norm="group")

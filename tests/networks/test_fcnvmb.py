"""FCNVMB as published: counts, keys, sizes of the maps, and the numbers of its decoder."""

import pytest
import torch
from torch.nn import functional

from pylops_vmb.errors import VMBTypeError, VMBValueError
from pylops_vmb.networks import FCNVMB
from pylops_vmb.networks.blocks import join_padded

SIZE = (201, 301)


def on_meta(*args, **kwargs):
    """Build without memory: shapes and counts only."""
    with torch.device("meta"):
        return FCNVMB(*args, **kwargs)


def count(module):
    return sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize(
    ("channels", "batchnorm", "parameters", "entries"),
    [
        (29, True, 31_058_497, 136),
        (29, False, 31_050_561, 86),
        (5, True, 31_044_673, 136),
        (3, True, 31_043_521, 136),
        (1, True, 31_042_369, 136),
    ],
)
def test_parameters_and_entries(channels, batchnorm, parameters, entries):
    net = on_meta(1, channels, True, batchnorm)
    assert count(net) == parameters
    assert len(net.state_dict()) == entries


def test_parameters_by_block():
    net = on_meta(1, 29)
    assert {name: count(block) for name, block in net.named_children()} == {
        "down1": 53_952,
        "down2": 221_952,
        "down3": 886_272,
        "down4": 3_542_016,
        "center": 14_161_920,
        "up4": 9_178_624,
        "up3": 2_295_552,
        "up2": 574_336,
        "up1": 143_808,
        "final": 65,
    }


def published_keys(batchnorm):
    """List the keys of the published checkpoints, written out from their pattern."""

    def double(prefix, norm):
        for conv in ("conv1", "conv2"):
            yield from (f"{prefix}.{conv}.0.{name}" for name in ("weight", "bias"))
            if norm:
                names = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
                yield from (f"{prefix}.{conv}.1.{name}" for name in names)

    keys = {"final.weight", "final.bias", *double("center", batchnorm)}
    for level in (1, 2, 3, 4):
        keys |= {f"up{level}.up.weight", f"up{level}.up.bias"}
        keys |= {*double(f"down{level}.conv", batchnorm), *double(f"up{level}.conv", True)}
    return keys


@pytest.mark.parametrize("batchnorm", [True, False])
def test_state_keys_are_those_of_the_checkpoints(batchnorm):
    assert set(on_meta(1, 29, True, batchnorm).state_dict()) == published_keys(batchnorm)


def test_sizes_of_all_maps():
    net = on_meta(1, 29)
    sizes = {}

    def note(name):
        def hook(_module, _inputs, output):
            maps = output[1] if isinstance(output, tuple) else output
            sizes[name] = tuple(maps.shape[1:])

        return hook

    for name, block in net.named_children():
        block.register_forward_hook(note(name))
    net(torch.empty(1, 29, 400, 301, device="meta"), SIZE)
    assert sizes == {
        "down1": (64, 200, 151),
        "down2": (128, 100, 76),
        "down3": (256, 50, 38),
        "down4": (512, 25, 19),
        "center": (1024, 25, 19),
        "up4": (512, 50, 38),
        "up3": (256, 100, 76),
        "up2": (128, 200, 152),
        "up1": (64, 400, 304),
        "final": (1, 201, 301),
    }


def reference(state, maps, size, *, batchnorm):
    """Compute the published network from its numbers with plain functions."""

    def double(maps, prefix, norm):
        for conv in ("conv1", "conv2"):
            w = {key: state.get(f"{prefix}.{conv}.{key}") for key in ("0.weight", "0.bias")}
            maps = functional.conv2d(maps, w["0.weight"], w["0.bias"], padding=1)
            if norm:
                mean, var, scale, shift = (
                    state[f"{prefix}.{conv}.1.{key}"][:, None, None]
                    for key in ("running_mean", "running_var", "weight", "bias")
                )
                maps = (maps - mean) / (var + 1e-5).sqrt() * scale + shift
            maps = maps.clamp(min=0)
        return maps

    skips = []
    for level in (1, 2, 3, 4):
        maps = double(maps, f"down{level}.conv", batchnorm)
        maps = functional.max_pool2d(maps, 2, 2, ceil_mode=True)
        skips.append(maps)
    maps = double(maps, "center", batchnorm)
    for level in (4, 3, 2, 1):
        weights = (state[f"up{level}.up.{key}"] for key in ("weight", "bias"))
        up, skip = functional.conv_transpose2d(maps, *weights, stride=2), skips[level - 1]
        framed = torch.zeros_like(up)
        top, left = ((n - m) // 2 for n, m in zip(up.shape[2:], skip.shape[2:], strict=True))
        framed[:, :, top : top + skip.shape[2], left : left + skip.shape[3]] = skip
        maps = double(torch.cat((framed, up), 1), f"up{level}.conv", True)
    maps = maps[:, :, 1 : 1 + size[0], 1 : 1 + size[1]]
    return functional.conv2d(maps, state["final.weight"], state["final.bias"])


@pytest.mark.parametrize("batchnorm", [True, False])
def test_numbers_agree_with_plain_functions(batchnorm):
    torch.manual_seed(3)
    net = FCNVMB(1, 2, True, batchnorm, width=8).eval()
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.uniform_(-0.1, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    gathers = torch.randn(1, 2, 37, 50)
    with torch.no_grad():
        got = net(gathers, (30, 41))
        want = reference(net.state_dict(), gathers, (30, 41), batchnorm=batchnorm)
    assert got.shape == (1, 1, 30, 41)
    assert float((got - want).norm() / want.norm()) < 1e-5


def test_skip_is_padded_in_the_middle_with_the_odd_cell_after():
    joined = join_padded(torch.ones(1, 1, 2, 3), torch.full((1, 1, 5, 4), 2.0))
    rows = joined[0, 0].sum(dim=1).tolist()
    columns = joined[0, 0].sum(dim=0).tolist()
    assert (rows, columns) == ([0, 3, 3, 0, 0], [2, 2, 2, 0])
    assert bool((joined[0, 1] == 2).all())


def test_a_strict_round_trip_keeps_the_numbers():
    torch.manual_seed(0)
    first, second = FCNVMB(1, 1, width=4).eval(), FCNVMB(**FCNVMB(1, 1, width=4).config).eval()
    second.load_state_dict(first.state_dict(), strict=True)
    gathers = torch.randn(1, 1, 18, 17)
    with torch.no_grad():
        torch.testing.assert_close(second(gathers, (9, 9)), first(gathers, (9, 9)))


@pytest.mark.parametrize("is_deconv", [True, False])
def test_gradient_reaches_every_weight_and_the_gathers(is_deconv):
    torch.manual_seed(1)
    net = FCNVMB(2, 1, is_deconv, width=8)
    gathers = torch.randn(2, 1, 33, 32, requires_grad=True)
    vp = net(gathers, (20, 16))
    assert vp.shape == (2, 2, 20, 16)
    vp.square().sum().backward()
    grads = [gathers.grad, *(p.grad for p in net.parameters())]
    assert all(g is not None and bool(g.isfinite().all()) for g in grads)
    dead = [name for name, p in net.named_parameters() if not p.grad.any()]
    assert dead == []


@pytest.mark.parametrize("shape", [(1000, 70), (192, 400), (400, 288)])
def test_a_crop_that_cannot_be_is_refused(shape):
    gathers = torch.empty(1, 5, *shape, device="meta")
    with pytest.raises(VMBValueError, match=r"does not fit .*, got maps of \d+ x \d+ .* Resample"):
        on_meta(1, 5)(gathers, SIZE)


def test_the_smallest_gathers_that_the_crop_allows():
    gathers = torch.empty(1, 5, 193, 289, device="meta")  # last maps: 208 x 304
    assert on_meta(1, 5)(gathers, SIZE).shape == (1, 1, *SIZE)
    assert on_meta(1, 5)(gathers, (207, 303)).shape == (1, 1, 207, 303)
    with pytest.raises(VMBValueError, match="does not fit"):
        on_meta(1, 5)(gathers, (208, 303))


def test_the_size_of_the_model_may_be_a_setting():
    net, named = on_meta(1, 5, width=2, out_shape=(20, 30)), on_meta(1, 5, width=2)
    gathers = torch.empty(2, 5, 33, 32, device="meta")
    assert net(gathers).shape == (2, 1, 20, 30)
    assert net(gathers, (9, 8)).shape == (2, 1, 9, 8)
    assert named(gathers, (9, 8)).shape == (2, 1, 9, 8)
    with pytest.raises(VMBTypeError, match=r"must be \(nz, nx\), got None\. Pass label_dsp_dim"):
        named(gathers)


def test_wrong_arguments_are_refused():
    net = on_meta(1, 5)
    with pytest.raises(VMBValueError, match=r"ns = 5 shots, got \(1, 4, 32, 32\)\. Put the shots"):
        net(torch.empty(1, 4, 32, 32, device="meta"), (8, 8))
    with pytest.raises(VMBTypeError, match=r"label_dsp_dim: must be two integers, got 8\. Pass"):
        net(torch.empty(1, 5, 32, 32, device="meta"), 8)
    with pytest.raises(VMBValueError, match="in_channels: must be at least 1, got 0"):
        on_meta(1, 0)

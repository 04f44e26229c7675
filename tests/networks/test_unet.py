"""U-Net: counts, the published sizes, copy and crop, numbers, what it refuses."""

import pytest
import torch
from torch.nn import functional

from pylops_vmb.errors import VMBValueError
from pylops_vmb.networks import UNet
from pylops_vmb.networks.blocks import join_middle


def on_meta(*args, **kwargs):
    with torch.device("meta"):
        return UNet(*args, **kwargs)


@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize(
    ("channels", "classes", "parameters"),
    [(1, 2, 31_030_658), (1, 1, 31_030_593), (3, 2, 31_031_810)],
)
def test_parameters(channels, classes, parameters, padded):
    net = on_meta(channels, classes, padded=padded)
    assert sum(p.numel() for p in net.parameters()) == parameters
    assert len(net.state_dict()) == 46


def test_published_sizes():
    net, sizes = on_meta(), []
    for block in (*(down.conv for down in net.downs), net.center, *net.ups):
        block.register_forward_hook(lambda _m, _i, out: sizes.append(out.shape[-1]))
    scores = net(torch.empty(1, 1, 572, 572, device="meta"))
    assert sizes == [568, 280, 136, 64, 28, 52, 100, 196, 388]
    assert scores.shape == (1, 2, 388, 388)


@pytest.mark.parametrize("shape", [(1, 1), (16, 33), (201, 301), (1000, 70)])
def test_padded_keeps_any_size(shape):
    assert on_meta(padded=True)(torch.empty(1, 1, *shape, device="meta")).shape == (1, 2, *shape)


def test_the_middle_of_the_skip_is_copied():
    skip = torch.arange(30.0).reshape(1, 1, 5, 6)
    joined = join_middle(skip, torch.full((1, 1, 3, 2), -1.0))
    assert joined[0, 0].tolist() == [[8, 9], [14, 15], [20, 21]]
    assert bool((joined[0, 1] == -1).all())


def reference(state, maps, *, depth):
    """Compute the unpadded network from its numbers with plain functions."""

    def double(maps, prefix):
        for conv in ("conv1.0", "conv2.0"):
            weights = (state[f"{prefix}.{conv}.{name}"] for name in ("weight", "bias"))
            maps = functional.conv2d(maps, *weights).clamp(min=0)
        return maps

    skips = []
    for level in range(depth):
        maps = double(maps, f"downs.{level}.conv")
        skips.append(maps)
        maps = functional.max_pool2d(maps, 2)
    maps = double(maps, "center")
    for level in range(depth):
        weights = (state[f"ups.{level}.up.{name}"] for name in ("weight", "bias"))
        maps = functional.conv_transpose2d(maps, *weights, stride=2)
        skip = skips.pop()
        cut = [(n - m) // 2 for n, m in zip(skip.shape[2:], maps.shape[2:], strict=True)]
        skip = skip[:, :, cut[0] : skip.shape[2] - cut[0], cut[1] : skip.shape[3] - cut[1]]
        maps = double(torch.cat((skip, maps), 1), f"ups.{level}.conv")
    return functional.conv2d(maps, state["final.weight"], state["final.bias"])


def test_numbers_agree_with_plain_functions():
    torch.manual_seed(5)
    net = UNet(2, 3, width=2, depth=2).double()
    maps = torch.randn(2, 2, 44, 52, dtype=torch.float64)  # 4 m + 12, m = 8 and 10
    with torch.no_grad():
        got, want = net(maps), reference(net.state_dict(), maps, depth=2)
    assert got.shape == (2, 3, 4, 12)
    assert float(got.std()) > 1e-3
    torch.testing.assert_close(got, want, rtol=1e-10, atol=1e-12)


def test_initial_spread():
    torch.manual_seed(0)
    weight = UNet(width=16, depth=2).center.conv2[0].weight
    assert float(weight.detach().std()) == pytest.approx((2 / (64 * 9)) ** 0.5, rel=0.02)


def test_batch_norm_is_in_every_level_if_asked():
    net = on_meta(depth=2, batchnorm=True)
    assert sum(isinstance(m, torch.nn.BatchNorm2d) for m in net.modules()) == 10


@pytest.mark.parametrize(
    ("depth", "side", "out"), [(1, 18, 2), (2, 44, 4), (3, 92, 4), (4, 188, 4), (4, 572, 388)]
)
def test_the_sides_that_fit(depth, side, out):
    net = on_meta(depth=depth)
    assert net(torch.empty(1, 1, side, side, device="meta")).shape[-2:] == (out, out)
    for wrong in (side + 1, side - 1):
        with pytest.raises(
            VMBValueError, match=r"sides \d+ m \+ \d+ with m >= [78] without padding"
        ):
            net(torch.empty(1, 1, side, wrong, device="meta"))


def test_wrong_inputs_are_refused():
    with pytest.raises(
        VMBValueError, match=r"got \(570, 572\)\. Extend the side of 570 to 572, or"
    ):
        on_meta()(torch.empty(1, 1, 570, 572, device="meta"))
    with pytest.raises(VMBValueError, match=r"Extend the side of 172 to 188"):
        on_meta()(torch.empty(1, 1, 172, 172, device="meta"))
    with pytest.raises(VMBValueError, match=r"\(batch, 1, rows, columns\).*got \(1, 2, 572, 572\)"):
        on_meta()(torch.empty(1, 2, 572, 572, device="meta"))

"""The repaired FCNVMB: any size to any size, scaling inside, what it refuses."""

import json

import pytest
import torch

from pylops_vmb.errors import VMBValueError
from pylops_vmb.networks import RepairedFCNVMB, build

FITS = ("stem", "resample", "crop")


def tiny(in_shape=(21, 13), out_shape=(9, 8), **config):
    torch.manual_seed(2)
    return RepairedFCNVMB(2, in_shape, out_shape, **{"width": 2, "depth": 2, **config})


@pytest.mark.parametrize("upsampling", ["deconv", "bilinear"])
@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize(
    ("in_shape", "out_shape"),
    [
        ((21, 13), (9, 8)),
        ((200, 70), (70, 70)),
        ((5, 3), (5, 3)),
        ((2, 2), (1, 1)),
        ((7, 1), (3, 1)),
    ],
)
def test_any_size_to_any_size(in_shape, out_shape, fit, upsampling):
    net = tiny(in_shape, out_shape, fit=fit, upsampling=upsampling, depth=3).eval()
    assert net(torch.randn(2, 2, *in_shape)).shape == (2, 1, *out_shape)


@pytest.mark.parametrize("fit", ["stem", "resample"])
def test_a_model_larger_than_the_gathers(fit):
    assert tiny((6, 5), (19, 17), fit=fit)(torch.randn(2, 2, 6, 5)).shape == (2, 1, 19, 17)


@pytest.mark.parametrize("fit", FITS)
def test_the_embedded_size_stays_below_four_megabytes(fit):
    for shape in ((200, 70), (1000, 70)):
        net = RepairedFCNVMB(5, shape, (70, 70), width=16, fit=fit)
        assert sum(v.numel() for v in net.state_dict().values()) < 1_980_000


def test_the_maps_behind_the_stem_are_near_the_model_and_not_smaller():
    for samples in (70, 139, 140, 200, 1000, 1001):
        net = tiny((samples, 70), (70, 70))
        rows, columns = net.stem(torch.zeros(1, 2, samples, 70)).shape[-2:]
        assert 70 <= rows < 140
        assert columns == 70


@pytest.mark.parametrize("fit", FITS)
def test_gradient_reaches_every_weight_and_every_sample(fit):
    net = tiny(fit=fit, upsampling="bilinear", width=8)
    gathers = torch.randn(4, 2, 21, 13, requires_grad=True)
    net.normalise(net(gathers)).square().mean().backward()
    assert [name for name, p in net.named_parameters() if not p.grad.any()] == []
    assert bool((gathers.grad.abs().amax(dim=(0, 1)) > 0).all())


def test_the_skip_comes_from_before_the_pooling():
    net = tiny(fit="crop", in_shape=(10, 7), out_shape=(10, 7)).eval()
    seen = []
    net.ups[-1].register_forward_pre_hook(lambda _module, args: seen.append(args[0]))
    gathers = torch.randn(1, 2, 10, 7)
    net(gathers)
    torch.testing.assert_close(seen[0], net.downs[0].conv(gathers))


def test_the_crop_keeps_the_top_and_the_middle():
    net = tiny((9, 8), (4, 3), fit="crop")
    maps = torch.arange(72.0).reshape(1, 1, 9, 8)
    torch.testing.assert_close(net._fitted(maps), maps[..., :4, 2:5])


def test_scaling_of_labels_and_data():
    net = tiny(vp_range=(1000.0, 5000.0), data_scale=4.0).eval()
    ends = torch.tensor([1000.0, 3000.0, 5000.0])
    torch.testing.assert_close(net.normalise(ends), torch.tensor([-1.0, 0.0, 1.0]))
    torch.testing.assert_close(net.denormalise(net.normalise(ends)), ends)
    plain = tiny(vp_range=(1000.0, 5000.0)).eval()
    plain.load_state_dict(net.state_dict())
    gathers = torch.randn(1, 2, 21, 13)
    torch.testing.assert_close(net(4.0 * gathers), plain(gathers))
    torch.nn.init.zeros_(net.final.weight)
    torch.nn.init.constant_(net.final.bias, 0.5)
    torch.testing.assert_close(net(gathers), torch.full((1, 1, 9, 8), 4000.0))


def test_autocast_keeps_the_velocity_in_single_precision():
    net = tiny().eval()
    gathers = torch.randn(1, 2, 21, 13)
    with torch.autocast("cpu", torch.bfloat16):
        vp = net(gathers)
    assert vp.dtype == torch.float32
    assert float((vp - net(gathers)).detach().abs().max()) < 50.0


def test_the_configuration_and_the_state_rebuild_the_network():
    net = tiny(fit="resample", upsampling="bilinear", data_scale=1e-9, vp_range=(1400.0, 4700.0))
    net = net.eval()
    again = build("fcnvmb-repaired", **json.loads(json.dumps(net.config))).eval()
    assert again.config == net.config
    again.load_state_dict(net.state_dict(), strict=True)
    gathers = 1e-9 * torch.randn(1, 2, 21, 13)
    torch.testing.assert_close(again(gathers), net(gathers))


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning")
@pytest.mark.parametrize("fit", FITS)
def test_forward_and_reverse_derivatives_agree(fit):
    net = tiny(fit=fit).double().eval()
    x, dx = torch.randn(2, 1, 2, 21, 13, dtype=torch.float64)
    y, dy = torch.func.jvp(net, (x,), (dx,))
    cotangent = torch.randn_like(y)
    x.requires_grad_()
    (adjoint,) = torch.autograd.grad(net(x), x, cotangent)
    torch.testing.assert_close((dy * cotangent).sum(), (dx * adjoint).sum(), rtol=1e-10, atol=0)


def test_gathers_of_another_size_are_refused():
    net = tiny()
    with pytest.raises(VMBValueError, match=r"\(nt, nr\) = \(21, 13\), got \(22, 13\)\. Resample"):
        net(torch.randn(1, 2, 22, 13))
    with pytest.raises(VMBValueError, match=r"ns = 2 shots, got \(1, 3, 21, 13\)\. Put the shots"):
        net(torch.randn(1, 3, 21, 13))
    with pytest.raises(VMBValueError, match=r"ns = 2 shots, got \(2, 21, 13\)"):
        net(torch.randn(2, 21, 13))


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"fit": "crop", "in_shape": (8, 13)}, r"'crop' needs .* \(9, 8\), got .* Use fit='stem'"),
        ({"fit": "crop", "in_shape": (21, 7)}, r"'crop' needs .* got \(nt, nr\) = \(21, 7\)"),
        ({"fit": "pad"}, r"fit: is not a known choice, got 'pad'\. Use one of 'stem'"),
        ({"upsampling": "cubic"}, r"upsampling: is not a known choice, got 'cubic'"),
        ({"vp_range": (4500.0, 1500.0)}, r"vp_range: must increase, got .* Pass \(lowest"),
        ({"vp_range": (1.0, 2.0, 3.0)}, r"vp_range: must be two velocities"),
        ({"data_scale": 0.0}, r"data_scale: must be above 0"),
        ({"depth": 0}, r"depth: must be at least 1, got 0"),
        ({"out_shape": (9, 0)}, r"out_shape: must be at least 1, got 0"),
    ],
)
def test_wrong_settings_are_refused(config, message):
    with pytest.raises(VMBValueError, match=message):
        tiny(**config)

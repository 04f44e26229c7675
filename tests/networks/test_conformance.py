"""What every registered network promises, and what a learned inversion needs of some."""

import json

import numpy as np
import pytest
import torch

from pylops_vmb.errors import VMBValueError
from pylops_vmb.io import read_weights, write_weights
from pylops_vmb.learned import Card, LearnedInversion, Preprocessing
from pylops_vmb.networks import VGG16, available, build
from pylops_vmb.operators import dottest
from pylops_vmb.survey import Acquisition, Grid

SHOTS, NT, NR, NZ, NX = 3, 24, 9, 6, 7
SIZES = {"in_channels": SHOTS, "in_shape": [NT, NR], "out_shape": [NZ, NX]}

# Name, small configuration; these map gathers to velocity ...
VELOCITY = [
    ("fcnvmb", {"n_classes": 1, "in_channels": SHOTS, "width": 2, "out_shape": [NZ, NX]}),
    ("fcnvmb-repaired", {**SIZES, "width": 4, "depth": 2}),
    ("inversionnet", {**SIZES, "width": 2}),
    ("dense-velocity", {**SIZES, "body": "unet", "width": 3, "settings": {"depth": 2}}),
    ("dense-velocity", {**SIZES, "body": "unet", "fit": "resample", "width": 2}),
    ("dense-velocity", {**SIZES, "body": "fcn-32s", "width": 2, "fit": "resample"}),
    ("dense-velocity", {**SIZES, "body": "fcn-16s", "width": 2, "settings": {"batchnorm": True}}),
    ("dense-velocity", {**SIZES, "body": "fcn-8s", "width": 2, "settings": {"at_once": True}}),
]
# ... and these do something else: the shapes of their input and output.
OTHER = [
    ("vgg16", {"in_channels": 2, "n_classes": 4, "width": 1}, (2, 40, 32), (4,)),
    ("vgg16", {"n_classes": None, "width": 1, "batchnorm": True}, (3, 64, 32), (8, 2, 1)),
    ("fcn-32s", {"in_channels": 2, "n_classes": 3, "width": 1}, (2, 9, 5), (3, 9, 5)),
    ("fcn-16s", {"in_channels": 2, "n_classes": 3, "width": 1}, (2, 9, 5), (3, 9, 5)),
    ("fcn-8s", {"in_channels": 2, "at_once": True, "width": 1}, (2, 9, 5), (21, 9, 5)),
    ("unet", {"width": 2, "depth": 2}, (1, 44, 48), (2, 4, 8)),
    ("unet", {"width": 2, "padded": True, "batchnorm": True}, (1, 20, 9), (2, 20, 9)),
    ("dcgan-generator", {"channels": 1, "latent": 5, "width": 1}, (5, 1, 1), (1, 64, 64)),
    ("dcgan-discriminator", {"width": 1}, (3, 64, 64), (1,)),
    ("deep-prior", {"out_shape": [6, 7], "latent": 3, "width": 2}, (3, 2, 2), (1, 6, 7)),
    ("patchgan", {"width": 1, "norm": "instance"}, (2, 32, 40), (1, 2, 3)),
]
ALL = [
    *((name, config, (SHOTS, NT, NR), (1, NZ, NX)) for name, config in VELOCITY),
    *OTHER,
]


def label(value):
    if isinstance(value, str):
        return value
    return "-".join(str(v) for k, v in value.items() if k in ("body", "batchnorm")) or "-"


velocity_networks = pytest.mark.parametrize(("name", "config"), VELOCITY, ids=label)
all_networks = pytest.mark.parametrize(
    ("name", "config", "inputs", "outputs"), ALL, ids=lambda v: v if isinstance(v, str) else ""
)


def stirred(name, config, seed=2):
    """Build a network in which no weight and no running statistic is trivial."""
    torch.manual_seed(seed)
    net = build(name, **config)
    for key, parameter in net.named_parameters():
        if "score" in key and "up" not in key:  # begin at zero
            torch.nn.init.normal_(parameter, std=0.5)
    for key, buffer in net.named_buffers():
        if key.endswith("running_mean"):
            buffer.normal_(std=0.1)
        elif key.endswith("running_var"):
            buffer.uniform_(0.1, 0.3)
    return net


def test_every_registered_network_is_tested_here():
    assert {name for name, *_ in ALL} == set(available())


@all_networks
def test_the_configuration_is_json_and_builds_the_same_structure(name, config, inputs, outputs):
    net = build(name, **config)
    again = build(name, **json.loads(json.dumps(net.config)))
    assert again.config == net.config
    assert config.items() <= net.config.items()

    def shapes(built):
        return {key: value.shape for key, value in built.state_dict().items()}

    assert shapes(again) == shapes(net)


@all_networks
def test_shape_and_precision(name, config, inputs, outputs):
    net, x = stirred(name, config).eval(), torch.randn(2, *inputs)
    with torch.no_grad():
        single, double = net(x), net.double()(x.double())
    assert (single.shape, single.dtype) == ((2, *outputs), torch.float32)
    assert (double.shape, double.dtype) == ((2, *outputs), torch.float64)
    assert float((single - double).norm() / double.norm()) < 1e-4


@all_networks
def test_evaluation_draws_nothing(name, config, inputs, outputs):
    net, x = stirred(name, config).eval(), torch.randn(1, *inputs)
    before = {key: value.clone() for key, value in net.state_dict().items()}
    with torch.no_grad():
        assert torch.equal(net(x), net(x))
    assert all(torch.equal(value, before[key]) for key, value in net.state_dict().items())


@all_networks
def test_gradients_are_finite_and_reach_all_weights(name, config, inputs, outputs):
    net = stirred(name, config | {"width": 4})
    x = torch.randn(3, *inputs, requires_grad=True)
    y = net(x)
    (y / y.detach().abs().max() * torch.randn_like(y)).sum().backward()
    grads = {key: p.grad for key, p in net.named_parameters()} | {"inputs": x.grad}
    assert all(g is not None and bool(g.isfinite().all()) for g in grads.values())
    # a bias before a norm does not change its output: rounding only
    assert [key for key, g in grads.items() if not g.any() and not key.endswith("bias")] == []


@all_networks
def test_every_input_channel_counts(name, config, inputs, outputs):
    net = stirred(name, config | {"width": 4}).double().eval()
    x = torch.randn(2, *inputs, dtype=torch.float64)
    with torch.no_grad():
        y = net(x)
        for channel in range(inputs[0]):
            changed = x.clone()
            changed[:, channel] *= -1
            changes = (net(changed) - y).flatten(1).norm(dim=1)
            assert bool((changes > 1e-9 * y.norm()).all()), channel


@all_networks
def test_weights_survive_a_file(name, config, inputs, outputs, tmp_path):
    net, again = stirred(name, config).eval(), stirred(name, config, seed=3).eval()
    write_weights(tmp_path / "net.safetensors", net.state_dict(), {"config": net.config})
    tensors, card = read_weights(tmp_path / "net.safetensors")
    assert card["config"] == net.config
    again.load_state_dict(tensors, strict=True)
    x = torch.randn(1, *inputs)
    with torch.no_grad():
        torch.testing.assert_close(again(x), net(x))


@velocity_networks
def test_other_gathers_are_refused(name, config):
    net = build(name, **config)
    with pytest.raises(VMBValueError, match=r"ns = 3 shots, got \(1, 2, 24, 9\)\. Put the shots"):
        net(torch.zeros(1, 2, NT, NR))
    if name == "fcnvmb":  # as published, it takes any gathers that can be cropped
        net.out_shape, message = (32, 7), r"does not fit.*got maps of 32 x 16.*\. Resample"
    else:
        message = r"must have \(nt, nr\) = \(24, 9\), got \(25, 9\)\. Resample"
    with pytest.raises(VMBValueError, match=message):
        net(torch.zeros(1, SHOTS, NT + 1, NR))


def inversion(name, config):
    """Return a learned inversion of 24 samples of each of 9 receivers, and gathers for it."""
    config = config | {"width": 4}
    acq = Acquisition.fixed_spread(
        [0.0, 40.0, 80.0], 10.0 * np.arange(NR), nt=NT, dt=8e-3, f0=20.0, zs=10.0
    )
    card = Card(
        name=name,
        network={"name": name, "config": config},
        grid=Grid((NX, NZ), 10.0),
        acq=acq,
        preprocessing=Preprocessing(),
    )
    d = np.random.default_rng(5).standard_normal((SHOTS, NR, NT))
    return LearnedInversion(stirred(name, config), card), d


@velocity_networks
def test_it_works_in_a_learned_inversion(name, config, tmp_path):
    G, d = inversion(name, config)
    vp = G(d)
    assert vp.shape == (NX, NZ)
    assert float(np.std(vp)) > 0.0
    G.save(tmp_path / "net.safetensors")
    again = LearnedInversion.load(tmp_path / "net.safetensors")
    assert again.card == G.card
    np.testing.assert_allclose(again(d), vp, rtol=1e-6)


@velocity_networks
def test_its_jacobian_has_an_exact_adjoint(name, config):
    G, d = inversion(name, config)
    J = G.jacobian(d)
    assert J.dtype == np.float64
    assert float(np.linalg.norm(J @ d)) > 0.0
    assert dottest(J).error < 1e-10


def test_a_velocity_network_can_start_from_pictures(tmp_path):
    torch.manual_seed(1)
    pictures = build("vgg16", width=2, n_classes=5)
    torch.save(pictures.state_dict(), tmp_path / "vgg16.pth")
    net = build("dense-velocity", **SIZES, fit="resample", width=2).eval()
    net.body.load_vgg16(VGG16.load_torchvision(tmp_path / "vgg16.pth", in_channels=SHOTS))
    assert torch.equal(net.body.features[0].weight, pictures.features[0].weight)
    torch.testing.assert_close(net(torch.randn(1, SHOTS, NT, NR)), torch.full((1, 1, NZ, NX), 3e3))


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (
            {"settings": {"width": 3}},
            r"settings: must not hold what the head sets, got \['width'\]",
        ),
        ({"body": "unet", "settings": {"padded": False}}, r"got \['padded'\]\. Remove these"),
        ({"settings": {"at": 1}}, r"fcn-8s: does not know these settings, got \['at'\]\. Use some"),
        ({"body": "vgg16"}, r"body: is not a known choice, got 'vgg16'\. Use one of 'fcn-32s'"),
        ({"fit": "crop"}, r"fit: is not a known choice, got 'crop'\. Use one of 'stem'"),
    ],
)
def test_wrong_settings_of_a_dense_network_are_refused(config, message):
    with pytest.raises(VMBValueError, match=message):
        build("dense-velocity", **SIZES, **config)

"""A network prepared to predict: the same numbers, sooner, and what must not be folded."""

import pytest
import torch
from torch import nn

from pylops_vmb.errors import VMBValueError
from pylops_vmb.networks import build, has_bfloat16, prepared

NETWORKS = {
    "fcnvmb": {"in_channels": 3, "n_classes": 1, "out_shape": (20, 30), "width": 4},
    "fcnvmb-repaired": {
        "in_channels": 3,
        "in_shape": (48, 36),
        "out_shape": (20, 30),
        "width": 4,
        "depth": 2,
    },
    "unet": {"in_channels": 3, "n_classes": 2, "width": 4, "padded": True, "batchnorm": True},
    "inversionnet": {"in_channels": 3, "in_shape": (160, 36), "out_shape": (20, 30), "width": 2},
}


def lively(net):
    """Give batch norms statistics and factors that a wrong fold would not survive."""
    torch.manual_seed(5)
    for layer in net.modules():
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.uniform_(layer.running_mean, -0.5, 0.5)
            nn.init.uniform_(layer.running_var, 0.5, 2.0)
            nn.init.uniform_(layer.weight, 0.5, 1.5)
            nn.init.uniform_(layer.bias, 0.0, 0.5)
    return net.eval()


def network(name):
    torch.manual_seed(1)
    return lively(build(name, **NETWORKS[name]))


def gathers(name):
    torch.manual_seed(2)
    return torch.randn(2, 3, *NETWORKS[name].get("in_shape", (48, 36)))


def norms(net):
    return sum(isinstance(layer, nn.BatchNorm2d) for layer in net.modules())


@torch.no_grad()
def far(net, fast, d):
    exact = net(d)
    return float((fast(d) - exact).norm() / exact.norm())


@pytest.mark.parametrize("name", NETWORKS)
def test_batch_norm_is_folded_and_nothing_changes(name):
    net, d = network(name), gathers(name)
    before = {key: value.clone() for key, value in net.state_dict().items()}
    fast = prepared(net)
    assert norms(net) > 0
    assert norms(fast) == 0
    assert float(net(d).detach().std((2, 3)).min()) > 0.0  # it listens
    assert far(net, fast, d) < 2e-6
    assert all(torch.equal(value, before[key]) for key, value in net.state_dict().items())


@pytest.mark.parametrize("name", NETWORKS)
def test_bfloat16_multiplies_with_eight_bits_and_answers_in_float32(name):
    net, d = network(name), gathers(name)
    fast = prepared(net, precision="bfloat16")
    assert fast(d).dtype == torch.float32
    assert 1e-6 < far(net, fast, d) < 0.05


@pytest.mark.parametrize(("channels", "rounded"), [(1, False), (2, True)])
@torch.no_grad()
def test_an_answer_of_one_channel_is_not_rounded_to_eight_bits(channels, rounded):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, channels, 1)).eval()
    d = gathers("fcnvmb")
    answer = prepared(net, precision="bfloat16")(d)
    short = (answer == answer.bfloat16().float()).double().mean()
    assert short == 1.0 if rounded else short < 0.1
    assert 1e-4 < far(net, prepared(net, precision="bfloat16"), d) < 0.05


def test_a_network_in_double_precision_stays_in_it():
    net, d = network("fcnvmb-repaired").double(), gathers("fcnvmb-repaired").double()
    assert far(net, prepared(net), d) < 1e-13


def test_a_copy_can_be_made_inside_inference_mode_and_used_outside():
    net, d = network("fcnvmb-repaired"), gathers("fcnvmb-repaired")
    with torch.inference_mode():
        fast = prepared(net)
    x = d.clone().requires_grad_()
    fast(x).sum().backward()
    assert x.grad is not None


def test_nothing_of_it_is_trained():
    fast = prepared(network("fcnvmb"))
    assert not fast.training
    assert not any(p.requires_grad for p in fast.parameters())


class Twice(nn.Module):
    """One convolution, two batch norms."""

    def __init__(self):
        super().__init__()
        conv = nn.Conv2d(3, 3, 3, padding=1)
        self.one = nn.Sequential(conv, nn.BatchNorm2d(3))
        self.two = nn.Sequential(conv, nn.BatchNorm2d(3))

    def forward(self, maps):
        return self.two(self.one(maps))


def hooked():
    layers = nn.Sequential(nn.Conv2d(3, 3, 3), nn.BatchNorm2d(3))
    layers[0].register_forward_hook(lambda *_: _[2] + 1.0)
    return layers


def normed():
    conv = nn.utils.parametrizations.weight_norm(nn.Conv2d(3, 3, 3))
    return nn.Sequential(conv, nn.BatchNorm2d(3))


LEFT_ALONE = {
    "shared": Twice,
    "hooked": hooked,
    "parametrised": normed,
    "grouped and transposed": lambda: nn.Sequential(
        nn.ConvTranspose2d(3, 6, 2, groups=3), nn.BatchNorm2d(6)
    ),
    "of each batch": lambda: nn.Sequential(
        nn.Conv2d(3, 3, 3), nn.BatchNorm2d(3, track_running_stats=False)
    ),
}


@pytest.mark.parametrize("name", LEFT_ALONE)
def test_what_cannot_be_folded_is_left_alone(name):
    torch.manual_seed(0)
    net = LEFT_ALONE[name]()
    if name != "of each batch":
        lively(net)
    net.eval()
    fast = prepared(net)
    assert norms(fast) == norms(net) > 0
    assert far(net, fast, gathers("fcnvmb")) < 2e-6


def test_a_transposed_convolution_and_one_without_bias():
    torch.manual_seed(0)
    up = nn.Sequential(nn.ConvTranspose2d(3, 5, 2, 2, bias=False), nn.BatchNorm2d(5), nn.ReLU())
    net = lively(up)
    fast = prepared(net)
    assert norms(fast) == 0
    assert far(net, fast, gathers("fcnvmb")) < 2e-6


def test_a_network_without_maps_or_numbers():
    assert prepared(nn.Linear(3, 2))(torch.ones(4, 3)).shape == (4, 2)
    assert prepared(nn.Flatten())(torch.ones(4, 3)).shape == (4, 3)


def test_auto_is_what_the_processor_has(monkeypatch):
    net = network("fcnvmb")
    for able, precision in ((True, "bfloat16"), (False, "float32")):
        monkeypatch.setattr(
            "pylops_vmb.networks.prediction.has_bfloat16", lambda _, able=able: able
        )
        assert prepared(net, precision="auto").precision == precision


def test_has_bfloat16_reads_what_torch_knows(monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True}, raising=False)
    assert has_bfloat16()
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True}, raising=False)
    assert not has_bfloat16()
    monkeypatch.delattr(torch.cpu, "get_capabilities")
    assert not has_bfloat16()
    assert not has_bfloat16("meta")


def test_another_precision_is_refused():
    with pytest.raises(VMBValueError, match=r"precision: is not a known choice, got 'float16'"):
        prepared(network("fcnvmb"), precision="float16")

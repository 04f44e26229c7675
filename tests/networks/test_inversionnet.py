"""InversionNet: count, keys and maps at the size of OpenFWI, and any other size."""

import pytest
import torch

from pylops_vmb.errors import VMBValueError
from pylops_vmb.networks import InversionNet

ENCODER = ["1", "2_1", "2_2", "3_1", "3_2", "4_1", "4_2", "5_1", "5_2", "6_1", "6_2", "7_1", "7_2"]
DECODER = [f"{level}_{part}" for level in range(1, 6) for part in (1, 2)]
MAPS = {
    "convblock1": (32, 500, 70),
    "convblock2_2": (64, 250, 70),
    "convblock3_2": (64, 125, 70),
    "convblock4_2": (128, 63, 70),
    "convblock5_2": (128, 32, 35),
    "convblock6_2": (256, 16, 18),
    "convblock7_2": (256, 8, 9),
    "convblock8": (512, 1, 1),
    "deconv1_2": (512, 5, 5),
    "deconv2_2": (256, 10, 10),
    "deconv3_2": (128, 20, 20),
    "deconv4_2": (64, 40, 40),
    "deconv5_2": (32, 80, 80),
    "deconv6": (1, 70, 70),
}


@pytest.fixture
def net():
    with torch.device("meta"):
        return InversionNet(5, (1000, 70), (70, 70))


def test_parameters(net):
    assert sum(p.numel() for p in net.parameters()) == 24_409_123


def test_state_keys_are_those_of_openfwi(net):
    blocks = [f"convblock{name}" for name in [*ENCODER, "8"]]
    blocks += [f"deconv{name}" for name in [*DECODER, "6"]]
    norm = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
    keys = {f"{block}.layers.0.{name}" for block in blocks for name in ("weight", "bias")}
    keys |= {f"{block}.layers.1.{name}" for block in blocks for name in norm}
    assert set(net.state_dict()) == keys


def test_sizes_of_all_maps(net):
    sizes = {}

    def note(name):
        return lambda _module, _inputs, out: sizes.update({name: tuple(out.shape[1:])})

    for name, block in net.named_children():
        block.register_forward_hook(note(name))
    net(torch.empty(2, 5, 1000, 70, device="meta"))
    assert {name: sizes[name] for name in MAPS} == MAPS
    assert list(sizes) == [
        *(f"convblock{name}" for name in [*ENCODER, "8"]),
        *(f"deconv{name}" for name in [*DECODER, "6"]),
    ]


def test_kinks_and_bound(net):
    leaky = [m for m in net.modules() if isinstance(m, torch.nn.LeakyReLU)]
    assert len(leaky) == 24
    assert {m.negative_slope for m in leaky} == {0.2}
    assert isinstance(net.deconv6.layers[2], torch.nn.Tanh)


@pytest.mark.parametrize(
    ("in_shape", "out_shape"), [((400, 301), (201, 301)), ((9, 1), (1, 17)), ((129, 65), (16, 33))]
)
def test_any_size_to_any_size(in_shape, out_shape):
    net = InversionNet(2, in_shape, out_shape, width=1).eval()
    vp = net(1e6 * torch.randn(1, 2, *in_shape))
    assert vp.shape == (1, 1, *out_shape)
    assert 1500.0 <= float(vp.detach().min()) <= float(vp.detach().max()) <= 4500.0


def test_the_middle_is_kept():
    net = InversionNet(1, (9, 9), (30, 27), width=1)
    maps = torch.arange(32.0)[:, None] * 100 + torch.arange(32.0)
    middle = net._middle(maps[None, None])
    assert middle.shape == (1, 1, 30, 27)
    assert float(middle[0, 0, 0, 0]) == 102.0


def test_training_on_one_survey_is_refused(net):
    with pytest.raises(VMBValueError, match=r"two surveys in training.*batch of 1\. Use larger"):
        net(torch.empty(1, 5, 1000, 70, device="meta"))
    assert net.eval()(torch.empty(1, 5, 1000, 70, device="meta")).shape == (1, 1, 70, 70)

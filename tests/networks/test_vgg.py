"""VGG16: counts, torchvision's keys, files of weights, other channels, what it refuses."""

import tracemalloc

import pytest
import torch
from safetensors.torch import save_file

from pylops_vmb.errors import VMBFileError, VMBValueError
from pylops_vmb.networks import VGG16

CONVOLUTIONS = (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)  # in torchvision's vgg16
WITH_NORM = (0, 3, 7, 10, 14, 17, 20, 24, 27, 30, 34, 37, 40)  # in its vgg16_bn
POOLED = [(64, 112), (128, 56), (256, 28), (512, 14), (512, 7)]


def on_meta(*args, **kwargs):
    with torch.device("meta"):
        return VGG16(*args, **kwargs)


def count(module):
    return sum(p.numel() for p in module.parameters())


def tiny(**config):
    torch.manual_seed(4)
    return VGG16(n_classes=5, width=1, **config).eval()


def test_parameters():
    net = on_meta()
    assert count(net) == 138_357_544
    assert count(net.features) == 14_714_688
    assert count(net.classifier) == 123_642_856
    assert count(on_meta(batchnorm=True)) == 138_365_992


@pytest.mark.parametrize(
    ("channels", "parameters"),
    [(1, 14_713_536), (3, 14_714_688), (5, 14_715_840), (29, 14_729_664)],
)
def test_parameters_of_the_encoder(channels, parameters):
    assert count(on_meta(channels, None)) == parameters


@pytest.mark.parametrize(("batchnorm", "numbers"), [(False, CONVOLUTIONS), (True, WITH_NORM)])
def test_state_keys_are_those_of_torchvision(batchnorm, numbers):
    keys = {f"classifier.{n}.{name}" for n in (0, 3, 6) for name in ("weight", "bias")}
    keys |= {f"features.{n}.{name}" for n in numbers for name in ("weight", "bias")}
    if batchnorm:
        names = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
        keys |= {f"features.{n + 1}.{name}" for n in numbers for name in names}
    assert set(on_meta(batchnorm=batchnorm).state_dict()) == keys


def test_sizes_of_the_maps():
    net, sizes = on_meta(), []
    for layer in net.features:
        if isinstance(layer, torch.nn.MaxPool2d):
            layer.register_forward_hook(lambda _m, _i, out: sizes.append(tuple(out.shape[1:])))
    assert net(torch.empty(2, 3, 224, 224, device="meta")).shape == (2, 1000)
    assert sizes == [(filters, side, side) for filters, side in POOLED]
    encoder = on_meta(5, None)
    assert encoder(torch.empty(1, 5, 1000, 70, device="meta")).shape == (1, 512, 31, 2)


def test_the_numbers_agree_with_plain_functions():
    net = tiny()
    picture = torch.randn(1, 3, 224, 224)
    state, maps = net.state_dict(), picture
    for number in CONVOLUTIONS:
        weights = (state[f"features.{number}.{name}"] for name in ("weight", "bias"))
        maps = torch.nn.functional.conv2d(maps, *weights, padding=1).clamp(min=0)
        if number in (2, 7, 14, 21, 28):
            maps = torch.nn.functional.max_pool2d(maps, 2)
    maps = maps.flatten(1)
    for number in (0, 3, 6):
        maps = maps @ state[f"classifier.{number}.weight"].T + state[f"classifier.{number}.bias"]
        maps = maps.clamp(min=0) if number < 6 else maps
    with torch.no_grad():
        assert net(picture).abs().max() > 1e-6
        torch.testing.assert_close(net(picture), maps)


@pytest.mark.parametrize("batchnorm", [False, True])
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_files_of_torchvision_load(tmp_path, suffix, batchnorm):
    net, file = tiny(batchnorm=batchnorm), tmp_path / f"vgg16{suffix}"
    state = net.state_dict()
    if batchnorm:  # files of old versions lack the counters
        state = {k: v for k, v in state.items() if not k.endswith("num_batches_tracked")}
    save_file(state, file) if suffix == ".safetensors" else torch.save(state, file)
    again = VGG16.load_torchvision(file).eval()
    assert again.config == net.config
    assert all(parameter.requires_grad for parameter in again.parameters())
    picture = torch.randn(1, 3, 40, 33)
    assert all(torch.equal(value, again.state_dict()[key]) for key, value in state.items())
    torch.testing.assert_close(again(picture), net(picture), rtol=1e-5, atol=0)
    encoder = VGG16.load_torchvision(file, classifier=False).eval()
    assert encoder.n_classes is None
    torch.testing.assert_close(encoder(picture), net.features(picture))


@pytest.mark.parametrize("channels", [1, 5])
def test_other_channels_see_a_grey_picture_as_before(tmp_path, channels):
    net = tiny()
    torch.save(net.state_dict(), tmp_path / "vgg16.pth")
    adapted = VGG16.load_torchvision(tmp_path / "vgg16.pth", in_channels=channels).eval()
    assert adapted.features[0].weight.shape == (1, channels, 3, 3)
    grey = torch.randn(1, 1, 40, 40)
    got, want = (n(grey.expand(-1, c, -1, -1)) for n, c in ((adapted, channels), (net, 3)))
    torch.testing.assert_close(got, want)


class Harmful:
    """An object that a pickle can hold."""


def test_pickled_objects_are_refused(tmp_path):
    file = tmp_path / "vgg16.pth"
    torch.save({"net": Harmful()}, file)
    with pytest.raises(VMBFileError, match=r"cannot be read as tensors alone, got .*Pass a state"):
        VGG16.load_torchvision(file)


def test_other_files_are_refused(tmp_path):
    with pytest.raises(VMBFileError, match=r"path: is not a file, got .*none.pth\. Check the name"):
        VGG16.load_torchvision(tmp_path / "none.pth")
    for name in ("vgg16.pth", "vgg16.safetensors"):
        (tmp_path / name).write_bytes(b"no weights at all")
        with pytest.raises(VMBFileError, match="cannot be read as tensors alone, got"):
            VGG16.load_torchvision(tmp_path / name)
    torch.save({"epoch": 3, "state_dict": {}}, tmp_path / "checkpoint.pth")
    with pytest.raises(VMBFileError, match=r"must be a dictionary of tensors, got dict\. Pass the"):
        VGG16.load_torchvision(tmp_path / "checkpoint.pth")


@pytest.mark.parametrize("change", ["missing", "shape", "more"])
def test_weights_of_another_network_are_refused(tmp_path, change):
    state = tiny().state_dict()
    if change == "missing":
        del state["features.5.bias"]
    elif change == "shape":
        state["features.5.bias"] = torch.zeros(7)
    else:
        state["features.5.gain"] = torch.zeros(1)
    torch.save(state, tmp_path / "vgg16.pth")
    with pytest.raises(VMBFileError, match=r"not a state dict of torchvision's.*got.*features\.5"):
        VGG16.load_torchvision(tmp_path / "vgg16.pth")
    torch.save({"features.0.weight": torch.zeros(2)}, tmp_path / "vgg16.pth")
    with pytest.raises(VMBFileError, match=r"not a state dict.*Pass the file of torchvision"):
        VGG16.load_torchvision(tmp_path / "vgg16.pth")


def test_wrong_inputs_are_refused():
    with pytest.raises(
        VMBValueError, match=r"\(batch, 3, rows, columns\) of at least 32 x 32, got"
    ):
        on_meta()(torch.empty(1, 3, 31, 40, device="meta"))
    with pytest.raises(VMBValueError, match=r"got \(1, 5, 40, 40\)\. Change the inputs, or build"):
        on_meta()(torch.empty(1, 5, 40, 40, device="meta"))


@pytest.mark.parametrize("legacy", [True, False])
def test_damaged_files_are_refused_without_their_cost(tmp_path, legacy):
    """A length in a pickle of four bytes made torch ask for gigabytes."""
    file = tmp_path / "vgg16.pth"
    torch.save({"weight": torch.ones(2)}, file, _use_new_zipfile_serialization=not legacy)
    raw = file.read_bytes()
    at = raw.index(b"X\x06\x00\x00\x00weight") if legacy else len(raw) // 2
    for bad in (
        raw[: at + 1] + b"\x00\x00\x00\x7f" + raw[at + 5 :],
        raw[: len(raw) // 3],
        b"\x80\x05.",
    ):
        file.write_bytes(bad)
        tracemalloc.start()
        try:
            VGG16.load_torchvision(file)
        except VMBFileError as refusal:
            assert "got" in str(refusal)  # noqa: PT017  some damage does no harm
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 2**23

"""FCN-32s, 16s, 8s: counts, crops, bilinear upsampling, scales, the stages, VGG16's weights."""

from fractions import Fraction

import pytest
import torch
from torch.nn import functional

from pylops_vmb.errors import VMBValueError
from pylops_vmb.networks import VGG16, FCN8s, FCN16s, FCN32s
from pylops_vmb.networks.fcn import bilinear_upsampler

FAMILY = (FCN32s, FCN16s, FCN8s)
CROPS = {FCN32s: [19], FCN16s: [5, 27], FCN8s: [5, 9, 31]}


def on_meta(kind, *args, **kwargs):
    with torch.device("meta"):
        return kind(*args, **kwargs)


def tiny(kind, seed=7, **config):
    """Return a network of width 1 whose scores are not zero, in float64."""
    torch.manual_seed(seed)
    net = kind(2, 3, width=1, **config).double().eval()
    for name, parameter in net.named_parameters():
        if name.startswith("score"):
            torch.nn.init.normal_(parameter)
    return net


@pytest.mark.parametrize(
    ("kind", "parameters"),
    [(FCN32s, 136_152_917), (FCN16s, 134_815_994), (FCN8s, 134_489_759)],
)
def test_parameters_for_21_classes(kind, parameters):
    assert sum(p.numel() for p in on_meta(kind).parameters()) == parameters


def test_state_keys():
    features = set(on_meta(VGG16, 3, None).state_dict())
    layers = {"fc6", "fc7", "score_fr"}
    trunk = features | {f"{layer}.{name}" for layer in layers for name in ("weight", "bias")}
    pool4 = {"score_pool4.weight", "score_pool4.bias", "upscore2.weight"}
    pool3 = {"score_pool3.weight", "score_pool3.bias", "upscore_pool4.weight"}
    assert set(on_meta(FCN32s).state_dict()) == trunk | {"upscore.weight"}
    assert set(on_meta(FCN16s).state_dict()) == trunk | pool4 | {"upscore16.weight"}
    assert set(on_meta(FCN8s).state_dict()) == trunk | pool4 | pool3 | {"upscore8.weight"}


@pytest.mark.parametrize("kind", FAMILY)
@pytest.mark.parametrize("shape", [(1, 1), (31, 70), (224, 500), (1000, 70)])
def test_any_size_is_kept(kind, shape):
    assert on_meta(kind)(torch.empty(1, 3, *shape, device="meta")).shape == (1, 21, *shape)


def down(layers):
    """Return scale and offset of where the cells of the last map lie among the inputs."""
    scale, offset = Fraction(1), Fraction(0)
    for layer in layers:
        if isinstance(layer, torch.nn.Conv2d | torch.nn.MaxPool2d):
            kernel, stride, padding = (
                value if isinstance(value, int) else value[0]
                for value in (layer.kernel_size, layer.stride, layer.padding)
            )
            offset += scale * (Fraction(kernel - 1, 2) - padding)
            scale *= stride
    return scale, offset


def up(place, layer):
    """Return scale and offset of the upsampled cells."""
    scale, offset = place[0] / layer.stride[0], place[1]
    return scale, offset - scale * Fraction(layer.kernel_size[0] - 1, 2)


@pytest.mark.parametrize("kind", FAMILY)
def test_crops_follow_from_kernels_strides_and_paddings(kind, monkeypatch):
    net = on_meta(kind)
    layers = list(net.features)
    pool3, pool4 = down(layers[:17]), down(layers[:24])
    place = down([*layers, net.fc6, net.fc7, net.score_fr])
    ups = {FCN32s: ["upscore"], FCN16s: ["upscore2", "upscore16"]}
    ups[FCN8s] = ["upscore2", "upscore_pool4", "upscore8"]
    skips = [pool4, pool3][: len(ups[kind]) - 1]
    want = []
    for name, skip in zip(ups[kind], [*skips, (1, 0)], strict=True):
        place = up(place, getattr(net, name))
        begin = (place[1] - skip[1]) / skip[0] if skip in skips else -place[1]
        assert place[0] == skip[0]
        want.append(begin)
    seen = []
    monkeypatch.setattr(
        "pylops_vmb.networks.fcn._cropped",
        lambda maps, like, begin: seen.append(begin) or maps[..., : like.shape[2], : like.shape[3]],
    )
    net(torch.empty(1, 3, 64, 64, device="meta"))
    assert seen == want == CROPS[kind]


@pytest.mark.parametrize("factor", [2, 8, 16, 32])
def test_upsampling_begins_bilinear(factor):
    maps = torch.randn(1, 2, 5, 4, dtype=torch.float64)
    grown = bilinear_upsampler(2, factor).double()(maps)
    want = functional.interpolate(maps, scale_factor=factor, mode="bilinear", align_corners=False)
    half, edge = factor // 2, factor // 2 + factor  # next to the border there is no neighbour
    inner = grown[..., half:-half, half:-half]
    assert inner.shape == want.shape
    torch.testing.assert_close(
        inner[..., edge:-edge, edge:-edge],
        want[..., edge:-edge, edge:-edge],
        rtol=1e-12,
        atol=1e-12,
    )


def reference8(state, maps, *, at_once):
    """Compute FCN-8s from its numbers with plain functions."""

    def conv(maps, name, padding=0):
        return functional.conv2d(
            maps, state[f"{name}.weight"], state[f"{name}.bias"], padding=padding
        )

    def grow(maps, name, factor):
        return functional.conv_transpose2d(maps, state[f"{name}.weight"], stride=factor)

    rows, columns = maps.shape[2:]
    pools, padding = {}, 100
    for number in (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28):
        maps, padding = conv(maps, f"features.{number}", padding).clamp(min=0), 1
        if number in (2, 7, 14, 21, 28):
            maps = functional.max_pool2d(maps, 2, ceil_mode=True)
            pools[number] = maps
    maps = conv(conv(maps, "fc6").clamp(min=0), "fc7").clamp(min=0)
    scale4, scale3 = (0.01, 0.0001) if at_once else (1, 1)
    maps = grow(conv(maps, "score_fr"), "upscore2", 2)
    side = maps.shape[2:]
    maps = maps + conv(scale4 * pools[21], "score_pool4")[..., 5:, 5:][..., : side[0], : side[1]]
    maps = grow(maps, "upscore_pool4", 2)
    side = maps.shape[2:]
    maps = maps + conv(scale3 * pools[14], "score_pool3")[..., 9:, 9:][..., : side[0], : side[1]]
    return grow(maps, "upscore8", 8)[..., 31 : 31 + rows, 31 : 31 + columns]


@pytest.mark.parametrize("at_once", [False, True])
def test_numbers_agree_with_plain_functions(at_once):
    net = tiny(FCN8s, at_once=at_once)
    maps = torch.randn(1, 2, 37, 50, dtype=torch.float64)
    with torch.no_grad():
        got, want = net(maps), reference8(net.state_dict(), maps, at_once=at_once)
    assert float(got.std()) > 1e-3
    torch.testing.assert_close(got, want, rtol=1e-10, atol=1e-12)


def test_scores_begin_at_zero_and_the_rest_does_not():
    for kind in FAMILY:
        net = kind(1, 2, width=1)
        zero = {name for name, p in net.named_parameters() if not p.any() and "weight" in name}
        assert zero == {name for name, _ in net.named_parameters() if name.startswith("score")} - {
            name for name, _ in net.named_parameters() if name.endswith("bias")
        }


def test_stages_copy_what_is_shared():
    first = tiny(FCN32s)
    second, third = tiny(FCN16s, seed=8), tiny(FCN8s, seed=9)
    second.load_coarser(first)
    third.load_coarser(second)
    for finer, coarser in ((second, first), (third, second)):
        mine, theirs = finer.state_dict(), coarser.state_dict()
        shared = set(mine) & set(theirs)
        assert len(shared) == len(theirs) - 1  # all but the last upsampling
        assert all(torch.equal(mine[key], theirs[key]) for key in shared)
        assert mine["fc6.weight"].data_ptr() != theirs["fc6.weight"].data_ptr()


def test_a_fresh_stage_begins_where_the_coarser_one_is():
    coarse, fine = tiny(FCN32s), FCN16s(2, 3, width=1).double().eval()
    fine.load_coarser(coarse)
    maps = torch.randn(1, 2, 96, 96, dtype=torch.float64)
    with torch.no_grad():
        got, want = fine(maps), coarse(maps)
    assert float((got - want).norm() / want.norm()) < 0.1


def test_wrong_stages_are_refused():
    with pytest.raises(VMBValueError, match=r"coarser than FCN16s, got FCN8s\. Copy from 32s to"):
        tiny(FCN16s).load_coarser(tiny(FCN8s))
    with pytest.raises(VMBValueError, match=r"coarser than FCN32s, got FCN32s"):
        tiny(FCN32s).load_coarser(tiny(FCN32s))
    with pytest.raises(VMBValueError, match=r"FCN32s: must have .*'width': 1.*got.*'width': 2"):
        tiny(FCN16s).load_coarser(FCN32s(2, 3, width=2))


def test_the_weights_of_vgg16_give_its_scores():
    torch.manual_seed(3)
    vgg = VGG16(2, 3, width=1).double().eval()
    net = tiny(FCN32s)
    net.load_vgg16(vgg)
    maps = torch.randn(1, 8, 7, 7, dtype=torch.float64)
    hidden = net.fc7(net.fc6(maps).relu())
    torch.testing.assert_close(hidden.flatten(1), vgg.classifier[:4](maps.flatten(1)))
    for mine, theirs in zip(net.features.parameters(), vgg.features.parameters(), strict=True):
        assert torch.equal(mine, theirs)


def test_the_weights_of_an_encoder_leave_the_rest():
    net, other = tiny(FCN8s), tiny(FCN8s)
    net.load_vgg16(VGG16(2, None, width=1).double())
    assert torch.equal(net.fc6.weight, other.fc6.weight)
    assert not torch.equal(net.features[0].weight, other.features[0].weight)
    with pytest.raises(VMBValueError, match=r"VGG16: must have .*'in_channels': 2.*got.*3.*alike"):
        net.load_vgg16(VGG16(3, None, width=1))

"""Diagrams of networks: the shapes are those of the modules, and the modules are left alone."""

import pytest
import torch
from torch import nn

from pylops_vmb.errors import VMBTypeError, VMBValueError
from pylops_vmb.networks import FCNVMB, VGG16, FCN8s, RepairedFCNVMB, UNet
from pylops_vmb.plotting import network_stages, plot_network


def skips(net, in_shape):
    """Return join and shapes of source and target of every connection that skips stages."""
    stages = network_stages(net, in_shape)
    return [
        (stage.join, stages[source].shape, stage.shape)
        for number, stage in enumerate(stages)
        for source in stage.sources
        if source < number - 1
    ]


def test_stages_of_the_published_fcnvmb():
    with torch.device("meta"):
        net = FCNVMB(1, 29, out_shape=(201, 301))
    stages = network_stages(net, (29, 400, 301))
    shapes = [stage.shape for stage in stages]
    assert [s for s in shapes if s[0] == 1024] == [(1024, 25, 19), (1024, 50, 38)]
    assert shapes[-1] == (1, 201, 301)
    assert sum(stage.layers for stage in stages) == 23  # 18 convolutions, 4 upsamplings, the last


def test_the_published_fcnvmb_skips_from_pooled_maps_and_the_repaired_one_from_full_ones():
    with torch.device("meta"):
        published = FCNVMB(1, 2, width=2, out_shape=(33, 30))
        repaired = RepairedFCNVMB(2, (64, 48), (33, 30), width=2)
    assert skips(published, (2, 64, 48))[-1][1:] == ((2, 32, 24), (4, 64, 48))
    assert skips(repaired, (2, 64, 48))[-1][1:] == ((2, 64, 48), (4, 64, 48))
    assert {join for join, *_ in skips(published, (2, 64, 48))} == {"concatenation"}


def test_sums_and_the_last_crop_of_an_fcn():
    with torch.device("meta"):
        net = FCN8s(3, 5, width=1)
    assert [join for join, *_ in skips(net, (3, 64, 64))] == ["sum", "sum"]
    stages = network_stages(net, (3, 64, 64))
    assert [stage.kind for stage in stages][-2:] == ["upsampling", "crop"]
    summed = [[stages[n].shape[0] for n in s.sources] for s in stages if s.join == "sum"]
    assert summed == [[8, 5], [4, 5]]  # filters of a pooling, and scores of what is upsampled


def test_dense_layers_have_features_only():
    with torch.device("meta"):
        stages = network_stages(VGG16(width=1), (3, 224, 224))
    assert [(s.kind, s.shape, s.layers) for s in stages[-2:]] == [
        ("dense", (64,), 2),
        ("dense", (1000,), 1),
    ]
    assert sum(stage.layers for stage in stages) == 16


def test_a_network_is_left_as_it_is():
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Dropout()).train()
    before = {key: value.clone() for key, value in net.state_dict().items()}
    network_stages(net, (1, 9, 9))
    assert net.training
    assert next(net.parameters()).device.type == "cpu"
    assert all(torch.equal(value, before[key]) for key, value in net.state_dict().items())


def test_a_picture_has_a_box_a_stage_and_an_arc_a_skip():
    net, in_shape = UNet(1, 1, width=2, depth=3, padded=True), (1, 32, 24)
    ax = plot_network(net, in_shape, title="U-Net")
    stages = network_stages(net, in_shape)
    assert len(ax.patches) == len(stages) + 3
    boxes = ax.patches[: len(stages)]
    rows = [stage.shape[1] for stage in stages]
    by_height = sorted(range(len(stages)), key=lambda n: boxes[n].get_height())
    assert [rows[n] for n in by_height] == sorted(rows)
    assert [text.get_text() for text in ax.texts][-1] == "1: 32 x 24"
    assert {t.get_text() for t in ax.get_legend().get_texts()} >= {"skip, concatenation"}


def test_a_picture_goes_where_it_is_told():
    plt = pytest.importorskip("matplotlib.pyplot")
    ax = plt.subplots()[1]
    assert plot_network(nn.Linear(3, 2), (3,), ax=ax, legend=False) is ax
    assert ax.get_legend() is None


def test_refusals():
    with pytest.raises(VMBTypeError, match=r"net: must be a module, got str\. .*G\.net"):
        network_stages("unet", (1, 8, 8))
    with pytest.raises(VMBValueError, match="in_shape: must be at least 1, got 0"):
        network_stages(nn.Identity(), (1, 0))

"""The registry: names, and what it refuses."""

import pytest
import torch
from torch import nn

from pylops_vmb.errors import VMBTypeError, VMBValueError
from pylops_vmb.networks import FCNVMB, RepairedFCNVMB, available, build, register, registry

FAITHFUL = {"n_classes": 1, "in_channels": 3, "is_deconv": False, "is_batchnorm": False}
REPAIRED = {"in_channels": 3, "in_shape": (9, 7), "out_shape": (4, 5), "width": 2}
FAMILY = {
    "vgg16",
    "fcn-32s",
    "fcn-16s",
    "fcn-8s",
    "unet",
    "fcnvmb",
    "fcnvmb-repaired",
    "inversionnet",
    "dense-velocity",
    "dcgan-generator",
    "dcgan-discriminator",
    "patchgan",
    "deep-prior",
}


@pytest.fixture
def names(monkeypatch):
    """Give a copy of the table, so that a test leaves no name behind."""
    monkeypatch.setattr(registry, "_NETWORKS", dict(registry._NETWORKS))


def test_the_family_is_known():
    assert available() == tuple(sorted(FAMILY))
    with torch.device("meta"):
        assert isinstance(build("fcnvmb", **FAITHFUL), FCNVMB)
        assert isinstance(build("fcnvmb-repaired", **REPAIRED), RepairedFCNVMB)


def test_a_new_network_can_be_registered(names):
    @register("one-by-one")
    class OneByOne(nn.Conv2d):
        def __init__(self, *, shots):
            super().__init__(shots, 1, 1)
            self.config = {"shots": shots}

        config = None

    assert "one-by-one" in available()
    assert build("one-by-one", shots=4).config == {"shots": 4}


def test_a_network_may_hand_keywords_on(names):
    @register("handing-on")
    class HandingOn(RepairedFCNVMB):
        def __init__(self, in_channels, **others):
            super().__init__(in_channels, (9, 7), (4, 5), **others)

    assert build("handing-on", in_channels=3, width=2).config["width"] == 2
    with pytest.raises(VMBValueError, match=r"lacks settings, got \['width'\]\. Add in_channels"):
        build("handing-on", width=2)


def test_a_taken_name_and_a_class_without_configuration_are_refused(names):
    with pytest.raises(VMBValueError, match=r"already registered, got 'fcnvmb'\. Choose another"):
        register("fcnvmb")(RepairedFCNVMB)
    with pytest.raises(VMBTypeError, match=r"no configuration, got Conv2d .* Add a property"):
        register("plain")(nn.Conv2d)


def test_unknown_names_and_keywords_are_refused():
    with pytest.raises(
        VMBValueError, match=r"not a known choice, got 'resnet'\. Use one of 'dcgan-"
    ):
        build("resnet")
    with pytest.raises(VMBValueError, match=r"settings, got \['widht'\]\. Use some of in_channels"):
        build("fcnvmb-repaired", **REPAIRED, widht=3)
    with pytest.raises(
        VMBValueError, match=r"lacks settings, got \['in_channels'\]\. Add n_classes"
    ):
        build("fcnvmb", in_channels=3)

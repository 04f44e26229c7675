"""The registry: names, configurations, and what it refuses."""

import json

import pytest
import torch
from torch import nn

from pylops_vmb.errors import VMBTypeError, VMBValueError
from pylops_vmb.networks import FCNVMB, RepairedFCNVMB, available, build, register, registry

CONFIGS = {
    "fcnvmb": {"n_classes": 1, "in_channels": 3, "is_deconv": False, "is_batchnorm": False},
    "fcnvmb-repaired": {"in_channels": 3, "in_shape": (9, 7), "out_shape": (4, 5), "width": 2},
}


@pytest.fixture
def names(monkeypatch):
    """Give a copy of the table, so that a test leaves no name behind."""
    monkeypatch.setattr(registry, "_NETWORKS", dict(registry._NETWORKS))


def test_both_networks_are_known():
    assert {"fcnvmb", "fcnvmb-repaired"} <= set(available())
    with torch.device("meta"):
        assert isinstance(build("fcnvmb", **CONFIGS["fcnvmb"]), FCNVMB)
        assert isinstance(build("fcnvmb-repaired", **CONFIGS["fcnvmb-repaired"]), RepairedFCNVMB)


@pytest.mark.parametrize("name", sorted(CONFIGS))
def test_every_configuration_builds_the_same_structure(name):
    with torch.device("meta"):
        net = build(name, **CONFIGS[name])
        again = build(name, **json.loads(json.dumps(net.config)))
    assert again.config == net.config

    def shapes(built):
        return {key: value.shape for key, value in built.state_dict().items()}

    assert shapes(again) == shapes(net)


def test_every_registered_network_is_tested_here():
    assert set(available()) == set(CONFIGS)


def test_a_new_network_can_be_registered(names):
    @register("one-by-one")
    class OneByOne(nn.Conv2d):
        def __init__(self, *, shots):
            super().__init__(shots, 1, 1)
            self.config = {"shots": shots}

        config = None

    assert "one-by-one" in available()
    assert build("one-by-one", shots=4).config == {"shots": 4}


def test_a_taken_name_and_a_class_without_configuration_are_refused(names):
    with pytest.raises(VMBValueError, match=r"already registered, got 'fcnvmb'\. Choose another"):
        register("fcnvmb")(RepairedFCNVMB)
    with pytest.raises(VMBTypeError, match=r"no configuration, got Conv2d .* Add a property"):
        register("plain")(nn.Conv2d)


def test_unknown_names_and_keywords_are_refused():
    with pytest.raises(
        VMBValueError, match=r"not a known choice, got 'unet'\. Use one of 'fcnvmb'"
    ):
        build("unet")
    with pytest.raises(VMBValueError, match=r"settings, got \['widht'\]\. Use some of in_channels"):
        build("fcnvmb-repaired", **CONFIGS["fcnvmb-repaired"], widht=3)
    with pytest.raises(
        VMBValueError, match=r"lacks settings, got \['in_channels'\]\. Add n_classes"
    ):
        build("fcnvmb", in_channels=3)

"""Parts of a network by name: what names, layers and patterns stand for."""

import pytest

from pylops_vmb.networks import build
from pylops_vmb.networks.parts import parts, select

SIZES = {"in_channels": 2, "in_shape": (25, 10), "out_shape": (12, 10)}


def test_parts_names_layers_and_patterns_are_understood():
    net = build("fcnvmb-repaired", **SIZES, width=4, depth=2)
    names = {name for name, _ in net.named_parameters()}
    assert select(net, "final", name="freeze") == {"final.weight", "final.bias"}
    assert select(net, "downs.1", name="freeze") < parts(net)["encoder"]
    assert select(net, ["*.bias", "*.weight"], name="freeze") == names
    assert select(net, (), name="freeze") == set()
    assert parts(net)["encoder"] | parts(net)["decoder"] == names
    assert not parts(net)["encoder"] & parts(net)["decoder"]
    net.parts = {"ends": ["stem", "final.bias"]}
    assert {name.split(".")[0] for name in select(net, "ends", name="freeze")} == {"stem", "final"}


@pytest.mark.parametrize("body", ["fcn-8s", "fcn-32s", "unet"])
def test_the_parts_of_dense_networks_are_those_of_their_body(body):
    net = build("dense-velocity", **SIZES, width=1, body=body)
    encoder = {".".join(name.split(".")[:2]) for name in parts(net)["encoder"]}
    trunk = {"body.downs", "body.center"} if body == "unet" else {"body.features", "body.fc6"}
    assert trunk <= encoder
    assert all(name.startswith("body.") for name in parts(net)["last"])

"""A card of anyone: it costs no memory and no time before it is found to fit its weights."""

import json
import tracemalloc

import pytest
import torch

from pylops_vmb.errors import VMBFileError
from pylops_vmb.io import read_weights
from pylops_vmb.learned import Card, Ensemble, LearnedInversion
from pylops_vmb.learned import inversion as inversion_module
from tests.fuzz.documents import write


@pytest.fixture
def path(tmp_path, G):
    G.save(tmp_path / "net.safetensors")
    return tmp_path / "net.safetensors"


def _spoiled(path, *where, value, kind="weights"):
    """Change one entry of a card, and make its digest right again."""
    tensors, plain = read_weights(path, kind=kind)
    *way, last = where
    holder = plain
    for key in way:
        holder = holder[key]
    holder[last] = value
    write(path, tensors, kind=kind, text=json.dumps(plain))


@pytest.mark.parametrize(
    ("where", "value", "message"),
    [
        (("network", "config", "width"), 10**9, "describes no network: .*overflow"),
        (("network", "config", "width"), 7, r".* not the weights of: .* in all"),
        (("network", "config", "depth"), 10**9, "describes no network: a depth of"),
        (("network", "config", "depth"), "deep", "describes no network"),
        (("network", "config", "in_channels"), -1, "describes no network"),
        (("network", "config", "colour"), 1, "describes no network: .*does not know"),
        (("network", "name"), "none", "describes no network: .*not a known choice"),
    ],
)
def test_a_network_of_any_size_is_refused_before_it_is_made(path, where, value, message):
    _spoiled(path, *where, value=value)
    tracemalloc.start()
    wrong = rf"tiny: has a card that does not fit its weights, got {message}.*Download"
    with pytest.raises(VMBFileError, match=wrong):
        LearnedInversion.load(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**24


def test_a_network_with_a_weight_more_is_refused(path):
    tensors, plain = read_weights(path)
    write(path, {**tensors, "other": torch.ones(2)}, kind="weights", text=json.dumps(plain))
    with pytest.raises(VMBFileError, match=r"other of shape \(2,\) and not None, in all 1"):
        LearnedInversion.load(path)


def test_memory_is_not_asked_for_twice(path, monkeypatch):
    """The outline of the network is built on no device at all."""
    made = []
    build = inversion_module.restored.__globals__["build"]

    def watched(name, **config):
        net = build(name, **config)
        made.append(next(net.parameters()).device.type)
        return net

    monkeypatch.setitem(inversion_module.restored.__globals__, "build", watched)
    LearnedInversion.load(path)
    assert made == ["meta", "cpu"]


@pytest.mark.parametrize(
    ("where", "value"),
    [
        (("name",), 5),
        (("licence",), None),
        (("limits",), [1]),
        (("limits",), 3),
        (("metrics",), {"mae": "good"}),
        (("training",), []),
        (("network",), {"name": "fcnvmb"}),
        (("network", "config"), [1]),
        (("grid",), {}),
        (("grid",), "grid"),
        (("grid", "dims"), [8, float("nan")]),
        (("grid", "dims"), [10**12, 6]),
        (("acq", "nt"), 10**12),
        (("acq", "srcs"), [[0.0]]),
        (("acq",), {}),
        (("preprocessing", "gain"), -1.0),
        (("preprocessing", "other"), 1),
        (("signature",), {"samples": 1}),
        (("signature",), [1]),
    ],
)
def test_entries_that_cannot_be_used_are_refused(card, where, value):
    plain = card.to_dict()
    *way, last = where
    holder = plain
    for key in way:
        holder = holder[key]
    holder[last] = value
    with pytest.raises(VMBFileError, match=r"card: has entries that cannot be used, got .* again"):
        Card.from_dict(plain)


def test_what_is_no_dictionary_is_no_card():
    with pytest.raises(VMBFileError, match=r"does not have the entries.*unknown \['list'\]"):
        Card.from_dict([1, 2])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * 100_000, "a text that is no JSON"),
        ("1" * 5000, "a text that is no JSON"),
        ("{", "a text that is no JSON"),
        ("[1]", r"a text that is no dictionary \(list\)"),
        ("null", r"a text that is no dictionary \(NoneType\)"),
    ],
)
def test_texts_that_are_no_card(path, text, message):
    tensors, _ = read_weights(path)
    write(path, tensors, kind="weights", text=text)
    with pytest.raises(VMBFileError, match=rf"net.safetensors: is damaged, got {message}.* again"):
        LearnedInversion.load(path)


@pytest.mark.parametrize(
    ("where", "value", "message"),
    [
        (("cards",), [], "holds no networks, got the entries"),
        (("settings",), None, "holds no networks, got the entries"),
        (("settings",), {"colour": 1}, "holds settings that cannot be used"),
        (("calibration",), 5, "holds settings that cannot be used"),
        (("cards", 0, "network", "name"), "none", "has a card that does not fit its weights"),
    ],
)
def test_ensembles_that_hold_none(tmp_path, G, where, value, message):
    path = tmp_path / "two.safetensors"
    Ensemble([G, G]).save(path)
    _spoiled(path, *where, value=value, kind="ensemble")
    with pytest.raises(VMBFileError, match=message):
        Ensemble.load(path)

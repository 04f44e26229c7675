"""Weights are documents: exact, whole or absent, and refused when one bit has changed."""

import os

import pytest
import safetensors.torch
import torch

from pylops_vmb.errors import VMBFileError, VMBTypeError, VMBValueError
from pylops_vmb.io import read_weights, weights_digest, write_weights

CARD = {"name": "mini", "width": 16, "band": [3.0, 40.0], "limits": {"salt": None, "öl": True}}


@pytest.fixture
def tensors():
    rng = torch.Generator().manual_seed(3)
    shared = torch.randn(4, 6, generator=rng)
    return {
        "b": shared,
        "a.view": shared.T,
        "a.count": torch.tensor(5),
        "half": torch.randn(3, generator=rng).to(torch.bfloat16),
        "none": torch.empty(0, 2),
    }


@pytest.fixture
def path(tmp_path):
    return tmp_path / "mini.safetensors"


def assert_same(got, want):
    assert set(got) == set(want)
    for name, tensor in want.items():
        assert got[name].dtype == tensor.dtype
        assert torch.equal(got[name], tensor)


def test_round_trip(path, tensors):
    write_weights(path, tensors, CARD)
    got, card = read_weights(path)
    assert_same(got, tensors)
    assert card == CARD


def test_half_precision_keeps_integers(path, tensors):
    write_weights(path, tensors, CARD, dtype=torch.float16)
    got, _ = read_weights(path)
    assert_same(got, {k: v.half() if v.is_floating_point() else v for k, v in tensors.items()})


def test_digest_sees_names_shapes_dtypes_and_bits_and_no_order(tensors):
    want = weights_digest(tensors)
    assert weights_digest(dict(reversed(tensors.items()))) == want
    changed = [
        tensors | {"b": tensors["b"].reshape(6, 4)},
        tensors | {"b": tensors["b"].view(torch.int32)},
        tensors | {"b": torch.nextafter(tensors["b"], torch.ones(()))},
        {name.upper(): tensor for name, tensor in tensors.items()},
    ]
    assert all(weights_digest(other) != want for other in changed)


def test_every_flipped_byte_is_refused(path, tensors):
    write_weights(path, tensors, CARD)
    good = path.read_bytes()
    for position in range(0, len(good), 7):
        bad = bytearray(good)
        bad[position] ^= 1
        path.write_bytes(bad)
        with pytest.raises(VMBFileError):
            read_weights(path)


def test_a_damaged_weight_and_a_damaged_card_are_called_damaged(path, tensors):
    write_weights(path, tensors, CARD)
    good = path.read_bytes()
    for bad in (good[:-1] + bytes([good[-1] ^ 1]), good.replace(b"mini", b"mina"), good[:-5]):
        path.write_bytes(bad)
        with pytest.raises(VMBFileError, match=r"mini.safetensors: is damaged, got .* again\."):
            read_weights(path)


@pytest.mark.parametrize("legacy", [False, True])
def test_a_pickle_is_refused_with_the_remedy(path, tensors, legacy):
    torch.save(tensors, path, _use_new_zipfile_serialization=not legacy)
    with pytest.raises(VMBFileError, match=r"pickled checkpoint.*weights_only=True.*write_weights"):
        read_weights(path)


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        (None, "does not exist"),
        (b"", "is empty"),
        (b"velocity model, not weights", "is not a weights file"),
        (b"abc", "is not a weights file"),
        (safetensors.torch.save({"a": torch.ones(2)}), "not a weights file of pylops_vmb"),
    ],
)
def test_other_files_are_refused(path, contents, message):
    if contents is not None:
        path.write_bytes(contents)
    with pytest.raises(VMBFileError, match=message):
        read_weights(path)


@pytest.mark.parametrize("where", ["replace", "fsync"])
def test_a_failed_write_leaves_the_old_file_and_no_other(path, tensors, monkeypatch, where):
    write_weights(path, tensors, CARD)
    good = path.read_bytes()

    def fail(*args, **kwargs):
        raise OSError("disk full")

    monkeypatch.setattr(os, where, fail)
    with pytest.raises(OSError, match="disk full"):
        write_weights(path, {"other": torch.ones(2)}, {})
    assert path.read_bytes() == good
    assert os.listdir(path.parent) == [path.name]


def test_a_file_has_the_permissions_of_any_other(path, tensors):
    write_weights(path, tensors, CARD)
    plain = path.with_name("plain")
    plain.touch()
    assert path.stat().st_mode == plain.stat().st_mode


def test_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(VMBFileError, match="folder to write to does not exist"):
        write_weights(tmp_path / "none" / "w.safetensors", {}, {})
    with pytest.raises(VMBFileError, match="is a folder"):
        write_weights(tmp_path, {}, {})


@pytest.mark.parametrize(
    "card", [{"a": object()}, {"a": float("nan")}, {1: "a"}, {"a": [{None: 2}]}, {"a": {1, 2}}]
)
def test_a_card_must_be_json(path, card):
    with pytest.raises(VMBTypeError, match="card: must be a dictionary that JSON can hold"):
        write_weights(path, {}, card)
    assert not path.exists()


def test_weights_too_large_for_half_precision_are_refused(path):
    with pytest.raises(VMBValueError, match=r"big: must fit into torch.float16, got values up to"):
        write_weights(path, {"big": torch.tensor([1e6])}, {}, dtype=torch.float16)


def test_values_must_be_tensors(path):
    with pytest.raises(VMBTypeError, match="a: must be a tensor, got list"):
        write_weights(path, {"a": [1.0]}, {})

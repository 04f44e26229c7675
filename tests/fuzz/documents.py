"""Damaged documents: the card of a network, its weights, checkpoints."""

import hashlib
import json
import struct
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch

from pylops_vmb.io import load_checkpoint, read_weights, save_checkpoint, weights_digest
from pylops_vmb.learned import Calibration, Card, Ensemble, LearnedInversion, Preprocessing
from pylops_vmb.networks import build
from pylops_vmb.networks.torchvision import read_torchvision
from pylops_vmb.survey import Acquisition, Grid
from tests.fuzz.mutations import (
    NUMBERS,
    Random,
    damage,
    damage_json,
    damage_tree,
    pick,
    strange,
)
from tests.fuzz.outcome import outcome, payload

Tensors = dict[str, torch.Tensor]


def fuzz_card(rng: Random, folder: Path) -> dict[str, str]:
    """Load a network whose card says strange things, with a digest that is right."""
    path = folder / "fuzzed.safetensors"
    plain, tensors = _network()
    text = json.dumps(plain) if rng.random() < 0.02 else damage_json(rng, plain)
    write(path, tensors, kind="weights", text=text)
    found = {"LearnedInversion": outcome(folder, lambda: _used(LearnedInversion.load(path)))}
    if rng.random() < 0.25:
        settings, calibration = {"name": "two"}, Calibration().to_dict()
        both = {"cards": [plain, plain], "calibration": calibration, "settings": settings}
        twice = {f"{n}.{key}": value.clone() for n in (0, 1) for key, value in tensors.items()}
        text = json.dumps(both) if rng.random() < 0.05 else damage_json(rng, both)
        write(path, twice, kind="ensemble", text=text)
        found["Ensemble"] = outcome(folder, lambda: _used(Ensemble.load(path).networks[0]))
    return found


def fuzz_weights(rng: Random, folder: Path) -> dict[str, str]:
    """Read weights whose bytes, header or digests are damaged, and pickles in their place."""
    path, pth = folder / "fuzzed.safetensors", folder / "fuzzed.pth"
    plain, tensors = _network()
    if rng.random() < 0.5:
        write(path, tensors, kind="weights", text=json.dumps(plain))
        path.write_bytes(damage(rng, path.read_bytes(), within=20_000))
    elif rng.random() < 0.8:
        write(path, _strange_tensors(rng, tensors), kind="weights", text=json.dumps(plain))
        _damage_header(rng, path)
    else:
        path.write_bytes(payload(folder, int(rng.integers(0, 6))))
    torch.save(
        dict(list(tensors.items())[:3]), pth, _use_new_zipfile_serialization=rng.random() < 0.5
    )
    if rng.random() < 0.3:
        pth.write_bytes(payload(folder, int(rng.integers(0, 6))))
    elif rng.random() < 0.9:
        pth.write_bytes(damage(rng, pth.read_bytes(), within=2000))
    return {
        "read_weights": outcome(folder, lambda: read_weights(path)),
        "LearnedInversion": outcome(folder, lambda: _used(LearnedInversion.load(path))),
        "read_torchvision": outcome(folder, lambda: read_torchvision(path)),
        "read_torchvision pth": outcome(folder, lambda: read_torchvision(pth)),
    }


def fuzz_checkpoint(rng: Random, folder: Path) -> dict[str, str]:
    """Load a checkpoint whose bytes are damaged, or whose tree is and its digests are right."""
    path = folder / "fuzzed.safetensors"
    what = rng.random()
    if what < 0.1:
        path.write_bytes(payload(folder, int(rng.integers(0, 6))))
    elif what < 0.4:
        save_checkpoint(path, _state())
        path.write_bytes(damage(rng, path.read_bytes(), within=4000))
    else:
        save_checkpoint(path, _state())
        header, _ = _split(path)
        tree = _damaged_tree(rng, json.loads(header["__metadata__"]["text"]))
        write(path, safetensors.torch.load_file(path), kind="checkpoint", text=tree)
    return {"load_checkpoint": outcome(folder, lambda: load_checkpoint(path))}


def write(path: Path, tensors: Tensors, *, kind: str, text: str) -> None:
    """Write a document with digests that are right, whatever its text is."""
    metadata = {
        "kind": kind,
        "sha256": weights_digest(tensors),
        "text": text,
        "text_sha256": hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest(),
    }
    path.write_bytes(safetensors.torch.save(tensors, metadata))


@cache
def _network() -> tuple[dict[str, Any], Tensors]:
    acq = Acquisition.fixed_spread([0.0, 40.0], 10.0 * np.arange(7), nt=90, dt=2e-3, f0=20.0)
    config = {"in_channels": 2, "in_shape": [30, 7], "out_shape": [8, 6], "width": 2, "depth": 1}
    net = build("fcnvmb-repaired", **config)
    card = Card(
        name="tiny",
        network={"name": "fcnvmb-repaired", "config": net.config},
        grid=Grid((6, 8), 10.0),
        acq=acq,
        preprocessing=Preprocessing(step=3),
        training={"seed": 1},
        metrics={"mae_m_s": 100.0},
        limits=("Untrained.",),
    )
    return json.loads(json.dumps(card.to_dict())), net.state_dict()


def _used(G: LearnedInversion) -> None:
    """Do what a user does first; data may not fit, which is no matter of the file."""
    repr(G)
    str(G.card)
    assert np.prod(G.dims) < 2**40
    if np.prod(G.dims) < 2**16 and np.prod(G.dimsd) < 2**16:
        G.card.check(G.acq)


@cache
def _state() -> dict[str, Any]:
    rng = np.random.default_rng(0)
    return {
        "identity": {"modelling": "abc", "sizes": [1.0, 2.5]},
        "versions": {"torch": "2"},
        "state": {
            "net": {"a": torch.ones(2, 3), "b": torch.arange(4)},
            "rng": rng.bit_generator.state,
            "array": rng.random((3, 2)),
            "scalar": np.float32(1.5),
            "raw": b"bytes",
            "history": [(1, 2.0, None), (2, 1.5, "x")],
            3: {True: "keys that are no words"},
        },
    }


def _damaged_tree(rng: Random, tree: Any) -> str:
    if rng.random() < 0.2:
        return damage_json(rng, tree)
    for _ in range(int(rng.integers(1, 4))):
        tree = damage_tree(rng, tree) if rng.random() < 0.5 else _renamed(rng, tree)
    return json.dumps(tree)


def _renamed(rng: Random, tree: Any) -> Any:
    """Call one node another kind: an array a tensor, a list a dictionary."""
    nodes: list[Any] = []

    def walk(value: Any, depth: int = 0) -> None:
        if isinstance(value, dict) and len(value) == 1 and depth < 100:
            nodes.append(value)
        if isinstance(value, dict | list) and depth < 100:
            for inner in value.values() if isinstance(value, dict) else value:
                walk(inner, depth + 1)

    walk(tree)
    if nodes:
        node = pick(rng, nodes)
        _, content = node.popitem()
        kinds = ["tensor", "array", "scalar", "dict", "list", "tuple", "bytes", "object", "eval"]
        if isinstance(content, list) and len(content) == 3 and rng.random() < 0.7:
            content = [
                content[0],
                pick(rng, ["|O", "<f4", "V8", "x", "<U1000000", "S0", content[1]]),
                pick(rng, [content[2], [int(pick(rng, NUMBERS))], [-1], [0, 2**62], strange(rng)]),
            ]
            node["array"] = content
        else:
            node[pick(rng, kinds)] = content
    return tree


def _strange_tensors(rng: Random, tensors: Tensors) -> Tensors:
    tensors = dict(tensors)
    name = pick(rng, list(tensors))
    choices = (
        torch.full((2, 2), float(pick(rng, [np.nan, np.inf, 1e30]))),
        torch.ones((), dtype=torch.bool),
        torch.ones(0, 5),
        torch.ones(3, dtype=torch.complex64),
        torch.ones(3).to(torch.float8_e4m3fn),
        torch.ones(2, dtype=torch.bfloat16),
        tensors[name].half(),
        tensors[name].double() * float("nan"),
    )
    tensors[name if rng.random() < 0.7 else str(pick(rng, ["", "x" * 999, "\x00"]))] = pick(
        rng, choices
    )
    return tensors


def _split(path: Path) -> tuple[dict[str, Any], bytes]:
    raw = path.read_bytes()
    (length,) = struct.unpack_from("<Q", raw)
    return json.loads(raw[8 : 8 + length]), raw[8 + length :]


def _damage_header(rng: Random, path: Path) -> None:
    header, body = _split(path)
    if rng.random() < 0.3:
        return
    entries = {key: value for key, value in header.items() if key != "__metadata__"}
    key = pick(rng, list(entries))
    what = rng.random()
    if what < 0.3:
        entries[key]["shape"] = [int(pick(rng, NUMBERS)) for _ in range(int(rng.integers(0, 4)))]
    elif what < 0.5:
        entries[key]["data_offsets"] = [int(pick(rng, NUMBERS)) for _ in range(2)]
    elif what < 0.7:
        dtypes = ["F64", "BOOL", "F8_E8M0", "F4", "F6_E2M3", "U64", "C64", "BF16", "Q9", ""]
        entries[key]["dtype"] = pick(rng, dtypes)
    else:
        entries = damage_tree(rng, entries)
    text = json.dumps(
        {"__metadata__": header["__metadata__"], **entries}
        if isinstance(entries, dict)
        else entries
    )
    if rng.random() < 0.1:
        text = damage_json(rng, header)
    raw = text.encode("utf-8", "replace")
    length = len(raw) if rng.random() < 0.9 else int(pick(rng, NUMBERS)) & (2**64 - 1)
    path.write_bytes(struct.pack("<Q", length) + raw + body)

"""Checkpoints come back to the bit, and a failed write keeps the last good one."""

import random
import tracemalloc

import numpy as np
import pytest
import torch

import pylops_vmb.io._document as document
from pylops_vmb.errors import VMBFileError, VMBTypeError
from pylops_vmb.io import load_checkpoint, save_checkpoint, write_weights


def raw_bytes(array):
    if isinstance(array, torch.Tensor):
        array = array.reshape(-1).view(torch.uint8).numpy()
    return array.tobytes()


def assert_same(got, want, where="state"):
    kind = next((k for k in (dict, list, tuple) if isinstance(want, k)), type(want))
    assert type(got) is kind, where
    if kind is dict:
        assert [(type(k), k) for k in got] == [(type(k), k) for k in want]
        for key in want:
            assert_same(got[key], want[key], f"{where}.{key}")
    elif kind in (list, tuple):
        assert len(got) == len(want)
        for i, (a, b) in enumerate(zip(got, want, strict=True)):
            assert_same(a, b, f"{where}.{i}")
    elif kind in (torch.Tensor, np.ndarray):
        assert (got.dtype, tuple(got.shape)) == (want.dtype, tuple(want.shape)), where
        assert raw_bytes(got) == raw_bytes(want), where
    else:
        assert repr(got) == repr(want), where


@pytest.fixture
def path(tmp_path):
    return tmp_path / "last.safetensors"


def nested_state():
    rng = np.random.default_rng(0)
    return {
        "epoch": 3,
        "seed": 2**200 + 1,
        "best": 0.1 + 0.2,
        "cost": [float("inf"), float("nan"), -0.0, 5e-324],
        "name": "öl \x00 {}",
        "done": False,
        "none": None,
        7: {"int key": (1, (2, "3"), [])},
        (0, 1): {},
        "bytes": bytes(range(256)),
        "vp": rng.normal(size=(3, 4)).T,
        "swapped": np.arange(4, dtype=">f4"),
        "words": np.array(["ab", "c"]),
        "complex": np.array([1 + 2j]),
        "void": np.empty((0, 3), np.int16),
        "nan bits": np.array([0x7FF8_0000_0000_0123], np.uint64).view(np.float64),
        "scalar": np.float32(0.1),
        "flag": np.bool_(True),
        "bit generator": rng.bit_generator.state,
        "mersenne": np.random.RandomState(1).get_state(legacy=False),
        "python": random.Random(1).getstate(),
        "torch": torch.Generator().manual_seed(5).get_state(),
        "bfloat": torch.tensor([1.5, -2.0], dtype=torch.bfloat16),
    }


def test_round_trip_of_everything(path):
    state = nested_state()
    save_checkpoint(path, state)
    assert_same(load_checkpoint(path), state)


def test_an_optimiser_resumes_to_the_bit(path):
    def trained(steps, resume_at=None):
        torch.manual_seed(0)
        net = torch.nn.Linear(3, 2)
        optimiser = torch.optim.Adam(net.parameters(), lr=0.1)
        for step in range(steps):
            if step == resume_at:
                save_checkpoint(path, {"net": net.state_dict(), "adam": optimiser.state_dict()})
                net = torch.nn.Linear(3, 2)
                optimiser = torch.optim.Adam(net.parameters(), lr=0.5)
                state = load_checkpoint(path)
                net.load_state_dict(state["net"])
                optimiser.load_state_dict(state["adam"])
            optimiser.zero_grad()
            net(torch.full((1, 3), step + 1.0)).square().sum().backward()
            optimiser.step()
        return net.weight.detach()

    assert torch.equal(trained(4), trained(4, resume_at=2))


def test_a_write_that_fails_in_the_middle_keeps_the_last_good_one(path, monkeypatch):
    save_checkpoint(path, {"epoch": 1, "w": torch.ones(3)})

    def half_written(tensors, part, metadata):
        part.write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(document, "save_file", half_written)
    with pytest.raises(OSError, match="disk full"):
        save_checkpoint(path, {"epoch": 2, "w": torch.zeros(3)})
    assert load_checkpoint(path)["epoch"] == 1
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"a": [object()]}, r"state\.a\.0: cannot be kept in a checkpoint, got object"),
        ({"a": np.array([None])}, r"state\.a: cannot .* an array of dtype object"),
        ({"a": {1, 2}}, "got set"),
        ({torch.float32: 1}, "key torch.float32: cannot"),
    ],
)
def test_what_cannot_be_kept_is_named(path, state, message):
    with pytest.raises(VMBTypeError, match=message):
        save_checkpoint(path, state)
    assert not path.exists()


def test_weights_and_pickles_are_no_checkpoints(path):
    write_weights(path, {}, {})
    with pytest.raises(VMBFileError, match="not a checkpoint file of pylops_vmb, got weights"):
        load_checkpoint(path)
    torch.save({"epoch": 1}, path)
    with pytest.raises(VMBFileError, match="is a pickled checkpoint"):
        load_checkpoint(path)


def test_damage_is_refused(path):
    save_checkpoint(path, {"w": torch.ones(3)})
    good = path.read_bytes()
    path.write_bytes(good[:-1] + b"\x00")
    with pytest.raises(VMBFileError, match="is damaged"):
        load_checkpoint(path)


@pytest.mark.parametrize(
    "tree",
    [
        {"array": ["000000 state.w", "|O", [1]]},
        {"array": ["000000 state.w", "<f4", [10**12]]},
        {"array": ["000000 state.w", "S0", [-1]]},
        {"array": ["000000 state.w", "a4", [3]]},
        {"array": ["000000 state.w", "<f08, [", [3]]},
        {"array": ["000000 state.w", "<f4", "abc"]},
        {"tensor": "other"},
        {"tensor": [1]},
        {"unknown": 1},
        {"bytes": 5},
        {"bytes": "&"},
        {"scalar": {"dict": []}},
        {"dict": [[{"list": []}, 1]]},
        {"dict": 5},
        {"list": 3},
        {"a": 1, "b": 2},
    ],
)
def test_a_tree_that_cannot_be_rebuilt_is_refused(path, tree):
    """The digests are right: whoever made the file meant it."""
    tensors = {"000000 state.w": torch.ones(3)}
    text = {"dict": [["w", tree]]}
    document.write_document(path, tensors, kind="checkpoint", text=text)
    wrong = (
        r"is damaged, got a state that cannot be rebuilt \(.*\)\. Start afresh, or use an earlier"
    )
    with pytest.raises(VMBFileError, match=wrong):
        load_checkpoint(path)


def test_one_tensor_cannot_be_asked_for_many_times(path):
    """Else a small file could fill the memory."""
    content = ["000000 state.w", "<f4", [2**18]]
    tree = {"dict": [[n, {"array": content}] for n in range(200)]}
    tensors = {"000000 state.w": torch.zeros(2**20, dtype=torch.uint8)}
    document.write_document(path, tensors, kind="checkpoint", text=tree)
    tracemalloc.start()
    with pytest.raises(VMBFileError, match="a state that cannot be rebuilt"):
        load_checkpoint(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**23


def test_a_state_is_a_dictionary(path):
    document.write_document(path, {}, kind="checkpoint", text={"list": [1]})
    with pytest.raises(VMBFileError, match="a list in the place of a dictionary"):
        load_checkpoint(path)


def test_deep_trees_are_refused(path):
    tree = 0
    for _ in range(400):
        tree = {"list": [tree]}
    document.write_document(path, {}, kind="checkpoint", text={"dict": [["a", tree]]})
    with pytest.raises(VMBFileError, match="is damaged, got"):
        load_checkpoint(path)

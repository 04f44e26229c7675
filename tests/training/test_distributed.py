"""Several processes train as one does: losses, weights, errors, checkpoints."""

import signal
from copy import deepcopy

import pytest
import torch
from torch import nn

from pylops_vmb.errors import VMBValueError
from pylops_vmb.training.batchnorm import SharedBatchNorm, share_batchnorm
from pylops_vmb.training.distributed import Team

# Dropout draws other numbers in each process: without it the same global batch is the same step.
PLAIN, NORM = {"dropout": 0.0}, {"dropout": 0.0, "norm": True}
ALIKE = {  # batches, over both epochs
    "plain": ({"net": PLAIN, "batch": 4, "count": 10}, 2),  # 4, 4, 2
    "norm": ({"net": NORM, "batch": 4, "count": 10}, 2),
    "unequal": ({"net": NORM, "batch": 3, "count": 7}, 2),  # 3, 4: two and one, two and two
    "few": ({"net": NORM, "batch": 2, "count": 5}, 3),  # 2, 3: one process has none of the first
    "clipped": ({"net": PLAIN, "batch": 3, "accumulate": 2, "clip": 0.1}, 2),
    "augmented": ({"net": NORM, "batch": 4, "augmented": True, "patience": 1}, 2),
}
PAIR = {"net": NORM, "size": 2, "augmented": True}
OTHERS = [
    {"name": "split", "net": NORM, "batch": 3, "accumulate": 2, "size": 2},
    {"name": "whole", **PAIR},
    {"name": "killed", **PAIR, "apart": True, "kill": {"step": 3}, "fit": {"every_steps": 1}},
    {"name": "killed", **PAIR, "apart": True},
    {"name": "stopped", **PAIR, "kill": {"interrupt": 1}},
    {"name": "stopped", **PAIR},
    {"name": "whole", "net": NORM, "augmented": True},
    {"name": "unreadable", "net": PLAIN, "size": 2, "failing": True},
    {"name": "diverged", "net": PLAIN, "size": 2, "lr": 1e20, "vp_scale": 1e-20},
]


@pytest.fixture(scope="module")
def ended(run_trainings):
    jobs = []
    for name, (settings, size) in ALIKE.items():
        jobs += [{"name": f"{name}-1", **settings}]
        jobs += [{"name": f"{name}-{size}", **settings, "size": size}]
    return run_trainings(*jobs, *OTHERS)


@pytest.fixture(scope="module")
def codes(ended):
    """Return the exit codes of the other jobs."""
    return ended.codes[2 * len(ALIKE) :]


@pytest.mark.parametrize("name", ALIKE)
def test_several_processes_train_as_one(ended, flat, name):
    one, several = (ended[f"{name}-{size}"] for size in (1, ALIKE[name][1]))
    assert len(one["history"]) == 2
    for row, other in zip(one["history"], several["history"], strict=True):
        assert row == pytest.approx(other, rel=1e-5)
    for part in ("net", "returned"):
        ours, theirs = flat(one[part]), flat(several[part])
        assert ours.keys() == theirs.keys()
        for place, value in ours.items():
            torch.testing.assert_close(theirs[place], value, rtol=1e-4, atol=1e-5)


def test_parts_of_unequal_shares_do_not_wait_forever(ended, codes):
    assert codes[0] == [0, 0]
    assert len(ended["split"]["history"]) == 2


def test_a_killed_team_ends_with_the_same_bits_and_the_first_alone_writes(
    ended, codes, assert_same
):
    assert codes[1:4] == [[0, 0], [-signal.SIGKILL] * 2, [0, 0]]
    resumed, whole = ended["killed"], ended["whole"]
    assert (resumed.pop("started"), whole.pop("started")) == (3, 0)
    assert_same(resumed, whole)
    files = [sorted(p.name for p in (ended.folder / f"rank{rank}").iterdir()) for rank in (0, 1)]
    assert files == [["killed.safetensors"], []]


def test_ctrl_c_in_one_process_stops_all_after_a_checkpoint(ended, codes, assert_same):
    assert codes[4:6] == [[1, 1], [0, 0]]
    for rank in (0, 1):
        assert "KeyboardInterrupt: training: stopped after step 2 of 4" in ended.error(
            "stopped", rank
        )
    resumed, whole = ended["stopped"], ended["whole"]
    assert (resumed.pop("started"), whole.pop("started")) == (2, 0)
    assert_same(resumed, whole)


def test_as_many_processes_resume_as_wrote(ended, codes):
    assert codes[6] == [1]
    assert "belongs to another training, got processes = 2, here 1" in ended.error("whole")


def test_an_error_in_one_process_ends_all_with_its_message(ended, codes):
    assert codes[7] == [1, 1]
    errors = [ended.error("unreadable", rank).splitlines()[-1] for rank in (0, 1)]
    assert all("sample 5 cannot be read" in error for error in errors)
    assert sum(error == "OSError: sample 5 cannot be read" for error in errors) == 1
    assert sum(" of 2: " in error for error in errors) == 1


def test_divergence_ends_all(ended, codes):
    assert codes[8] == [1, 1]
    for rank in (0, 1):
        assert "VMBRuntimeError: training: diverged" in ended.error("diverged", rank)


@pytest.mark.parametrize("kind", [nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d])
@pytest.mark.parametrize("settings", [{}, {"affine": False}, {"momentum": None}])
def test_shared_batch_norm_alone_is_torch_s(rng, kind, settings):
    ours, theirs = nn.Sequential(kind(3, **settings)), kind(3, **settings)
    with torch.no_grad():
        for parameter in (*theirs.parameters(), *ours.parameters()):
            parameter.copy_(torch.linspace(0.5, 2.0, 3))
    ours = share_batchnorm(ours)
    assert isinstance(ours[0], SharedBatchNorm)
    shape = (4, 3, *[5, 6, 2][: int(kind.__name__[-2])])
    maps = torch.from_numpy(50.0 + rng.standard_normal(shape)).float()
    for _ in range(2):
        inputs = [maps.clone().requires_grad_() for _ in range(2)]
        outputs = [net(x) for net, x in zip((ours, theirs), inputs, strict=True)]
        torch.testing.assert_close(*outputs, rtol=1e-4, atol=1e-4)
        slopes = [
            torch.autograd.grad((y**3).sum(), x) for y, x in zip(outputs, inputs, strict=True)
        ]
        torch.testing.assert_close(*slopes, rtol=1e-3, atol=1e-3)
        maps = 2.0 * maps + 1.0
    torch.testing.assert_close(ours[0].state_dict(), theirs.state_dict(), rtol=1e-5, atol=1e-6)
    ours.eval(), theirs.eval()
    torch.testing.assert_close(ours(maps), theirs(maps))


def test_shared_batch_norm_without_running_statistics(rng):
    layer = nn.BatchNorm2d(2, track_running_stats=False).eval()
    maps = torch.from_numpy(rng.standard_normal((3, 2, 4, 4))).float()
    torch.testing.assert_close(SharedBatchNorm(deepcopy(layer))(maps), layer(maps))


def test_a_team_of_one_changes_nothing():
    team, net = Team.joined("cpu"), nn.BatchNorm2d(2)
    assert (team.rank, team.size, team.leads) == (0, 1, True)
    assert team.wrap(net) is net
    assert team.gathered("x") == ["x"]
    assert team.led("x") == "x"
    assert team.any(True, False) == [True, False]
    with pytest.raises(KeyError), team.together():
        raise KeyError


@pytest.mark.parametrize(
    ("device", "message"),
    [
        ("gpu", r"device: is unknown to torch, got 'gpu'\. Pass 'cpu' or 'cuda'"),
        ("cuda", r"device: is not on this machine, got 'cuda'\. Pass device='cpu'"),
    ],
)
def test_devices_that_are_not_there_are_refused(device, message, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(VMBValueError, match=message):
        Team.joined(device)

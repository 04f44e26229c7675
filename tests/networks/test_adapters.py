"""What is optimised of a network: one vector, from and to plain weights."""

import copy

import pytest
import torch
from torch import nn

from pylops_vmb.errors import VMBValueError
from pylops_vmb.networks import build
from pylops_vmb.networks.adapters import LowRank, Weights, adapt, call, merge
from pylops_vmb.networks.parts import parts

SIZES = {"in_channels": 2, "in_shape": (25, 10), "out_shape": (12, 10), "width": 4, "depth": 2}
PARTS = ("all", "last", "encoder", "low-rank")


@pytest.fixture
def net():
    torch.manual_seed(3)
    return build("fcnvmb-repaired", **SIZES).eval().requires_grad_(False)


@pytest.fixture
def gathers():
    return torch.randn(2, 2, 25, 10, generator=torch.Generator().manual_seed(1))


def elsewhere(theta):
    return theta + 0.1 * torch.randn(theta.shape, generator=torch.Generator().manual_seed(2))


@pytest.mark.parametrize("part", PARTS)
def test_the_start_is_the_network_to_the_bit(net, gathers, part):
    adapted = adapt(net, part)
    assert torch.equal(call(adapted, adapted.start(), gathers), net(gathers))
    state = net.state_dict()
    assert all(
        torch.equal(value, state[name]) for name, value in merge(adapted, adapted.start()).items()
    )


@pytest.mark.parametrize("part", PARTS)
def test_merged_weights_are_the_adapted_network_and_the_network_stays(net, gathers, part):
    adapted, before = adapt(net, part), copy.deepcopy(net.state_dict())
    theta = elsewhere(adapted.start())
    said = call(adapted, theta, gathers)
    assert float((said - net(gathers)).abs().max()) > 1.0
    plain = build("fcnvmb-repaired", **SIZES).eval()
    plain.load_state_dict(merge(adapted, theta))
    assert torch.equal(plain(gathers), said)
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())


def test_only_the_chosen_part_changes(net):
    kernels = {f"{n}.weight" for n, m in net.named_modules() if hasattr(m, "kernel_size")}
    kernels = {name for name in kernels if name in net.state_dict()}
    names = {name for name, _ in net.named_parameters()}
    wanted = {"all": names, "last": parts(net)["last"], "low-rank": kernels}
    for part, names in wanted.items():
        adapted = adapt(net, part)
        merged, state = merge(adapted, elsewhere(adapted.start())), net.state_dict()
        assert {name for name in state if not torch.equal(state[name], merged[name])} == names


def test_the_change_of_a_kernel_has_the_rank(net):
    adapted = LowRank(net, rank=2, seed=5)
    moved = adapted.tensors(elsewhere(adapted.start()))
    for name, value in moved.items():
        change = (value - net.state_dict()[name]).flatten(1).double()
        most = min(2, *change.shape)
        assert int(torch.linalg.matrix_rank(change, rtol=1e-4)) == most, name


def test_the_factors_are_drawn_by_seed_and_keep_the_precision(net):
    def first(seed):
        return LowRank(net, seed=seed).start()

    assert torch.equal(first(1), first(1))
    assert not torch.equal(first(1), first(2))
    assert adapt(copy.deepcopy(net).double(), "low-rank").start().dtype == torch.float64


def test_the_gradient_of_the_zero_factor_is_not_zero(net, gathers):
    adapted = LowRank(net)
    theta = adapted.start().requires_grad_()
    (slope,) = torch.autograd.grad(call(adapted, theta, gathers).sum(), theta)
    assert float(slope.abs().max()) > 0.0


def test_refusals(net):
    with pytest.raises(VMBValueError, match="rank: must be at least 1, got 0"):
        LowRank(net, rank=0)
    with pytest.raises(VMBValueError, match=r"part: needs layers with kernels, got BatchNorm2d"):
        adapt(nn.BatchNorm2d(2), "low-rank")
    with pytest.raises(VMBValueError, match=r"part: stands for no parameter.*got 'middle'"):
        adapt(net, "middle")
    with pytest.raises(VMBValueError, match="part: leaves nothing to optimise, got no weights"):
        Weights(net, [])

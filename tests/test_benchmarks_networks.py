"""The benchmarks of networks: the peer is the published network, and the tables add up."""

from collections.abc import Callable

import pytest
import torch

from pylops_vmb.networks import build
from tests.benchmarks import throughput
from tests.benchmarks.plain_fcnvmb import PlainFCNVMB


def test_plain_network_is_the_published_one() -> None:
    with torch.device("meta"):
        net = PlainFCNVMB(29, (201, 301))
        vp = net(torch.empty(1, 29, 400, 301))
    assert sum(p.numel() for p in net.parameters()) == 31_058_497
    assert len(net.state_dict()) == 136
    assert vp.shape == (1, 1, 201, 301)


@pytest.mark.parametrize("training", [False, True])
def test_plain_network_equals_ours_with_its_weights(training: bool) -> None:
    torch.manual_seed(0)
    ours = build("fcnvmb", in_channels=3, n_classes=1, width=4, out_shape=(20, 25))
    gathers = torch.randn(4, 3, 50, 37)
    for _ in range(3):
        ours(gathers)  # moves the running statistics of batch norm away from their start
    plain = PlainFCNVMB(3, (20, 25), width=4)
    plain.load_state_dict(ours.state_dict())
    with torch.no_grad():
        assert torch.equal(plain.train(training)(gathers), ours.train(training)(gathers))


TINY = throughput.Size(2, (40, 24), (20, 16), 2, 2, 2)


def test_throughput_compares_a_network_with_itself() -> None:
    seconds = {
        ("A", throughput.PUBLISHED): [4.0, 9.0, 4.0],
        ("A", throughput.OURS): [2.0, 3.0, 1.0],
        ("B", throughput.PUBLISHED): [1.0, 1.0, 1.0],
        ("B", throughput.OURS): [1.0, 1.0, 1.0],
    }
    rows = throughput.table("tiny", TINY, seconds)
    assert [row["times faster"] for row in rows] == [None, 3.0, None, 1.0]
    assert [row["seconds a step"] for row in rows] == [2.0, 1.0, 0.5, 0.5]
    assert [row["samples a second"] for row in rows] == [1.0, 2.0, 4.0, 4.0]


def test_both_loops_start_from_the_same_weights() -> None:
    plain, same = throughput.plain_fcnvmb(TINY), throughput.fcnvmb(TINY)
    gathers = torch.randn(2, 2, 40, 24)
    assert torch.equal(plain(gathers), same(gathers))


@pytest.mark.parametrize("arm", throughput.ARMS.values(), ids=map(" ".join, throughput.ARMS))
def test_each_loop_trains(arm: Callable[..., float], monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[int] = []
    monkeypatch.setattr(torch.optim.Adam, "step", lambda *_: steps.append(1))
    monkeypatch.setattr(torch.optim.AdamW, "step", lambda *_: steps.append(1))
    assert arm(TINY, throughput._samples(TINY), "cpu") > 0.0
    assert len(steps) == TINY.steps

"""The benchmarks of networks: the peer is the published network, and the tables add up."""

import pytest
import torch

from pylops_vmb.networks import build
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

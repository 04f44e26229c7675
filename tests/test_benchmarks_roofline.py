"""The roofline: operations, bytes and updates are counted right, and shares are of the best."""

import numpy as np
import pytest
import torch
from torch import nn

import pylops_vmb as vmb
from pylops_vmb._timing import Sample
from tests.benchmarks import roofline
from tests.benchmarks.plain_fcnvmb import PlainFCNVMB
from tests.benchmarks.roofline import CACHE, MEMORY, STENCIL, Work
from tests.benchmarks.stencil import Stencil, compiler


def seconds(*values: float) -> list[Sample]:
    return [Sample(value, value) for value in values]


def test_shares_are_of_the_best_limit_and_of_the_same_precision() -> None:
    def nothing() -> None: ...

    limits = {
        MEMORY: Work(nothing, streamed=8e9),
        CACHE: Work(nothing, cached=80e9),
        STENCIL: Work(nothing, updates=4e9),
        "slow": Work(nothing, 10e9),
        "fast": Work(nothing, 20e9),
        "half": Work(nothing, 99e9, peak="bfloat16"),
    }
    work = {"work": Work(nothing, 10e9, cached=10e9, streamed=2e9, updates=1e9)}
    samples = {name: seconds(3.0, 1.0, 2.0) for name in limits}
    samples["work"] = seconds(9.0, 2.0, 1.0)
    *_, row = roofline.table(limits, work, samples)
    assert row["ms"] == 2000.0
    found = {key: value for key, value in row.items() if key.endswith("share %")}
    assert [round(value, 3) for value in found.values()] == [12.5, 25.0, 6.25, 12.5]
    assert (row["GFLOP/s"], row["GB/s in memory"], row["Gupdates/s"]) == (5.0, 1.0, 0.5)


def test_operations_and_bytes_of_a_layer_are_those_on_paper() -> None:
    net = nn.Sequential(nn.Conv2d(2, 3, 3, padding=1), nn.ReLU())
    inputs = torch.zeros(5, 2, 8, 6)
    assert roofline.flops_of(net, inputs) == 2 * 5 * 3 * 8 * 6 * 2 * 9
    numbers = 5 * 2 * 48 + (3 * 2 * 9 + 3) + 5 * 3 * 48
    assert roofline.layer_bytes(net, inputs, itemsize=2) == 2 * numbers
    assert not net[0]._forward_hooks


def test_operations_of_the_published_network_are_known() -> None:
    with torch.device("meta"):
        flops = roofline.flops_of(PlainFCNVMB(29, (201, 301)), torch.empty(1, 29, 400, 301))
    assert flops == pytest.approx(182e9, rel=0.01)


def test_updates_count_shots_steps_and_the_absorbing_zone() -> None:
    acq = vmb.Acquisition.fixed_spread(
        [50.0, 90.0], 10.0 * np.arange(24), nt=160, dt=1e-3, f0=15.0, zs=10.0, zr=10.0
    )
    F = vmb.AcousticModelling2D(vmb.Grid((24, 16), (10.0, 10.0)), acq)
    assert roofline.cell_updates(F) == 2 * 160 * (24 + 40) * (16 + 40)


@pytest.mark.skipif(compiler() is None, reason="needs a C compiler")
def test_the_ideal_stencil_takes_the_step_of_the_wave_equation() -> None:
    ideal = Stencil((12, 15), shots=2, steps=1, threads=2)
    now, before = (part.astype(np.float64) for part in ideal.fields[1])
    ideal()
    inner, weights = (slice(2, -2), slice(2, -2)), (-1 / 12, 4 / 3, -5 / 2, 4 / 3, -1 / 12)
    laplace = sum(
        weight * (np.roll(now, shift - 2, 0) + np.roll(now, shift - 2, 1))
        for shift, weight in enumerate(weights)
    )
    after = 2 * now - before + 0.1 * laplace
    np.testing.assert_allclose(ideal.fields[1][1][inner], after[inner], rtol=1e-4, atol=1e-5)
    assert ideal.updates == 2 * 12 * 15

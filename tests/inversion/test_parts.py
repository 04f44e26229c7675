"""Shots at a time: as many as fit the budget in the dtype of the data."""

import pytest
import torch

from pylops_vmb.inversion.bands import LowPass
from pylops_vmb.inversion.objective import Objective
from pylops_vmb.modelling import AcousticModelling2D


@pytest.mark.parametrize(("dtype", "together"), [(torch.float32, 2), (torch.float64, 1)])
def test_double_precision_keeps_within_the_budget(
    grid, acq, F, dobs, x0, dtype, together, monkeypatch
):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    lowpass = LowPass(20.0, acq.nt, acq.dt)
    fmax = min(lowpass.fmax, acq.fmax)
    tight = AcousticModelling2D(grid, acq, memory=2.3 * F.for_band(fmax).memory.per_shot)
    objective = Objective(tight, torch.from_numpy(dobs).to(dtype), misfit="l2", lowpass=lowpass)
    plan = tight.for_band(fmax).plan(dtype)
    assert objective._workers == plan.workers == together
    assert plan.needed <= 0.9 * plan.budget
    _, curve = objective.linearize(torch.from_numpy(x0).to(dtype))
    kept = len(curve.args[0]._kept)
    assert kept == (2 if together == 2 else 0)
    assert (kept or together) * plan.per_shot <= 0.9 * plan.budget

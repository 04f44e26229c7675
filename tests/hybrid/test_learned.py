"""Inversion by a network has the interface of a solver: one step, the same triple."""

import pickle

import numpy as np
import pytest
import torch
from pylops.optimization.callback import Callbacks

import pylops_vmb as vmb
from pylops_vmb.errors import VMBValueError
from pylops_vmb.hybrid import misfit_of
from pylops_vmb.inversion import InversionResult


class Counting(Callbacks):
    def __init__(self):
        self.calls = []

    def on_setup_begin(self, *_):
        self.calls.append("setup")

    def on_run_begin(self, *_):
        self.calls.append("run")

    def on_step_end(self, solver, x):
        self.calls.append("step")
        self.seen = (solver.iiter, x)


def test_without_modelling_it_predicts_and_knows_no_misfit(case, network):
    result = vmb.learned(network(case.true), case.d)
    vp, niter, cost = result
    np.testing.assert_array_equal(vp, case.true)
    assert (niter, cost.shape, result.status) == (0, (0,), "done")
    assert "compare the data misfit" in result.message


def test_with_modelling_it_tells_the_misfit(case, network):
    guess = 1.05 * case.true
    vp, niter, cost = vmb.learned(network(guess), case.d, F=case.F)
    np.testing.assert_array_equal(vp, guess)
    assert niter == 1
    assert cost[0] == misfit_of(case.F, case.d, guess) > 0.01


def test_kinds_come_out_as_they_came_in(case, network):
    G = network(case.true)
    assert vmb.learned(G, case.d.ravel()).vp.shape == case.grid.dims
    assert vmb.learned(G, case.d.astype("float64")).vp.dtype == np.float64
    tensor = vmb.learned(G, torch.from_numpy(case.d), F=case.F).vp
    assert (type(tensor), tensor.requires_grad) == (torch.Tensor, False)


def test_callbacks_are_called_once(case, network):
    counting = Counting()
    vp = vmb.learned(network(case.true), case.d, callbacks=[counting]).vp
    assert counting.calls == ["setup", "run", "step"]
    assert counting.seen[0] == 1
    np.testing.assert_array_equal(counting.seen[1], vp)


def test_a_start_is_refused(case, network):
    with pytest.raises(VMBValueError, match=r"x0: cannot be used by a network alone.*hybrid"):
        vmb.learned(network(case.true), case.d, case.fallback)


def test_swapping_the_method_is_one_line(case, network):
    G, short = network(case.true), {"x0": case.fallback, "niter": 1, "bands": (None,)}
    for solver, arguments in (
        (vmb.Learned(G, case.F), {}),
        (vmb.FWI(case.F, niter=1, bands=(None,)), {"x0": case.fallback}),
        (vmb.Hybrid(case.F, G, niter=1, bands=(None,)), {"x0": case.fallback}),
    ):
        vp, niter, cost = result = solver.solve(case.d, **arguments)
        assert isinstance(result, InversionResult)
        assert (vp.shape, niter, cost.shape) == (case.grid.dims, 1, (1,))
        assert result.message.endswith(".")
        copied = pickle.loads(pickle.dumps(result))
        assert (type(copied), vars(copied)) == (type(result), vars(result))
        np.testing.assert_array_equal(copied.vp, vp)
        assert solver.telapsed >= 0.0
        assert solver.memory_usage(unit="KB") == solver.memory_usage() / 1024 > 0.0
    results = vmb.fwi(case.F, case.d, **short), vmb.hybrid(case.F, case.d, G, **short)
    assert [type(each).__name__ for each in results] == ["InversionResult", "HybridResult"]

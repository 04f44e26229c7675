"""The hybrid starts from the network where the data agree, and is plain FWI where they do not."""

import math
import re

import numpy as np
import pytest
import torch
from pylops.optimization.callback import Callbacks
from scipy.ndimage import gaussian_filter

import pylops_vmb as vmb
from pylops_vmb.errors import VMBFileError, VMBTypeError, VMBValueError
from pylops_vmb.hybrid import HybridResult, misfit_of
from pylops_vmb.inversion import linear_start
from pylops_vmb.operators import NonlinearOperator

SHORT = {"niter": 2, "bands": (20.0, None)}
BARE = SHORT | {"profile": 0, "race": 0}
"""Two candidates, judged by their misfits alone."""


def test_it_starts_from_a_network_near_the_truth(case, network):
    near = gaussian_filter(case.true, 1.0, mode="nearest")
    result = vmb.hybrid(case.F, case.d, network(near), x0=case.fallback, profile=0, **SHORT)
    assert isinstance(result, HybridResult)
    assert result.start == "network"
    assert list(result.starts) == ["x0", "network", "network, smoothed"]
    assert result.starts["network"] < result.starts["x0"]
    assert re.fullmatch(r"network: below 20 Hz its data misfit is .*, that of x0 .*", result.reason)
    plain = vmb.fwi(case.F, case.d, case.fallback, **SHORT)
    assert result.cost[-1] < 0.5 * plain.cost[-1]
    same = vmb.fwi(case.F, case.d, near, **SHORT)
    np.testing.assert_allclose(result.vp, same.vp, atol=0.1)
    assert result.cost == pytest.approx(same.cost, rel=1e-3)


def test_one_simulation_judges_a_candidate_in_all_bands(case, network, counted):
    smoothed = gaussian_filter(case.true, 2.0, mode="nearest")
    solver = vmb.Hybrid(counted, network(case.true), smooth_start=2.0, misfit="l1", **BARE)
    solver.setup(case.d, x0=case.fallback)
    assert counted.simulations == 3
    models = {"x0": case.fallback, "network": case.true, "network, smoothed": smoothed}
    for name, vp in models.items():
        for found, corner in zip(solver.starts[name], (20.0, math.inf), strict=True):
            want = misfit_of(case.F, case.d, vp, misfit="l1", corner=corner)
            assert found == pytest.approx(want, rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("wrong", [3000.0, math.nan, -1e9, 1e9], ids=["far", "nan", "low", "high"])
def test_a_wrong_network_costs_nothing_but_simulations(case, network, wrong):
    G = network(np.full(case.grid.dims, wrong))
    result = vmb.hybrid(case.F, case.d, G, x0=case.fallback, **BARE)
    plain = vmb.fwi(case.F, case.d, case.fallback, **SHORT)
    assert result.start == "x0"
    np.testing.assert_array_equal(result.vp, plain.vp)
    assert result.cost.tolist() == plain.cost.tolist()
    assert (result.status, result.message) == (plain.status, plain.message)
    assert result.reason.startswith("x0: ")


def test_a_draw_goes_to_the_fallback(case, network):
    for more in (BARE, BARE | {"race": 1}):
        solver = vmb.Hybrid(case.F, network(case.fallback), smooth_start=0.0, **more)
        solver.setup(case.d, x0=case.fallback)
        assert solver.starts["network"] == solver.starts["x0"]
        assert solver.start == "x0"


def test_the_prediction_is_smoothed_by_six_cells_unless_told_otherwise(case, network):
    for sigma, more in ((6.0, {}), (3.0, {"smooth_start": 3.0})):
        solver = vmb.Hybrid(case.F, network(case.true), **more, **BARE)
        solver.setup(case.d, x0=case.fallback)
        smoothed = gaussian_filter(case.true, sigma, mode="nearest")
        want = misfit_of(case.F, case.d, smoothed, corner=20.0)
        assert solver.starts["network, smoothed"][0] == pytest.approx(want, rel=1e-4)


def test_the_prediction_is_brought_within_the_bounds(case, network):
    solver = vmb.Hybrid(case.F, network(case.true), bounds=(2100.0, 2400.0), **BARE)
    x = solver.setup(case.d, x0=case.fallback)
    assert (float(x.min()), float(x.max())) == (2100.0, 2400.0)


def test_the_default_fallback_is_linear_in_depth(case, network):
    solver = vmb.Hybrid(case.F, network(np.full(case.grid.dims, 4400.0)), **BARE)
    x = solver.setup(case.d)
    assert solver.result(x).start == "linear"
    np.testing.assert_array_equal(x, linear_start(case.grid))


def test_kinds_come_out_as_they_came_in(case, network):
    G = network(case.true)
    short = {"x0": case.fallback, "niter": 1, "bands": (None,), "profile": 0}
    plain = vmb.hybrid(case.F, case.d, G, **short)
    assert (type(plain.vp), plain.vp.dtype) == (np.ndarray, np.float32)
    tensor = vmb.hybrid(case.F, torch.from_numpy(case.d), G, **short)
    assert (type(tensor.vp), tensor.vp.dtype) == (torch.Tensor, torch.float32)
    flat = vmb.hybrid(case.F, case.d.ravel().astype("float64"), G, **short)
    assert flat.vp.dtype == np.float64
    np.testing.assert_array_equal(tensor.vp.numpy(), plain.vp)
    np.testing.assert_allclose(flat.vp, plain.vp, atol=0.5)


@pytest.mark.parametrize("near", [True, False], ids=["network", "profile"])
def test_a_resumed_hybrid_keeps_its_start_to_the_bit(tmp_path, case, network, near, raising):
    G = network(case.true if near else 0.0 * case.true + 3000.0)
    path, more = tmp_path / "run.safetensors", SHORT | {"x0": case.fallback}
    whole = vmb.hybrid(case.F, case.d, G, **more)
    for after in (1, 3) if near else (3,):  # the race took two
        with pytest.raises(ZeroDivisionError):
            vmb.hybrid(case.F, case.d, G, callbacks=[raising(after)], checkpoint=path, **more)
    resumed = vmb.hybrid(case.F, case.d, G, checkpoint=path, **more)
    np.testing.assert_array_equal(resumed.vp, whole.vp)
    assert resumed.cost.tolist() == whole.cost.tolist()
    assert (resumed.start, resumed.starts) == (whole.start, whole.starts)
    assert resumed.reason == whole.reason
    assert [entry[:5] for entry in resumed.history] == [entry[:5] for entry in whole.history]
    assert whole.start == ("network" if near else "profile")


def test_a_hybrid_stopped_before_its_first_step_keeps_its_start(tmp_path, case, network):
    class Pressing(Callbacks):
        def on_step_begin(self, *_):
            raise KeyboardInterrupt

    path, more = tmp_path / "run.safetensors", SHORT | {"x0": case.fallback}
    whole = vmb.hybrid(case.F, case.d, network(case.true), callbacks=[Pressing()], **more)
    vmb.hybrid(case.F, case.d, network(case.true), callbacks=[Pressing()], checkpoint=path, **more)
    resumed = vmb.hybrid(case.F, case.d, network(case.true), checkpoint=path, **more)
    assert whole.niter == 0
    assert (resumed.start, resumed.starts) == ("network", whole.starts)


def test_a_checkpoint_of_another_solver_or_smoothing_is_refused(tmp_path, case, network):
    path, G = tmp_path / "run.safetensors", network(case.true)
    more = {"x0": case.fallback, "niter": 1, "bands": (20.0,), "checkpoint": path}
    vmb.fwi(case.F, case.d, **more)
    with pytest.raises(VMBFileError, match="got other settings, solver, network in"):
        vmb.hybrid(case.F, case.d, G, **more)
    path.unlink()
    vmb.hybrid(case.F, case.d, G, **more)
    for change in ({"smooth_start": 1.0}, {"prior": 0.1}, {"race": 1}):
        with pytest.raises(VMBFileError, match="got other settings in"):
            vmb.hybrid(case.F, case.d, G, **more | change)
    G.name = "another"
    with pytest.raises(VMBFileError, match="got other network in"):
        vmb.hybrid(case.F, case.d, G, **more)


def test_a_network_for_another_grid_or_survey_is_refused(case, network):
    for grid in (vmb.Grid((24, 16), 12.5), vmb.Grid((24, 16), 10.0, origin=(100.0, 0.0))):
        with pytest.raises(VMBValueError, match="G: must give velocity on the grid of F"):
            vmb.Hybrid(case.F, network(case.true, grid=grid))
    for change in ({"nt": 170}, {"dt": 0.0012}, {"xs": [60.0, 180.0]}):
        line = {"xs": [50.0, 180.0], "xr": 10.0 * np.arange(24), "nt": 160, "dt": 0.001, "f0": 20.0}
        line |= change
        acq = vmb.Acquisition.fixed_spread(line.pop("xs"), line.pop("xr"), **line)
        with pytest.raises(VMBValueError, match=r"G: must take the data of F.*for_survey\(F.acq\)"):
            vmb.Hybrid(case.F, network(case.true, acq=acq))


def test_any_operator_from_data_to_velocity_is_a_network(case):
    class Guess(NonlinearOperator):
        def _apply(self, x):
            return torch.from_numpy(case.true).to(x)

    solver = vmb.Hybrid(case.F, Guess(case.F.dimsd, case.F.dims), **BARE)
    assert solver.result(solver.setup(case.d, x0=case.fallback)).start == "network"
    for dims, dimsd, wrong in (
        (case.F.dimsd, (16, 24), "must give velocity on the grid of F"),
        ((2, 24, 150), case.F.dims, "must take the data of F"),
    ):
        with pytest.raises(VMBValueError, match=f"G: {wrong}"):
            vmb.Hybrid(case.F, Guess(dims, dimsd))


def test_arguments_in_the_wrong_place_are_refused(case, network):
    G = network(case.true)
    with pytest.raises(VMBTypeError, match=r"G: must be a learned inversion.* got ndarray"):
        vmb.hybrid(case.F, G, case.d)
    with pytest.raises(VMBValueError, match="smooth_start: must be at least 0"):
        vmb.Hybrid(case.F, G, smooth_start=-1.0)


def test_misfit_of_is_relative_and_checks_shapes(case):
    assert misfit_of(case.F, case.d, case.true) == pytest.approx(0.0, abs=1e-6)
    assert misfit_of(case.F, case.d.ravel(), case.true.ravel()) == pytest.approx(0.0, abs=1e-6)
    for misfit, half in (("l1", 0.5), ("l2", 0.25)):
        value = misfit_of(case.F, 2.0 * case.d, case.true, misfit=misfit)
        assert value == pytest.approx(half, rel=1e-5)
    with pytest.raises(VMBValueError, match=r"vp: .*swapped"):
        misfit_of(case.F, case.d, case.true.T)
    with pytest.raises(VMBValueError, match="dobs: must have shape"):
        misfit_of(case.F, case.d[:1], case.true)
    with pytest.raises(VMBValueError, match="vp: must be finite"):
        misfit_of(case.F, case.d, np.nan * case.true)

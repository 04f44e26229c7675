"""The helpers of the benchmark of inversions to a fixed misfit."""

import time

import numpy as np
import pytest
import torch
from scipy.signal import butter, sosfilt

import pylops_vmb as vmb
from pylops_vmb.inversion.bands import LowPass
from tests.benchmarks import contender, fwi_loops, fwi_to_misfit
from tests.benchmarks.watch import EnoughError, Watch, lowpass

GRID = vmb.Grid((24, 16), 10.0)
ACQ = vmb.Acquisition.fixed_spread([50.0, 180.0], GRID.x, nt=160, dt=0.001, f0=20.0)


@pytest.fixture(scope="module")
def problem():
    true = np.full(GRID.dims, 2000.0, "float32")
    true[:, 8:] = 2200.0
    dobs = vmb.AcousticModelling2D(GRID, ACQ)(true)
    numbers = {key: getattr(ACQ, key) for key in ("srcs", "recs", "wav", "wavc", "f0", "dt")}
    start = np.full(GRID.dims, 2050.0, "float32")
    return numbers | {"true": true, "start": start, "dobs": dobs, "spacing": GRID.spacing}


RUN = {"curve": [(1.0, 2.0, 1, 0.5), (2.0, 3.0, 5, 0.09), (9.0, 9.0, 20, 0.02)]}
SLOW = {"curve": [(1.0, 2.0, 1, 0.5), (2.0, 3.0, 9, 0.05)]}


def spikes(nt=200):
    return np.random.default_rng(0).standard_normal((2, 3, nt)).astype("float32")


class TestWatch:
    def test_judging_takes_no_time(self):
        watch = Watch(last=0.1, most=9)

        def slow():
            time.sleep(0.2)
            return 0.5

        watch(np.zeros(3), slow, calls=1)
        watch(np.zeros(3), slow, calls=2)
        assert watch.curve[-1][0] < 0.1
        assert [entry[2:] for entry in watch.curve] == [(1, 0.5), (2, 0.5)]

    @pytest.mark.parametrize(("misfit", "calls"), [(0.09, 1), (0.5, 9)])
    def test_it_ends_at_the_target_and_when_all_is_spent(self, misfit, calls):
        watch = Watch(last=0.1, most=9)
        with pytest.raises(EnoughError):
            watch(np.ones(3), lambda: misfit, calls=calls)
        assert watch.vp.tolist() == [1.0, 1.0, 1.0]


class TestFilters:
    def test_scipy_filters_as_we_do(self):
        d = spikes()
        ours = LowPass(20.0, d.shape[-1], 0.004)(torch.from_numpy(d))
        np.testing.assert_allclose(lowpass(d, 20.0, 0.004), ours, atol=1e-5)
        assert lowpass(d, None, 0.004) is d

    def test_a_response_is_the_recursion(self):
        d = spikes()
        expected = sosfilt(butter(6, 20.0, fs=250.0, output="sos"), d)
        found = fwi_loops.butterworth(20.0, d.shape[-1], 0.004)(torch.from_numpy(d))
        np.testing.assert_allclose(found, expected, atol=1e-4)


class TestLoops:
    @pytest.mark.parametrize(
        ("name", "options"),
        [
            ("ours", {"bands": (20.0, None), "niter": 3}),
            ("scipy", {"niter": 4, "corners": (20.0, None)}),
            ("adam", {"lr": 10.0, "steps": 8, "corners": (20.0, None)}),
            ("lbfgs", {"scale": 1e3, "epochs": 1, "corners": (20.0, None)}),
        ],
    )
    def test_each_lowers_the_misfit(self, problem, name, options):
        watch = Watch(last=0.0, most=10)
        try:
            fwi_loops.LOOPS[name](problem, watch, options)
        except EnoughError:
            assert watch.curve[-1][2] == 10
        misfits = [entry[3] for entry in watch.curve]
        assert min(misfits) < 0.7 * misfits[0]

    def test_the_raw_loop_has_our_data_to_the_bit(self, problem):
        watch = Watch(last=-1.0, most=9)
        loop = fwi_loops.Loop(problem, watch)
        assert float(loop.misfit(torch.from_numpy(problem["true"]), *loop.in_band(None)[::-1])) == 0


class TestRaw:
    def test_the_raw_gradient_with_our_settings_is_ours(self, problem):
        given = problem | {"residual": problem["dobs"], "change": problem["start"]}
        ours, _ = contender.by_jacobian(given, product="adjoint")
        raw = contender.Raw(given, max_vel=5500.0, courant_number=0.8)
        vp = torch.from_numpy(problem["start"]).requires_grad_()
        (slope,) = torch.autograd.grad(raw(vp), vp, torch.from_numpy(problem["dobs"]))
        assert float((ours() - slope).norm() / slope.norm()) < 1e-5


class TestReport:
    def test_medians_to_a_target(self):
        assert fwi_to_misfit.to_target([RUN], 0.1) == (2.0, 3.0, 5)
        assert fwi_to_misfit.to_target([RUN, SLOW], 0.03) == (None, None, None)

    def test_the_best_settings_are_shown(self):
        runs = {"adam": [SLOW], "adam {'lr': 10.0}": [RUN], "ours": [RUN]}
        assert list(fwi_to_misfit.best(runs)) == ["adam {'lr': 10.0}", "ours"]

    def test_a_sweep_changes_one_setting(self):
        found = fwi_to_misfit.variants(sweep=True)
        assert found["adam {'lr': 40.0}"].settings["lr"] == 40.0
        assert found["adam {'lr': 40.0}"].settings["steps"] == found["adam"].settings["steps"]
        assert len(fwi_to_misfit.variants(sweep=False)) == len(fwi_to_misfit.CONTENDERS)

    def test_a_wrong_misfit_is_refused(self):
        problem = fwi_to_misfit.make_problem()
        figures = {"curve": [(1.0, 1.0, 1, 0.5)], "vp": problem["start"]}
        chosen = {"ours": fwi_to_misfit.CONTENDERS["ours"]}
        with pytest.raises(AssertionError, match=r"ours: said a misfit of 0.5, and it is 0.82"):
            fwi_to_misfit.check(chosen, {"ours": [figures]}, problem)

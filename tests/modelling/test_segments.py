"""Segments of time, shots that are repeated, shots side by side: the same numbers for less."""

import deepwave
import numpy as np
import pytest
import torch

from pylops_vmb.modelling import AcousticModelling2D
from pylops_vmb.operators import dottest
from pylops_vmb.survey import Acquisition

SEGMENTED, REPEATED, RAW = 0.9, 2.4, 10.0  # budgets in shots


def budgeted(
    grid, acq, shots: float, vp: np.ndarray, *, band: float | None = None, **settings
) -> AcousticModelling2D:
    """Return the operator whose budget is so many shots of raw storage in the dtype of ``vp``."""
    settings = {"nbl": 8, "dtype": str(vp.dtype)} | settings

    def made(memory) -> AcousticModelling2D:
        F = AcousticModelling2D(grid, acq, memory=memory, **settings)
        return F.for_band(band) if band else F

    return made(shots * made("1GiB").memory.per_shot)


@pytest.fixture
def calls(monkeypatch) -> list[str]:
    """Return the names of the simulations, one for each shot, as they are run."""
    made: list[str] = []

    def count(name: str):
        run = getattr(deepwave, name)

        def counted(*args, **keywords):
            made.extend([name] * len(keywords["source_amplitudes"]))
            return run(*args, **keywords)

        monkeypatch.setattr(deepwave, name, counted)

    count("scalar")
    count("scalar_born")
    return made


@pytest.fixture
def long(acq) -> Acquisition:
    """Return a longer record: segments of a short one would save nothing."""
    return acq._replace(nt=400)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("band", [None, 40.0])
@pytest.mark.parametrize("coarse", [False, True], ids=["1 ms", "4 ms"])
def test_segments_give_the_data_and_the_gradient_of_raw_storage(
    grid, vp, rng, relative, dtype, band, coarse
):
    nt, dt = (400, 4e-3) if coarse else (1000, 1e-3)
    acq = Acquisition.fixed_spread([50.0], [30.0, 200.0], nt=nt, dt=dt, f0=12.0)
    vp = vp.astype(dtype)
    raw, F = (budgeted(grid, acq, shots, vp, band=band) for shots in (RAW, SEGMENTED))
    assert (raw.memory.segments, F.memory.segments > 1) == (1, True)
    (d, J), (e, K) = raw.linearize(vp), F.linearize(vp)
    dy = rng.standard_normal(F.dimsd).astype(dtype)
    bound = {"float32": 1e-5, "float64": 1e-12}[dtype]
    assert relative(e, d) < bound
    assert relative(K.H @ dy, J.H @ dy) < bound
    assert relative(K @ vp, J @ vp) < bound


@pytest.mark.parametrize(
    "settings", [{}, {"free_surface": True}, {"space_order": 8, "time_correction": True}]
)
def test_the_adjoint_stays_exact_in_segments(grid, long, vp, settings):
    F = budgeted(grid, long.select([1]), SEGMENTED, vp, **settings)
    assert F.memory.segments > 1
    assert dottest(F.jacobian(vp), rtol=1e-10).error < 1e-12


@pytest.mark.parametrize("shots", [SEGMENTED, REPEATED, RAW])
def test_a_torch_loss_takes_the_same_gradient(grid, long, vp, rng, relative, shots):
    F, dy = budgeted(grid, long, shots, vp), rng.standard_normal(long.dimsd)
    x = torch.from_numpy(vp).requires_grad_()
    F(x).backward(torch.from_numpy(dy))
    exact = budgeted(grid, long, RAW, vp).jacobian(vp).H @ dy
    assert relative(x.grad.numpy(), exact) < 1e-12


def test_repeated_adjoints_run_no_simulation(grid, acq, vp, calls):
    J = budgeted(grid, acq, RAW, vp).jacobian(vp)
    assert calls == ["scalar"] * 3
    for _ in range(3):
        J.H @ np.ones(J.shape[0])
    assert calls == ["scalar"] * 3
    J @ np.ones(J.shape[1])
    assert calls == ["scalar"] * 3 + ["scalar_born"] * 3


def test_only_shots_that_do_not_fit_are_simulated_again(grid, acq, vp, calls, one_thread):
    F = budgeted(grid, acq, REPEATED, vp)
    assert (F.memory.kept, F.memory.segments) == (1, 1)
    J = F.jacobian(vp)
    assert len(calls) == 3
    first, second = (J.H @ np.ones(J.shape[0]) for _ in range(2))
    assert len(calls) == 3 + 2 * 2
    np.testing.assert_array_equal(first, second)


def test_segments_are_simulated_once_more_in_each_adjoint(grid, long, vp, calls, one_thread):
    F = budgeted(grid, long.select([1]), SEGMENTED, vp)
    J = F.jacobian(vp)
    assert len(calls) == F.memory.segments
    J.H @ np.ones(J.shape[0])
    assert len(calls) == 2 * F.memory.segments


@pytest.mark.parametrize("shots", [SEGMENTED, REPEATED, RAW])
def test_the_number_of_threads_changes_no_bit(grid, long, vp, rng, shots):
    dx, dy = rng.standard_normal(vp.shape), rng.standard_normal(long.dimsd)
    before, found = torch.get_num_threads(), []
    for threads in (1, 2, 3):
        torch.set_num_threads(threads)
        F = budgeted(grid, long, shots, vp)
        d, J = F.linearize(vp)
        found.append((F(vp), d, J @ dx, J.H @ dy))
        assert (F.memory.workers > 1) == (threads > 1)
    torch.set_num_threads(before)
    for other in found[1:]:
        for one, same in zip(found[0], other, strict=True):
            np.testing.assert_array_equal(one, same)


def test_threads_are_used_and_the_budget_limits_them(grid, acq, vp, monkeypatch):
    used: list[int] = []

    def watched(function, items, *, workers):
        used.append(workers)
        return [function(item) for item in items]

    monkeypatch.setattr("pylops_vmb.modelling.linearization.side_by_side", watched)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 3)
    for shots, expected in ((RAW, [3, 3, 3, 3]), (1.3, [3, 3, 3, 1])):
        F = budgeted(grid, acq, shots, vp)
        used.clear()
        F(vp)
        J = F.jacobian(vp)
        J @ vp.ravel()
        J.H @ np.ones(J.shape[0])
        assert used == expected


@pytest.mark.filterwarnings("ignore:.torch.jit.script:DeprecationWarning")
def test_forward_mode_of_torch_passes_through(F, vp, rng):
    dx, x = torch.from_numpy(rng.standard_normal(vp.shape)), torch.from_numpy(vp)
    d, dd = torch.func.jvp(F, (x,), (dx,))
    np.testing.assert_array_equal(d.numpy(), F(vp))
    np.testing.assert_array_equal(dd, F.jacobian(x) @ dx)

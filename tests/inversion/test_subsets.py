"""Random subsets of the shots: fair, spread, reproducible, and worth their name in FWI."""

from collections import Counter

import numpy as np
import pytest
import torch
from pylops.optimization.callback import Callbacks

import pylops_vmb as vmb
from pylops_vmb.errors import VMBValueError
from pylops_vmb.inversion import FWISettings, Objective
from pylops_vmb.inversion.stage import Stage
from pylops_vmb.inversion.subsets import Subsets


@pytest.mark.parametrize(("ns", "count"), [(6, 2), (29, 10), (5, 4), (7, 7), (5, 1)])
def test_every_shot_is_seen_once_an_epoch(ns, count):
    subsets = Subsets(ns, count, seed=(3, 0))
    for epoch in range(4):
        draws = [subsets[epoch * subsets.epoch + i] for i in range(subsets.epoch)]
        assert Counter(shot for draw in draws for shot in draw) == Counter(range(ns))
        sizes = [len(draw) for draw in draws]
        assert max(sizes) <= count
        assert max(sizes) - min(sizes) <= 1
        assert all(draw == sorted(draw) for draw in draws)


def test_a_draw_is_spread_over_the_line():
    subsets = Subsets(40, 8, seed=(0, 0))
    for draw in range(50):
        assert [shot // 5 for shot in subsets[draw]] == list(range(8))


def test_draws_are_reproducible_and_differ_by_epoch_band_and_seed():
    one, same = Subsets(30, 5, seed=(1, 0)), Subsets(30, 5, seed=(1, 0))
    assert same[17] == one[17]  # asked out of turn
    draws = [one[0], one[6], Subsets(30, 5, seed=(1, 1))[0], Subsets(30, 5, seed=(2, 0))[0]]
    assert len(set(map(tuple, draws))) == 4


@pytest.fixture(scope="module")
def survey(grid, true):
    """Return an operator of six shots and its data."""
    acq = vmb.Acquisition.fixed_spread(
        10.0 * np.arange(2, 24, 4), 10.0 * np.arange(24), nt=160, dt=0.001, f0=20.0
    )
    F = vmb.AcousticModelling2D(grid, acq)
    return F, F(true)


def test_every_band_draws_otherwise(survey):
    F, dobs = survey
    settings = FWISettings(shots=1)
    bands = [
        Stage(F, torch.from_numpy(dobs), corner=20.0, number=number, settings=settings)
        for number in range(3)
    ]
    draws = {tuple(band._subsets[i][0] for i in range(6)) for band in bands}
    assert len(draws) == 3
    solver = vmb.FWI(F, bands=(15.0, 20.0, None), shots=1, niter=1, tv=0.0)
    x = solver.setup(dobs)
    seen = []
    for _ in range(3):
        seen.append(tuple(solver._stage._subsets[i][0] for i in range(6)))
        x = solver.step(x)
    assert set(seen) == draws


def test_too_many_shots_are_refused(survey, x0):
    F, dobs = survey
    message = r"shots: must not exceed the 6 shots of the survey, got 7\. Choose fewer"
    with pytest.raises(VMBValueError, match=message):
        vmb.fwi(F, dobs, x0, shots=7)
    with pytest.raises(VMBValueError, match="shots: must be at least 1"):
        vmb.fwi(F, dobs, x0, shots=0)


def test_shots_cannot_be_drawn_from_an_operator_that_has_none(paper):
    with pytest.raises(VMBValueError, match=r"shots: can be drawn only .* got Saturating"):
        vmb.fwi(paper, np.ones(paper.dimsd), np.full(paper.dims, 2e3), shots=1)


def test_the_gradient_of_drawn_shots_is_that_of_a_survey_of_them(survey, x0):
    F, dobs = survey
    data, x = torch.from_numpy(dobs).double(), torch.from_numpy(x0).double()
    objective = Objective(F, data, misfit="l2", drawn=True)
    objective.draw([1, 4])
    got = objective(x)
    want, whole = torch.zeros_like(x), float(data.square().sum())
    for shot in (1, 4):
        which = slice(shot, shot + 1)
        share = Objective(F.shots(which), data[which], misfit="l2")(x).gradient
        want += share * float(data[which].square().sum()) * 3 / whole
    torch.testing.assert_close(got.gradient, want)
    assert got.misfit == pytest.approx(objective.misfit(x))


def test_the_draws_of_an_epoch_average_to_all_shots(survey, x0):
    F, dobs = survey
    data, x = torch.from_numpy(dobs).double(), torch.from_numpy(x0).double()
    subsets, objective = Subsets(6, 2, seed=(0, 0)), Objective(F, data, misfit="l2", drawn=True)
    values = []
    for draw in range(subsets.epoch):
        objective.draw(subsets[draw])
        values.append(objective(x))
    whole = Objective(F, data, misfit="l2")(x)
    assert np.mean([value.misfit for value in values]) == pytest.approx(whole.misfit)
    torch.testing.assert_close(sum(v.gradient for v in values) / 3, whole.gradient)


def test_a_dead_shot_weighs_nothing_when_it_is_drawn(survey, x0):
    F, dobs = survey
    data = torch.from_numpy(dobs).clone()
    data[2] = 0.0
    objective = Objective(F, data, misfit="l2", drawn=True)
    objective.draw([2])
    assert objective.misfit(torch.from_numpy(x0)) < 10.0


@pytest.mark.parametrize("optimiser", ["lbfgs", "adam"])
def test_subsets_approach_the_model_at_less_cost(survey, true, x0, optimiser):
    F, dobs = survey
    settings = {"bands": (20.0, None), "optimiser": optimiser, "lr": 20.0, "tv": 0.0}
    whole = vmb.fwi(F, dobs, x0, niter=6, **settings)
    drawn = vmb.fwi(F, dobs, x0, niter=6, shots=2, **settings)
    gradients = {
        name: sum(max(e.evaluations for e in r.history if e.band == b) for b in (20.0, np.inf))
        for name, r in (("whole", whole), ("drawn", drawn))
    }
    assert 2 * gradients["drawn"] < 0.8 * 6 * gradients["whole"]  # in shots
    objective = Objective(F, torch.from_numpy(dobs), misfit="l2")
    start, full, part = (objective.misfit(torch.from_numpy(vp)) for vp in (x0, whole.vp, drawn.vp))
    assert part < 0.3 * start
    assert part < 4.0 * full


def test_the_misfit_of_a_draw_is_comparable_to_that_of_all(survey, x0):
    F, dobs = survey
    solver = vmb.FWI(F, niter=3, bands=(None,), shots=2, optimiser="adam", lr=1e-6)
    costs = solver.solve(dobs, x0).cost  # the model does not move: one epoch is all shots
    whole = vmb.fwi(F, dobs, x0, niter=1, bands=(None,), optimiser="adam").cost[0]
    assert costs.mean() == pytest.approx(whole, rel=1e-4)
    assert np.ptp(costs) > 0.0


class Stopping(Callbacks):
    """Presses Ctrl-C in the middle of an epoch."""

    def on_step_end(self, solver, _):
        if solver.iiter in (2, 6):
            raise KeyboardInterrupt


@pytest.mark.parametrize("optimiser", ["lbfgs", "adam"])
def test_draws_resume_to_the_bit(tmp_path, survey, x0, optimiser):
    F, dobs = survey
    settings = {"niter": 4, "bands": (20.0, None), "shots": 2, "seed": 5, "optimiser": optimiser}
    whole, path = vmb.fwi(F, dobs, x0, **settings), tmp_path / "run.safetensors"
    for _ in range(2):
        vmb.fwi(F, dobs, x0, callbacks=[Stopping()], checkpoint=path, **settings)
    rest = vmb.fwi(F, dobs, x0, checkpoint=path, **settings)
    np.testing.assert_array_equal(rest.vp, whole.vp)
    assert rest.cost.tolist() == whole.cost.tolist()
    other = vmb.fwi(F, dobs, x0, **(settings | {"seed": 6}))
    assert not np.array_equal(other.vp, whole.vp)


def stage_of(F, dobs, totals, **settings):
    """Return a band in which the objective took these values."""
    stage = Stage(F, torch.from_numpy(dobs), corner=20.0, settings=FWISettings(**settings))
    state = stage.state() | {"count": len(totals), "totals": list(totals)}
    state["optimiser"] = stage._optimiser.state()
    stage.restore(state)
    return stage


def test_convergence_is_judged_by_epochs(survey):
    F, dobs = survey
    falling = 1.0 - 0.01 * np.arange(16)
    uneven = np.tile([0.5, 1.0, 1.5], 6)[:16]  # draws differ by more than they fall
    common = {"niter": 50, "tol": 0.02}
    assert stage_of(F, dobs, falling * uneven, shots=2, **common).ended() == ""
    flat = stage_of(F, dobs, uneven, shots=2, **common)
    assert flat.ended() == "converged"
    for count in range(1, 15):  # twelve iterations are four epochs; then one more to compare
        assert stage_of(F, dobs, uneven[:count], shots=2, **common).ended() == ""
    assert stage_of(F, dobs, falling[:11], **common).ended() == ""
    assert stage_of(F, dobs, np.ones(11), **common).ended() == "converged"
    assert stage_of(F, dobs, np.ones(10), **common).ended() == ""


def test_a_band_stalls_only_if_no_draw_of_an_epoch_helps(survey, true):
    F, dobs = survey
    settings = {"niter": 9, "bands": (None,), "tv": 0.0}
    assert vmb.fwi(F, dobs, true, **settings).niter == 1  # at the minimum for all shots
    result = vmb.fwi(F, dobs, true, shots=2, **settings)
    assert (result.niter, result.status) == (3, "stalled")

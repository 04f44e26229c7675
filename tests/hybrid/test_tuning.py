"""Tuning without labels: from a network a better one, which tells what was done to it."""

import copy
import json
import math

import numpy as np
import pytest
import torch
from pylops.optimization.callback import Callbacks

import pylops_vmb as vmb
from pylops_vmb.errors import VMBFileError, VMBTypeError, VMBValueError
from pylops_vmb.hybrid import Tuning, TuningSettings
from pylops_vmb.hybrid.gathers import Best, Gathers, check_held_out
from pylops_vmb.inversion import Objective
from pylops_vmb.inversion.bands import LowPass
from pylops_vmb.learned import Card, LearnedInversion
from pylops_vmb.networks.parts import parts

QUICK = {"niter": 4, "bands": (20.0,), "lr": 1e-3}


def changed(G, tuned):
    ours, theirs = G.net.state_dict(), tuned.net.state_dict()
    assert ours.keys() == theirs.keys()
    return {name for name in ours if not torch.equal(ours[name], theirs[name])}


def scripted(monkeypatch, *values):
    """Let the held-out shots have these misfits, one look after the other; the last one stays."""
    left = list(values)

    def look(self, vp):
        return left.pop(0) if len(left) > 1 else left[0]

    monkeypatch.setattr(Gathers, "held_out_misfit", look)


@pytest.mark.parametrize("part", ["all", "last", "low-rank"])
def test_the_data_fit_better_and_only_that_part_changed(case, tiny, part):
    G = tiny()
    before = copy.deepcopy(G.net.state_dict())
    tuned = vmb.tune(G, case.F, case.d, part=part, **QUICK)
    misfits = [row["misfit"] for row in tuned.card.training["history"]]
    assert misfits[-1] < misfits[0]
    assert tuned.card.metrics["held_out_misfit"] < tuned.card.metrics["held_out_misfit_before"]
    names = {name for name, _ in G.net.named_parameters()}
    moved = changed(G, tuned)
    assert moved
    assert moved <= (parts(G.net)["last"] if part == "last" else names)
    assert all(torch.equal(value, before[name]) for name, value in G.net.state_dict().items())
    assert not any(p.requires_grad for p in (*G.net.parameters(), *tuned.net.parameters()))
    assert type(tuned.net) is type(G.net)


def test_the_objective_is_blind_to_held_out_shots_and_counts_gathers_alike(case):
    settings = TuningSettings(tv=0.0)
    data = torch.from_numpy(np.stack([case.d, 10.0 * case.d], axis=1))
    flipped = data.clone()
    flipped[1] *= -1.0
    vp = torch.from_numpy(np.stack([case.fallback, case.true + 50.0]))
    vp[:, :12] += 100.0  # the survey is its own mirror image
    more = {"corner": 20.0, "settings": settings, "held_out": (1,)}
    one, other = Gathers(case.F, data, **more), Gathers(case.F, flipped, **more)
    assert one(vp).total == other(vp).total
    assert torch.equal(one(vp).gradient, other(vp).gradient)
    total = one(vp).total
    assert one.held_out_misfit(vp) < other.held_out_misfit(vp)
    assert one(vp).total == total
    lowpass = LowPass(20.0, case.acq.nt, case.acq.dt)
    whole = Gathers(case.F, data, corner=20.0, settings=settings)
    assert math.isnan(whole.held_out_misfit(vp))
    each = [
        Objective(case.F, data[:, i].contiguous(), misfit="l2", lowpass=lowpass)(vp[i])
        for i in range(2)
    ]
    value = whole(vp)
    assert value.misfit == pytest.approx(0.5 * sum(one.misfit for one in each), rel=1e-5)
    gradient = 0.5 * torch.stack([one.gradient for one in each])
    torch.testing.assert_close(value.gradient, gradient, rtol=1e-4, atol=1e-9)
    assert whole.evaluations == 2


def test_the_best_point_is_returned_and_patience_ends_the_band(case, tiny, monkeypatch):
    G, more = tiny(), QUICK | {"part": "all", "patience": 2, "niter": 9}
    scripted(monkeypatch, 1.0, 0.9, 0.8, 0.85, 0.9, 1.0, 0.8)  # start, four steps, before, after
    stopped = vmb.tune(G, case.F, case.d, **more)
    training = stopped.card.training
    assert (training["niter"], training["stopped"], training["kept"]) == (4, "overfitted", "tuned")
    assert [row["held_out"] for row in training["history"]] == [0.9, 0.8, 0.85, 0.9]
    solver = Tuning(case.F, G, **more)
    scripted(monkeypatch, 1.0, 0.9, 0.8)
    x = solver.setup(case.d)
    solver.step(solver.step(x))  # Adam's rate depends on niter, which is that of the run above
    after_two = solver.weights()
    assert all(torch.equal(v, after_two[k]) for k, v in stopped.net.state_dict().items())


def test_a_stopped_tuning_returns_the_best_point_so_far(case, tiny, monkeypatch):
    class Stopping(Callbacks):
        def on_step_end(self, solver, _x):
            self.stop = solver.iiter == 2
            self.first = getattr(self, "first", solver.weights())

    stopping, more = Stopping(), QUICK | {"niter": 9, "part": "all"}
    scripted(monkeypatch, 1.0, 0.5, 0.9, 1.0, 0.5)
    tuned = vmb.tune(tiny(), case.F, case.d, callbacks=[stopping], **more)
    assert (tuned.card.training["stopped"], tuned.card.training["niter"]) == ("interrupted", 2)
    assert all(torch.equal(v, stopping.first[k]) for k, v in tuned.net.state_dict().items())


def test_a_resumed_tuning_knows_its_best_point(case, tiny, tmp_path, monkeypatch, raising):
    G, more = tiny(), QUICK | {"niter": 9, "patience": 2, "checkpoint": tmp_path / "run"}
    scripted(monkeypatch, 1.0, 0.5, 0.9)
    with pytest.raises(ZeroDivisionError):
        vmb.tune(G, case.F, case.d, callbacks=[raising(2)], **more)
    scripted(monkeypatch, 0.9, 1.0, 0.5)
    training = vmb.tune(G, case.F, case.d, **more).card.training
    assert [row["held_out"] for row in training["history"]] == [0.5, 0.9, 0.9]
    assert (training["stopped"], training["kept"]) == ("overfitted", "tuned")


def test_the_next_band_begins_at_the_best_point(case, tiny, monkeypatch):
    scripted(monkeypatch, 1.0, 0.5, 0.9, 0.9, 0.4, 0.4)
    solver = Tuning(case.F, tiny(), **QUICK | {"niter": 2, "bands": (15.0, 20.0)})
    x = solver.setup(case.d)
    solver.step(x)
    best = solver._network.theta
    solver.step(x)
    assert torch.equal(solver._network.theta, best)
    assert solver._band == 1


def test_a_network_that_cannot_be_improved_keeps_its_weights(case, tiny, monkeypatch):
    G = tiny()
    scripted(monkeypatch, 1.0, 1.1)
    tuned = vmb.tune(G, case.F, case.d, **QUICK | {"patience": 3})
    assert changed(G, tuned) == set()
    assert (tuned.card.training["kept"], tuned.card.training["niter"]) == ("parent", 3)


def test_without_held_out_shots_the_last_point_is_returned(case, tiny):
    G = tiny()
    tuned = vmb.tune(G, case.F, case.d, held_out=0, part="all", **QUICK)
    assert changed(G, tuned)
    assert (tuned.card.metrics, tuned.card.training["kept"]) == ({}, "tuned")
    assert tuned.card.training["history"][0]["held_out"] is None


def test_several_gathers_are_tuned_on_together(case, tiny):
    G, second = tiny(), case.F(case.true + 100.0)
    solver = Tuning(case.F, G, part="all", **QUICK)
    result = solver.solve(np.stack([case.d, second]))
    assert result.vp.shape == (2, *case.grid.dims)
    assert result.cost[-1] < result.cost[0]
    assert result.history[-1].evaluations == 2 * 4
    tuned = solver.tuned()
    for vp, d in zip(result.vp, (case.d, second), strict=True):
        np.testing.assert_allclose(vp, np.clip(tuned(d), 1500.0, 4500.0), rtol=1e-5)
    assert "on 2 gathers:" in tuned.card.limits[-1]


def test_the_card_tells_the_story_and_survives_a_file(case, tiny, tmp_path):
    G = tiny()
    tuned = vmb.tune(G, case.F, case.d, name="mine", licence="MIT", **QUICK)
    card, training = tuned.card, tuned.card.training
    assert (card.name, card.licence, training["parent"]["name"]) == ("mine", "MIT", "tiny")
    assert (training["by"], training["part"]) == ("physics, without labels", "low-rank")
    assert (training["rank"], training["niter"], training["gathers"]) == (4, 4, 1)
    assert (training["held_out_shots"], training["bands"]) == ([1], [20.0])
    assert set(card.metrics) == {"held_out_misfit_before", "held_out_misfit"}
    assert "no proof that their velocity does" in card.limits[-1]
    assert Card.from_dict(json.loads(json.dumps(card.to_dict()))) == card
    tuned.save(tmp_path / "tuned.safetensors")
    again = LearnedInversion.load(tmp_path / "tuned.safetensors")
    assert again.card == card
    np.testing.assert_array_equal(again(case.d), tuned(case.d))
    plain = vmb.tune(G, case.F, case.d, **QUICK | {"niter": 1}).card
    assert (plain.name, plain.licence) == ("tiny-tuned", G.card.licence)


@pytest.mark.parametrize("part", ["all", "low-rank"])
def test_a_resumed_tuning_gives_the_same_bits(case, tiny, tmp_path, raising, part):
    G, path = tiny(), tmp_path / "run.safetensors"
    more = QUICK | {"part": part, "niter": 3, "bands": (15.0, None)}
    whole = vmb.tune(G, case.F, case.d, **more)
    for after in (2, 4):
        with pytest.raises(ZeroDivisionError):
            vmb.tune(G, case.F, case.d, callbacks=[raising(after)], checkpoint=path, **more)
    resumed = vmb.tune(G, case.F, case.d, checkpoint=path, **more)
    assert changed(whole, resumed) == set()
    assert resumed.card == whole.card
    finished = vmb.tune(G, case.F, case.d, checkpoint=path, **more)
    assert changed(whole, finished) == set()
    for other, what in (({"held_out": 0}, "settings"), ({"lr": 1e-4}, "settings")):
        with pytest.raises(VMBFileError, match=f"got other {what} in"):
            vmb.tune(G, case.F, case.d, checkpoint=path, **more | other)
    stranger = LearnedInversion(copy.deepcopy(G.net), G.card)
    next(stranger.net.parameters()).add_(1e-3)
    with pytest.raises(VMBFileError, match="got other network in"):
        vmb.tune(stranger, case.F, case.d, checkpoint=path, **more)


def test_tensors_and_double_precision_are_taken(case, tiny):
    G, more = tiny(), QUICK | {"niter": 1}
    tuned = vmb.tune(G, case.F, case.d, **more)
    tensor = vmb.tune(G, case.F, torch.from_numpy(case.d), **more)
    assert changed(tuned, tensor) == set()
    result = Tuning(case.F, G, **more).solve(torch.from_numpy(case.d).double())
    assert (type(result.vp), result.vp.dtype) == (torch.Tensor, torch.float64)
    double = vmb.tune(G, case.F, case.d.astype("f8"), **more)
    assert next(G.net.parameters()).dtype == torch.float32
    assert next(double.net.parameters()).dtype == torch.float32
    np.testing.assert_allclose(double(case.d), tuned(case.d), rtol=2e-2)


def test_factors_step_further_than_weights_by_default():
    assert (TuningSettings().lr, TuningSettings(part="last").lr) == (2e-3, 1e-4)
    assert TuningSettings(part="all", lr=0.1).lr == 0.1


def test_shots_that_are_held_out():
    best = Best(2)
    for value in (3.0, 2.0, 2.0):
        best.see(torch.tensor(value), value)
        assert not best.over
    best.see(torch.tensor(2.5), 2.5)
    assert best.over
    assert (best.value, float(best.theta)) == (2.0, 2.0)
    for wrong in ([5], range(5), 5, 6):
        with pytest.raises(VMBValueError, match="held_out: must leave some of the 5 shots"):
            check_held_out(wrong, 5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"d": "short"}, r"dobs: must be gathers \(ns, nr, nt\) = \(2, 24, 160\) or several"),
        ({"d": "silent"}, "dobs: hold a gather without signal, got zeros only"),
        ({"d": "nan"}, "dobs: must be finite"),
        ({"held_out": 2}, "held_out: must leave some of the 2 shots"),
        ({"patience": 0}, "patience: must be at least 1"),
        ({"mask": np.ones((24, 16))}, "mask: has no meaning for a network that stays"),
        ({"estimate_source": True}, "estimate_source: has no meaning"),
        ({"shots": 1}, "shots: has no meaning for a network that stays"),
        ({"part": "middle"}, "part: stands for no parameter"),
    ],
)
def test_refusals(case, tiny, change, message):
    silent = np.stack([case.d, 0.0 * case.d])
    data = {"short": case.d[..., :-1], "silent": silent, "nan": np.nan * case.d}
    d = data.get(change.pop("d", ""), case.d)
    with pytest.raises(VMBValueError, match=message):
        vmb.tune(tiny(), case.F, d, **QUICK | change)


def test_arguments_in_the_wrong_place_are_refused(case, tiny):
    with pytest.raises(VMBTypeError, match="F: must model shots one by one"):
        vmb.tune(case.F, tiny(), case.d)
    with pytest.raises(VMBTypeError, match=r"G: must be a learned inversion.*Call tune\(G, F, dob"):
        vmb.tune(case.d, case.F, case.d)
    with pytest.raises(VMBValueError, match="x0: cannot be used: the prediction of the network"):
        Tuning(case.F, tiny()).solve(case.d, case.fallback)

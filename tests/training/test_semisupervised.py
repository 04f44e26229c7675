"""Learning through the wave equation: what a step lowers, in which order, resumed to the bit."""

import numpy as np
import pytest
import torch
from torch import nn

from pylops_vmb.errors import VMBValueError
from pylops_vmb.io import load_checkpoint, save_checkpoint
from pylops_vmb.learned import Preprocessing
from pylops_vmb.modelling import AcousticModelling2D
from pylops_vmb.networks import build
from pylops_vmb.survey import Acquisition, Grid
from pylops_vmb.training.consistency import DataConsistency
from pylops_vmb.training.losses import velocity_loss
from pylops_vmb.training.methods.semisupervised import LabelFree, SemiSupervised
from pylops_vmb.training.settings import TrainingConfig

CPU, STEPS = torch.device("cpu"), 6
PREPROCESSING = Preprocessing(step=4, gain=0.1)
SETTINGS = TrainingConfig(lr=1e-3, ema=0.5, schedule="cosine", seed=4)


class Uniform(nn.Module):
    """A network that answers one velocity, its only weight, to all gathers."""

    def __init__(self, vp: float) -> None:
        super().__init__()
        self.slowness = nn.Parameter(torch.tensor(1e3 / vp))

    def forward(self, inputs):
        return (1e3 / self.slowness).expand(len(inputs), 1, 9, 10)


@pytest.fixture(scope="module")
def F() -> AcousticModelling2D:
    acq = Acquisition.fixed_spread(
        [20.0, 70.0], 10.0 * np.arange(10), nt=80, dt=2e-3, f0=14.0, zs=10.0
    )
    return AcousticModelling2D(Grid((10, 9), 10.0), acq, nbl=5)


@pytest.fixture(scope="module")
def samples(F):
    """Return five two-layer models with their gathers."""
    pairs = []
    for number in range(5):
        vp = torch.full((1, 9, 10), 2000.0 + 40.0 * number)
        vp[:, 3 + number // 2 :] += 300.0
        with torch.no_grad():
            pairs.append((PREPROCESSING.decimate(F(vp[0].T)), vp))
    return pairs


@pytest.fixture(scope="module")
def labelled(samples):
    """Return normalised gathers and velocities of two samples."""
    d, vp = (torch.stack(parts) for parts in zip(*samples[:2], strict=True))
    return PREPROCESSING.normalise(d), vp


@pytest.fixture
def consistency(F) -> DataConsistency:
    return DataConsistency(F, PREPROCESSING, misfit="l1", shots=1)


def network() -> nn.Module:
    torch.manual_seed(5)
    sizes = {"in_channels": 2, "in_shape": (20, 10), "out_shape": (9, 10)}
    return build("fcnvmb-repaired", **sizes, width=4, depth=1)


def ready(method, steps=STEPS):
    method.prepare(steps, device=CPU, wrap=lambda net: net)
    return method


def flat(state, where=""):
    """Yield all tensors and numbers of a nested state, with their places."""
    items = enumerate(state) if isinstance(state, list | tuple) else state.items()
    for key, value in items:
        if isinstance(value, dict | list | tuple):
            yield from flat(value, f"{where}.{key}")
        else:
            yield f"{where}.{key}", torch.as_tensor(value) if value is not None else value


def assert_same(first, second):
    ours, theirs = dict(flat(first.state_dict())), dict(flat(second.state_dict()))
    assert ours.keys() == theirs.keys()
    assert [k for k, v in ours.items() if v is not None and not torch.equal(v, theirs[k])] == []


def waiting_gradients(method, monkeypatch):
    """Return the list that each step adds its gradients to, before they are used."""
    seen, update = [], method.descent.update

    def recorded():
        seen.append([p.grad.clone() for p in method.net.parameters()])
        update()

    monkeypatch.setattr(method.descent, "update", recorded)
    return seen


def test_gathers_alone_teach_the_velocity(F):
    with torch.no_grad():
        d = PREPROCESSING.decimate(F(torch.full((10, 9), 2300.0)))[None]
    config = TrainingConfig(lr=6e-3, optimizer="adam", weight_decay=0.0, schedule="cosine")
    consistency = DataConsistency(F, PREPROCESSING, bands=(8.0, None))
    method = ready(LabelFree(Uniform(2000.0), config, consistency), 25)
    assert method.teacher == "gathers"
    losses = [float(method.step(PREPROCESSING.normalise(d), d)["loss"]) for _ in range(25)]
    assert 1e3 / method.net.slowness.item() == pytest.approx(2300.0, abs=20.0)
    assert losses[-1] < 0.01 * losses[0]


def test_label_free_steps_go_through_bands_and_shots(F, samples, monkeypatch):
    consistency = DataConsistency(F, PREPROCESSING, bands=(6.0, 9.0, None), shots=1)
    method, asked = ready(LabelFree(network(), SETTINGS, consistency)), []
    whole = DataConsistency.__call__

    def noted(self, vp, d, **which):
        asked.append((which["draw"], which["band"]))
        return whole(self, vp, d, **which)

    monkeypatch.setattr(DataConsistency, "__call__", noted)
    d = torch.stack([sample[0] for sample in samples[:2]])
    for _ in range(STEPS):
        method.step(PREPROCESSING.normalise(d), d)
    assert asked == [(0, 0), (1, 0), (2, 1), (3, 1), (4, 2), (5, 2)]


def test_a_step_lowers_both_losses(samples, labelled, consistency, monkeypatch):
    settings = {"unlabelled": samples, "batch": 3, "weight": 0.7, "ramp": 0.0}
    method = ready(SemiSupervised(network(), SETTINGS, consistency, **settings))
    seen = waiting_gradients(method, monkeypatch)
    values = method.step(*labelled)

    net = network().train()
    rows = next(method._order.parts(0, 1)).rows
    d = torch.stack([samples[row][0] for row in rows])
    misfit = consistency(net(PREPROCESSING.normalise(d)), d, draw=0)
    velocity = velocity_loss("l1")(net(labelled[0]), labelled[1])
    slopes = torch.autograd.grad(velocity + 0.7 * misfit, list(net.parameters()))
    ours, theirs = (torch.cat([slope.flatten() for slope in side]) for side in (seen[0], slopes))
    assert (ours - theirs).norm() < 1e-4 * theirs.norm()
    assert tuple(values) == method.columns
    torch.testing.assert_close(values["misfit"], misfit.detach())
    torch.testing.assert_close(values["labelled"], velocity.detach())
    torch.testing.assert_close(values["loss"], (velocity + 0.7 * misfit).detach())
    assert not any(value.requires_grad for value in values.values())


def test_the_weight_rises_and_stays(samples, labelled, consistency):
    settings = {"unlabelled": samples, "batch": 1, "weight": 0.8, "ramp": 2 / 3}
    method, weights = ready(SemiSupervised(network(), SETTINGS, consistency, **settings)), []
    for _ in range(STEPS):
        values = {name: float(value) for name, value in method.step(*labelled).items()}
        weights.append((values["loss"] - values["labelled"]) / values["misfit"])
    assert weights == pytest.approx([0.2, 0.4, 0.6, 0.8, 0.8, 0.8], rel=1e-3)


def test_unlabelled_gathers_come_shuffled_and_each_as_often(samples, labelled, consistency):
    taken = []

    class Noting(list):
        def __getitem__(self, row):
            taken.append(row)
            return samples[row][0]

    settings = {"batch": 2, "every": 1}
    method = SemiSupervised(
        network(), SETTINGS, consistency, unlabelled=Noting(samples), **settings
    )
    ready(method)
    for _ in range(4):  # five samples in batches of 2 and 3
        method.step(*labelled)
    assert sorted(taken[:5]) == sorted(taken[5:]) == list(range(5))
    assert taken[:5] != taken[5:]


def test_velocities_of_unlabelled_samples_are_ignored(samples, labelled, consistency):
    spoilt = [(d, vp * float("nan")) for d, vp in samples]
    alone = [d for d, _ in samples]
    methods = [
        ready(SemiSupervised(network(), SETTINGS, consistency, unlabelled=unlabelled, batch=2))
        for unlabelled in (samples, spoilt, alone)
    ]
    for method in methods:
        method.step(*labelled)
    assert_same(methods[0], methods[1])
    assert_same(methods[0], methods[2])


def test_modelling_may_skip_steps(samples, labelled, consistency, monkeypatch):
    method = SemiSupervised(
        network(), SETTINGS, consistency, unlabelled=samples, batch=2, ramp=0.0, every=3
    )
    draws, explain = [], ready(method)._explain

    def noted(turn, weight):
        draws.append((method._done, turn))
        return explain(turn, weight)

    monkeypatch.setattr(method, "_explain", noted)
    misfits = [float(method.step(*labelled)["misfit"]) for _ in range(STEPS)]
    assert draws == [(0, 0), (3, 1)]
    assert misfits == [misfits[0]] * 3 + [misfits[3]] * 3


@pytest.mark.parametrize("kind", ["semi-supervised", "label-free"])
def test_an_interrupted_training_ends_with_the_same_bits(
    samples, labelled, consistency, kind, tmp_path
):
    d = torch.stack([sample[0] for sample in samples[:2]])

    def make():
        if kind == "label-free":
            return ready(LabelFree(network(), SETTINGS, consistency))
        settings = {"unlabelled": samples, "batch": 2, "every": 2}
        return ready(SemiSupervised(network(), SETTINGS, consistency, **settings))

    inputs, vp = labelled
    target = d if kind == "label-free" else vp
    whole, broken = make(), make()
    values = [whole.step(inputs, target) for _ in range(STEPS)]
    for _ in range(3):
        broken.step(inputs, target)
    save_checkpoint(tmp_path / "state.safetensors", broken.state_dict())
    resumed = make()
    resumed.load_state_dict(load_checkpoint(tmp_path / "state.safetensors"))
    assert [resumed.step(inputs, target) for _ in range(3, STEPS)] == values[3:]
    assert_same(resumed, whole)


def test_the_identity_tells_trainings_apart(F, samples):
    def identity(misfit="l2", **changes):
        consistency = DataConsistency(F, PREPROCESSING, misfit=misfit)
        settings = {"unlabelled": samples} | changes
        return SemiSupervised(network(), SETTINGS, consistency, **settings).identity

    assert identity() == identity()
    others = [{"misfit": "l1"}, {"weight": 0.3}, {"every": 2}, {"unlabelled": samples[:3]}]
    assert all(identity(**other) != identity() for other in others)
    assert identity()["method"] == "SemiSupervised"


@pytest.mark.parametrize(
    ("message", "changes"),
    [
        (r"unlabelled: must not be empty, got 0 samples.*Supervised", {"unlabelled": []}),
        (r"batch: must be at least 1, got 0", {"batch": 0}),
        (r"weight: must be above 0", {"weight": 0.0}),
        (r"ramp: must be at most 1", {"ramp": 2.0}),
        (r"every: must be at least 1", {"every": 0}),
    ],
)
def test_settings_are_checked(samples, consistency, message, changes):
    with pytest.raises(VMBValueError, match=message):
        SemiSupervised(network(), SETTINGS, consistency, **{"unlabelled": samples} | changes)

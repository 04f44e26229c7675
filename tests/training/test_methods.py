"""Every method and augmentation, driven by the trainer: interrupted anywhere, the same bits."""

import numpy as np
import pytest
import torch
from torch import nn

from pylops_vmb.errors import VMBFileError
from pylops_vmb.learned import Preprocessing
from pylops_vmb.modelling import AcousticModelling2D
from pylops_vmb.networks import build
from pylops_vmb.survey import Acquisition, Grid
from pylops_vmb.training import (
    Adversarial,
    DataConsistency,
    GathersOnly,
    LabelFree,
    SemiSupervised,
    Supervised,
    TrainingConfig,
)
from pylops_vmb.training.augmentation import (
    AmplitudeScaling,
    Compose,
    DeadTraces,
    Mirror,
    Noise,
    TimeShift,
)

PREPROCESSING = Preprocessing(step=4, gain=0.1)
SETTINGS = {"epochs": 2, "batch": 2, "lr": 1e-3, "seed": 9, "ema": 0.5, "optimizer": "adam"}
GRID = Grid((10, 12), 10.0)


@pytest.fixture(scope="module")
def acq() -> Acquisition:
    return Acquisition.fixed_spread(
        [20.0, 70.0], 10.0 * np.arange(10), nt=80, dt=2e-3, f0=14.0, zs=10.0
    )


@pytest.fixture(scope="module")
def F(acq) -> AcousticModelling2D:
    return AcousticModelling2D(GRID, acq, nbl=5)


@pytest.fixture(scope="module")
def samples(F):
    """Return five two-layer models with their gathers."""
    pairs = []
    for number in range(5):
        vp = torch.full((1, 12, 10), 2000.0 + 40.0 * number)
        vp[:, 3 + number // 2 :] += 300.0
        with torch.no_grad():
            pairs.append((PREPROCESSING.decimate(F(vp[0].T)), vp))
    return pairs


def critic() -> nn.Module:
    layers = nn.Conv2d(3, 4, 4, stride=2), nn.LeakyReLU(0.2), nn.Conv2d(4, 1, 3)
    return nn.Sequential(*layers)


def method_of(name, F, samples, **settings):
    """Return a method with the same first weights every time."""
    torch.manual_seed(5)
    sizes = {"in_channels": 2, "in_shape": (20, 10), "out_shape": (12, 10)}
    net = build("fcnvmb-repaired", **sizes, width=4, depth=1)
    config = TrainingConfig(**settings)
    consistency = DataConsistency(F, PREPROCESSING, shots=1, bands=(9.0, None))
    if name == "label-free":
        return LabelFree(net, config, consistency)
    if name == "semi-supervised":
        others = GathersOnly(samples)
        return SemiSupervised(net, config, consistency, unlabelled=others, batch=2, every=2)
    if name in ("cross-entropy", "wasserstein"):
        return Adversarial(net, critic(), config, rivalry=name, every=2)
    return Supervised(net, config)


@pytest.fixture
def make(trainings, F, samples, tmp_path):
    def make(method, name="one", *, data=samples, augment=None, **changes):
        settings = SETTINGS | changes
        given = {"data": data, "validation": samples[:2], "augment": augment}
        net = method_of(method, F, samples, **settings)
        more = {"net": net, "preprocessing": PREPROCESSING}
        return trainings.make(tmp_path, name, **given, **more, **settings)

    return make


def interrupted(make, steps, *args, **changes):
    """Return a trainer that goes on after an error in step `steps`, counted from 0."""
    broken = make(*args, **changes)
    step = broken.method.step

    def failing(inputs, target):
        if broken._done == steps:
            raise ZeroDivisionError
        return step(inputs, target)

    broken.method.step = failing
    with pytest.raises(ZeroDivisionError):
        broken.fit(every_steps=1)
    resumed = make(*args, **changes)
    assert resumed._done == steps
    return resumed


@pytest.mark.parametrize(
    "method", ["label-free", "semi-supervised", "cross-entropy", "wasserstein"]
)
def test_a_method_goes_on_with_the_same_bits(make, trainings, assert_same, method):
    whole = make(method, "whole")
    whole.fit()
    assert len(whole.history) == 2
    columns = whole.method.columns
    assert whole.history.columns[1 : 1 + len(columns)] == list(columns)
    resumed = interrupted(make, 3, method)  # of 4: in the second epoch, between two turns
    resumed.fit()
    assert_same(trainings.result(resumed), trainings.result(whole))


def test_label_free_training_never_looks_at_velocities(make, samples):
    blind = [(d, torch.full_like(vp, float("nan"))) for d, vp in samples]
    trainers = make("label-free", epochs=1), make("label-free", "blind", data=blind, epochs=1)
    for trainer in trainers:
        trainer.fit()
    one, other = ({**trainer.history[0], "seconds": 0.0} for trainer in trainers)
    assert one == other


def test_a_checkpoint_of_another_method_is_refused(make):
    interrupted(make, 1, "label-free")
    with pytest.raises(VMBFileError, match=r"another training, got .*method = LabelFree, here Sup"):
        make("supervised")


def test_augmentation_goes_on_with_the_same_bits(make, trainings, assert_same, acq):
    augment = Compose(
        [
            Mirror(acq, GRID, p=0.5),
            AmplitudeScaling(3.0),
            Noise((5.0, 20.0), p=0.7),
            DeadTraces(0.2),
            TimeShift(0.004, dt=0.008),
        ]
    )
    settings = {"augment": augment, "epochs": 3}
    whole, plain = make("supervised", "whole", **settings), make("supervised", "plain", epochs=3)
    for trainer in (whole, plain):
        trainer.fit()
    assert [row["loss"] for row in whole.history] != [row["loss"] for row in plain.history]
    for steps in (1, 5):
        resumed = interrupted(make, steps, "supervised", f"{steps}", **settings)
        resumed.fit()
        assert_same(trainings.result(resumed), trainings.result(whole))

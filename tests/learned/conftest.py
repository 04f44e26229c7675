"""A tiny untrained inversion: 3 shots, 60 samples, 9 receivers, 8 x 6 cells."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from pylops_vmb.learned import Card, LearnedInversion, Preprocessing
from pylops_vmb.networks import build
from pylops_vmb.survey import Acquisition, Grid

CONFIG = {
    "in_channels": 3,
    "in_shape": [30, 9],
    "out_shape": [6, 8],
    "width": 6,
    "depth": 2,
    "vp_range": [1500.0, 4500.0],
}


@pytest.fixture
def acq() -> Acquisition:
    return Acquisition.fixed_spread(
        [0.0, 35.0, 70.0], 10.0 * np.arange(9), nt=60, dt=4e-3, f0=12.0, zs=10.0
    )


@pytest.fixture
def card(acq: Acquisition) -> Card:
    return Card(
        name="tiny",
        network={"name": "fcnvmb-repaired", "config": dict(CONFIG)},
        grid=Grid((8, 6), 10.0),
        acq=acq,
        preprocessing=Preprocessing(step=2, gain=0.5),
        training={"seed": 3},
        metrics={"validation_mae_m_s": 123.4},
        limits=("Untrained.",),
    )


@pytest.fixture
def net() -> torch.nn.Module:
    """Return a network with seeded weights and running statistics that are not trivial."""
    torch.manual_seed(11)
    made = build("fcnvmb-repaired", **CONFIG)
    for name, buffer in made.named_buffers():
        if name.endswith("running_mean"):
            buffer.normal_(std=0.1)
        elif name.endswith("running_var"):
            buffer.uniform_(0.5, 1.5)
    return made


@pytest.fixture
def G(net: torch.nn.Module, card: Card) -> LearnedInversion:
    return LearnedInversion(net, card)


@pytest.fixture
def d(rng: np.random.Generator) -> np.ndarray:
    """Return gathers of shape (3, 9, 60)."""
    return rng.standard_normal((3, 9, 60))


@pytest.fixture
def survey(acq: Acquisition) -> Callable[..., Acquisition]:
    """Return a maker of the survey with some entries changed."""

    def make(**changes) -> Acquisition:
        entries = {"nt": acq.nt, "dt": acq.dt, "f0": acq.f0, "zs": 10.0} | changes
        xs, xr = entries.pop("xs", acq.srcs[0]), entries.pop("xr", acq.recs[0])
        return Acquisition.fixed_spread(xs, xr, **entries)

    return make

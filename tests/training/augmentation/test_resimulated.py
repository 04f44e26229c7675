"""Deformed models, simulated: what has no counterpart in the gathers is shot again."""

import json

import numpy as np

from pylops_vmb.learned import Preprocessing
from pylops_vmb.survey import Acquisition
from pylops_vmb.training import Simulation
from pylops_vmb.velocity import CurvedLayers, Deformed, VelocityGenerator

XR = 10.0 * np.arange(20)


def simulation(velocity: VelocityGenerator) -> Simulation:
    acq = Acquisition.fixed_spread([90.0], XR, nt=160, dt=2e-3, f0=12.0)
    return Simulation(velocity, acq, spacing=(10.0, 10.0), preprocessing=Preprocessing(step=4))


def stacked(simulation: Simulation, numbers: range) -> tuple[np.ndarray, np.ndarray]:
    d, vp = zip(*simulation.samples(numbers), strict=True)
    return np.stack(d), np.stack(vp)


def test_deformed_models_are_simulated_and_repeat_from_the_manifest():
    layers = CurvedLayers((20, 16), seed=2)
    made = simulation(Deformed(layers, rotation=15.0, stretch=(0.8, 1.2), seed=2))
    d, vp = stacked(made, range(3))
    config = json.loads(json.dumps(made.manifest))["velocity"]
    again, same = stacked(simulation(VelocityGenerator.from_config(config)), range(1, 3))
    np.testing.assert_array_equal(same, vp[1:])
    np.testing.assert_array_equal(again, d[1:])
    plain, _ = stacked(simulation(Deformed(layers, seed=2)), range(3))
    assert np.abs(d - plain).max() > 1e-2 * np.abs(plain).max()

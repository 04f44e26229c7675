"""Adapted gathers against gathers that were modelled at the target survey, step by step."""

import numpy as np
import pytest
import torch

from pylops_vmb.learned import adapt
from pylops_vmb.learned.adaptation.dimension import to_line_source
from pylops_vmb.learned.adaptation.interpolation import resample_time
from pylops_vmb.survey import ricker
from tests.benchmarks.adaptation import adapted, cases, errors, modelled, survey

CASES = cases()
AT_MOST = {  # relative L2 of all traces, and of those beyond 50 m; about 1.3 of what was measured
    "sorting: five shots and the receivers in another order": (4e-5, 4e-5),
    "reciprocity: a wanted shot was a receiver only": (1e-3, 4e-5),
    "time: 1 ms instead of 2 ms": (7e-3, 6e-3),
    "time: 4 ms instead of 2 ms": (8e-3, 7e-3),
    "wavelet: 20 Hz instead of 15 Hz": (0.015, 0.015),
    "wavelet: 25 Hz instead of 15 Hz": (0.03, 0.03),
    "receivers: 8 m instead of 10 m, spline": (0.025, 0.0025),
    "receivers: 20 m, spline": (0.35, 0.006),
    "receivers: 40 m, spline": (0.42, 0.05),
    "receivers: 20 m, sparse": (0.45, 0.09),
    "receivers: 40 m, sparse": (0.47, 0.15),
    "a third of the traces dead, spline": (0.13, 0.018),
    "a third of the traces dead, sparse": (0.18, 0.11),
    "amplitude: shots 0, 5 and -5 dB": (2e-3, 2e-3),
    "all: seven shots, 8 m, 1 ms, 22 Hz": (0.035, 0.022),
}


def test_every_case_has_its_bound() -> None:
    assert set(AT_MOST) == set(CASES)


QUICK = ("sorting", "reciprocity", "all")


@pytest.mark.parametrize(
    "label",
    [
        pytest.param(label, marks=() if label.startswith(QUICK) else pytest.mark.slow)
        for label in AT_MOST
    ],
)
def test_adapted_gathers_are_those_of_the_target(label: str) -> None:
    made = adapted(CASES[label])
    assert made.acq == survey()
    found = errors(made.data)
    assert found < AT_MOST[label], found
    assert found[1] < AT_MOST[label][1], found


def test_a_strange_line_is_found_and_its_origin_said() -> None:
    case = CASES["sorting: five shots and the receivers in another order"]
    there = np.array([[1e4], [0.0]])
    moved = case.acq._replace(srcs=case.acq.srcs + there, recs=case.acq.recs + there)
    made = adapt(modelled(case.acq), moved, to=survey())
    assert made.steps["sorting"].figures["origin_m"] == 1e4
    assert errors(made.data) < (4e-5, 4e-5)


@pytest.mark.parametrize(("r", "at_most"), [(150.0, 0.09), (600.0, 0.025)])
def test_point_sources_become_line_sources(r: float, at_most: float) -> None:
    """In a homogeneous medium both are known; the phase turns and amplitudes fall less."""
    c, dt, nt, f0 = 1500.0, 1e-3, 800, 20.0
    wav, wavc = ricker(f0, dt)
    t = dt * np.arange(nt)

    def w(time: np.ndarray) -> np.ndarray:
        return np.interp(time, dt * np.arange(len(wav)), wav, left=0.0, right=0.0)

    point = w(t - r / c) / (4 * np.pi * r)
    # tau = (r / c) cosh u takes the singularity out of the integral over tau
    u = np.linspace(0.0, 3.0, 6001)
    line = np.trapezoid(w(t[:, None] - r / c * np.cosh(u)), u, axis=1) / (2 * np.pi)
    made = to_line_source(
        torch.from_numpy(point)[None], dt=dt, delay=wavc * dt, velocity=c
    ).numpy()[0]
    off = np.linalg.norm(made - line) / np.linalg.norm(line)
    wrong_phase = np.linalg.norm(point * 4 * np.pi * r - line) / np.linalg.norm(line)
    assert off < at_most
    assert wrong_phase > 0.5


def test_the_correction_is_a_step_of_the_road() -> None:
    d = modelled(survey())
    made = adapt(d, survey(), to=survey(), point_source=True)
    assert "sqrt(t)" in made.steps["3-D to 2-D"].what
    assert np.linalg.norm(made.data - d) > 0.5 * np.linalg.norm(d)


def test_nothing_is_aliased_into_a_coarser_time_axis() -> None:
    t = 1e-3 * torch.arange(600, dtype=torch.float64)
    high, low = torch.sin(2 * torch.pi * 340.0 * t), torch.sin(2 * torch.pi * 100.0 * t)
    made = resample_time(torch.stack([high, low]), 1e-3, 2e-3)[:, 40:-40]
    assert made[0].abs().max() < 5e-3  # without a filter it would be 160 Hz, as strong as before
    torch.testing.assert_close(made[1], low[::2][40:-40], atol=5e-3, rtol=0.0)

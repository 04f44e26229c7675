"""Schedules of the learning rate, against their formulas."""

import math

import pytest
import torch

from pylops_vmb.training.schedules import SCHEDULES, schedule

STEPS, TOP = 20, 0.1


def rates(name, *, steps=STEPS, warmup=0.2, momenta=None):
    """Return the learning rate of each step."""
    optimizer = torch.optim.AdamW([torch.zeros(1)], lr=TOP)
    driven, rates = schedule(name, optimizer, lr=TOP, steps=steps, warmup=warmup), []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        if momenta is not None:
            momenta.append(optimizer.param_groups[0]["betas"][0])
        optimizer.step()
        driven.step()
    return rates


def test_one_cycle_rises_and_falls_with_momentum_against_it():
    momenta = []
    found = rates("one-cycle", momenta=momenta)
    assert found[0] == pytest.approx(TOP / 25)
    assert max(found) == pytest.approx(TOP) == found[3]
    assert found[-1] == pytest.approx(TOP / 25e4)
    assert found[:4] == sorted(found[:4])
    assert found[3:] == sorted(found[3:], reverse=True)
    assert (momenta[0], momenta[3], momenta[-1]) == pytest.approx((0.95, 0.85, 0.95))


def test_cosine_rises_linearly_then_falls_to_zero():
    found = rates("cosine")
    rise = [TOP * (0.01 + 0.99 * step / 4) for step in range(4)]
    fall = [TOP * 0.5 * (1 + math.cos(math.pi * step / 16)) for step in range(16)]
    assert found == pytest.approx(rise + fall)
    assert rates("cosine", warmup=0.0)[0] == TOP


def test_constant_is_constant():
    assert set(rates("constant")) == {TOP}


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("warmup", [0.0, 0.2, 0.3, 1.0])
@pytest.mark.parametrize("steps", [1, 2, 5, 7])
def test_short_trainings_can_be_scheduled(name, warmup, steps):
    found = rates(name, steps=steps, warmup=warmup)
    assert len(found) == steps
    assert all(0.0 <= rate <= TOP * (1 + 1e-12) for rate in found)

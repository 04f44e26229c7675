"""Memory: the plan of a gradient, what it says of itself, and what does not fit."""

import numpy as np
import pytest
import torch

from pylops_vmb.errors import VMBMemoryError, VMBTypeError
from pylops_vmb.modelling import AcousticModelling2D, estimate_memory
from pylops_vmb.modelling.memory import estimate
from pylops_vmb.survey import Acquisition, Grid


def test_the_estimate_counts_every_stored_value():
    grid, acq = Grid.openfwi(), Acquisition.openfwi()
    plan = estimate_memory(grid, acq, memory="1GiB")
    assert plan.per_shot == 4 * 1000 * (70 + 2 * 20 + 4) ** 2
    assert plan.all_shots == 5 * plan.per_shot
    assert (plan.interval, plan.batch, plan.segments, plan.kept) == (1, 5, 1, 5)
    assert estimate_memory(grid, acq, memory="1GiB", dtype="float64").per_shot == (
        2 * plan.per_shot
    )


def test_a_band_divides_the_memory_by_its_interval():
    grid, acq = Grid.openfwi(), Acquisition.openfwi()
    banded = estimate_memory(grid, acq, fmax=12.0, memory="1GiB")
    assert banded.interval == 8
    assert banded.per_shot == 4 * -(-1000 // banded.interval) * 114 * 114


def test_substeps_count(grid):
    acq = Acquisition.fixed_spread([50.0], [20.0], nt=100, dt=4e-3, f0=8.0)
    F = AcousticModelling2D(grid, acq, max_vel=4500.0, memory="1GiB")
    assert F.memory.per_shot == 4 * 400 * (26 + 44) * (22 + 44)


@pytest.mark.parametrize(
    ("memory", "text"),
    [
        (
            "300MiB",
            "gradient: 1 of 5 shots at a time, 50 MiB of 0.29 GiB (50 MiB a shot, field stored "
            "every step); a Jacobian keeps 5 of 5 shots, 248 MiB",
        ),
        (
            "120MiB",
            "gradient: 1 of 5 shots at a time, 50 MiB of 120 MiB (50 MiB a shot, field stored "
            "every step); a Jacobian keeps 1 of 5 shots, 50 MiB and repeats the others",
        ),
        (
            "20MiB",
            "gradient: 1 of 5 shots at a time, 9 MiB of 20 MiB (9 MiB a shot, field stored every "
            "step, time in 13 segments); a Jacobian keeps 2 of 5 shots, 8 MiB and repeats the "
            "others",
        ),
    ],
)
def test_the_estimate_tells_the_whole_plan_in_a_sentence(memory, text, one_thread):
    assert str(estimate_memory(Grid.openfwi(), Acquisition.openfwi(), memory=memory)) == text


def test_a_plan_for_nothing_says_so(grid, acq):
    told = str(AcousticModelling2D(grid, acq, memory="1MiB").plan())
    assert told.endswith("time in 6 segments; not one shot fits into 1 MiB")


@pytest.mark.parametrize(("threads", "at_once"), [(1, 1), (2, 3)])
def test_what_a_band_is_told_to_need_is_what_its_threads_take(
    grid, acq, monkeypatch, threads, at_once
):
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    F = AcousticModelling2D(grid, acq, memory="1GiB").for_band(30.0)
    plan = F.plan("float64")
    assert (plan.workers, plan.batch, plan.needed) == (at_once, 3, at_once * plan.per_shot)
    assert plan.per_shot == 2 * F.memory.per_shot
    every = f"field stored every {plan.interval} steps"
    assert plan.interval > 1
    assert str(plan).startswith(f"gradient: {at_once} of 3 shots at a time, ")
    assert every in str(plan)


def test_a_plan_is_for_what_is_computed(F):
    single, double = F.plan(), F.plan(torch.float64)
    assert F.plan("float16") == F.plan(np.dtype("float32")) == single == F.memory
    assert F.plan("float64") == double
    assert double.per_shot == 2 * single.per_shot
    with pytest.raises(VMBTypeError, match="dtype: must be real and numeric"):
        F.plan("complex64")


def test_the_highest_velocity_counts():
    grid = Grid((26, 22), 10.0)
    acq = Acquisition.fixed_spread([50.0], [20.0], nt=100, dt=4e-3, f0=8.0)
    plans = [estimate_memory(grid, acq, max_vel=v, memory="1GiB") for v in (2000.0, 4500.0)]
    F = AcousticModelling2D(grid, acq, max_vel=2000.0, memory="1GiB")
    assert plans[0] == F.memory
    assert plans[1].per_shot == 2 * plans[0].per_shot


def test_the_matrix_of_the_time_correction_is_taken_from_the_budget(grid, acq):
    size = AcousticModelling2D(grid, acq, memory="1GiB").memory.per_shot
    fits, matrix = 3.01 * size / 0.9, 4 * 200**2
    for room, batch in ((0.0, 2), (matrix / 0.9, 3)):
        F = AcousticModelling2D(grid, acq, time_correction=True, memory=fits + room)
        assert F.memory.batch == batch
    assert 0.01 * size < matrix


def test_a_tenth_of_the_budget_is_left_for_data_and_running_fields(grid, acq):
    size = AcousticModelling2D(grid, acq).memory.per_shot
    assert AcousticModelling2D(grid, acq, memory=1.9 * size).memory.batch == 1
    assert AcousticModelling2D(grid, acq, memory=2.3 * size).memory.batch == 2


@pytest.mark.parametrize("factor", [0.4, 0.6, 0.9, 1.5, 2.5, 3.2, 4.0])
@pytest.mark.parametrize("workers", [1, 2, 3])
def test_the_plan_keeps_within_the_budget(factor, workers):
    full = estimate((30, 30), 3, nt=400, nbl=5, space_order=4, budget=2**40)
    plan = estimate(
        (30, 30),
        3,
        nt=400,
        nbl=5,
        space_order=4,
        budget=int(factor * full.per_shot),
        workers=workers,
    )
    state = 6 * plan.segments * 4 * 44 * 44 if plan.segments > 1 else plan.per_shot
    used = plan.kept * state + plan.workers * (plan.per_shot - state)
    used += plan.workers * state * (plan.kept < 3)
    assert plan.batch > 0
    assert used <= 0.9 * plan.budget
    assert plan.workers <= min(workers, plan.batch)
    assert plan.kept == 3 or used + state > 0.9 * plan.budget  # nothing more would fit
    assert (plan.segments > 1) == (full.per_shot > 0.9 * plan.budget)


@pytest.mark.parametrize("factor", [0.4, 0.55, 0.6, 1.5, 2.5, 3.4])
def test_one_simulation_of_a_batch_keeps_all_or_nothing(factor):
    settings = {"nt": 400, "nbl": 5, "space_order": 4}
    full = estimate((30, 30), 3, **settings, budget=2**40)
    budget = int(factor * full.per_shot)
    plan = estimate((30, 30), 3, **settings, budget=budget, workers=None)
    assert plan.workers == plan.batch > 0
    assert plan.kept in (0, 3)
    assert plan.kept * plan.lasting <= 0.9 * budget
    assert plan.needed <= 0.9 * budget


def test_a_shot_that_does_not_fit_is_refused(grid, acq):
    message = (
        r"memory: the gradient of one shot takes 3 MiB, even in 6 segments of time, got a budget "
        r"of 1 MiB\. "
        r"Give more memory, a larger dt or a coarser grid, or restrict the band"
    )
    F = AcousticModelling2D(grid, acq, memory="1MiB")
    with pytest.raises(VMBMemoryError, match=message) as caught:
        F.jacobian(np.full(grid.dims, 2000.0))
    assert isinstance(caught.value, MemoryError)

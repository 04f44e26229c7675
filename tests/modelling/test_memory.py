"""Memory: the estimate, the budget as users write it, and what does not fit."""

import numpy as np
import pytest

from pylops_vmb.errors import VMBMemoryError, VMBTypeError, VMBValueError
from pylops_vmb.modelling import AcousticModelling2D, estimate_memory
from pylops_vmb.modelling.memory import estimate, free_memory, parse_memory
from pylops_vmb.survey import Acquisition, Grid


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("4GiB", 4 * 2**30),
        ("500 MB", 500_000_000),
        (" 1.5 mib ", 3 * 2**19),
        ("2e3", None),
        ("1024", 1024),
        (2e9, 2_000_000_000),
    ],
)
def test_parse_memory(text, size):
    if size is None:
        with pytest.raises(VMBValueError, match="memory: must be a number and a unit"):
            parse_memory(text)
    else:
        assert parse_memory(text) == size


def test_without_a_budget_half_of_what_is_free_is_used():
    assert 0.2 * free_memory() < parse_memory(None) < 0.8 * free_memory()


@pytest.mark.parametrize(
    ("memory", "error", "message"),
    [
        ("4 GiBi", VMBValueError, r"memory: must be a number and a unit, got '4 GiBi'\. .*'4GiB'"),
        ("much", VMBValueError, r"memory: must be a number and a unit, got 'much'"),
        ("0 GB", VMBValueError, r"memory: must be above 0\.0, got 0"),
        (-1, VMBValueError, r"memory: must be above 0\.0 bytes, got -1"),
        ("1.2.3GB", VMBTypeError, r"memory: must be one number, got '1\.2\.3'"),
    ],
)
def test_budgets_that_mean_nothing_are_refused(memory, error, message):
    with pytest.raises(error, match=message):
        parse_memory(memory)


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
        ("300MiB", "(field stored every 1 steps); 5 shots at a time in 0.29 GiB"),
        (
            "120MiB",
            "(field stored every 1 steps); 2 shots at a time in 120 MiB; "
            "a Jacobian keeps 1 of 5 shots and repeats the others",
        ),
        (
            "20MiB",
            "(field stored every 1 steps, time in 13 segments); 2 shots at a time in 20 MiB; "
            "a Jacobian keeps 2 of 5 shots and repeats the others",
        ),
    ],
)
def test_the_estimate_tells_the_whole_plan_in_a_sentence(memory, text, one_thread):
    told = str(estimate_memory(Grid.openfwi(), Acquisition.openfwi(), memory=memory))
    assert told.startswith("gradient: ")
    assert told.endswith(text)


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


def test_shots_are_split_evenly_over_batches(grid, acq):
    F = AcousticModelling2D(grid, acq, memory="1GiB")
    F = AcousticModelling2D(grid, acq, memory=2.4 * F.memory.per_shot)
    assert F.batches() == [slice(0, 2), slice(2, 3)]


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

"""Memory: the estimate, the budget as users write it, and what does not fit."""

import numpy as np
import pytest

from pylops_vmb.errors import VMBMemoryError, VMBTypeError, VMBValueError
from pylops_vmb.modelling import AcousticModelling2D, estimate_memory
from pylops_vmb.modelling.memory import free_memory, parse_memory
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
    estimate = estimate_memory(grid, acq, memory="1GiB")
    assert estimate.per_shot == 4 * 1000 * (70 + 2 * 20 + 4) ** 2
    assert estimate.all_shots == 5 * estimate.per_shot
    assert (estimate.interval, estimate.batch) == (1, 5)
    assert estimate_memory(grid, acq, memory="1GiB", dtype="float64").per_shot == (
        2 * estimate.per_shot
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


def test_the_estimate_reads_as_a_sentence():
    text = str(estimate_memory(Grid.openfwi(), Acquisition.openfwi(), memory="100MiB"))
    assert text == (
        "gradient: 248 MiB for all shots, 50 MiB a shot (field stored every 1 steps); "
        "2 shots at a time in 100 MiB"
    )


def test_shots_are_split_evenly_over_batches(grid, acq):
    F = AcousticModelling2D(grid, acq, memory="1GiB")
    F = AcousticModelling2D(grid, acq, memory=2.1 * F.memory.per_shot)
    assert F.batches() == [slice(0, 2), slice(2, 3)]


def test_a_shot_that_does_not_fit_is_refused(grid, acq):
    message = (
        r"memory: the gradient of one shot takes \d+ MiB, got a budget of 1 MiB\. "
        r"Give more memory, a larger dt or a coarser grid, or restrict the band"
    )
    F = AcousticModelling2D(grid, acq, memory="1MiB")
    with pytest.raises(VMBMemoryError, match=message) as caught:
        F.jacobian(np.full(grid.dims, 2000.0))
    assert isinstance(caught.value, MemoryError)

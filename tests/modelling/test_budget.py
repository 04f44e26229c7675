"""The budget as users write it, and what is taken without one, device by device."""

import os

import pytest
import torch

from pylops_vmb.errors import VMBTypeError, VMBValueError
from pylops_vmb.modelling import AcousticModelling2D
from pylops_vmb.modelling.budget import UNKNOWN, Budget, free_memory, parse_memory

CPU, GPU, META = torch.device("cpu"), torch.device("cuda", 1), torch.device("meta")


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


@pytest.mark.parametrize(
    ("known", "free"),
    [
        ({"SC_AVPHYS_PAGES": 7, "SC_PHYS_PAGES": 100, "SC_PAGE_SIZE": 4096}, 7 * 4096),
        ({"SC_PHYS_PAGES": 100, "SC_PAGE_SIZE": 4096}, 50 * 4096),
        ({"SC_PAGE_SIZE": 4096}, UNKNOWN),
    ],
    ids=["Linux", "macOS", "neither"],
)
def test_a_host_that_tells_less_is_guessed(monkeypatch, known, free):
    def sysconf(name: str) -> int:
        if name not in known:
            raise ValueError("unrecognized configuration name")
        return known[name]

    monkeypatch.setattr(os, "sysconf", sysconf, raising=False)
    assert free_memory(CPU) == free


def test_a_host_without_sysconf_is_guessed(monkeypatch, grid, acq):
    monkeypatch.delattr(os, "sysconf", raising=False)
    assert free_memory(CPU) == UNKNOWN
    assert AcousticModelling2D(grid, acq).memory.budget == UNKNOWN // 2


def test_on_cuda_what_torch_holds_idle_is_free_too(monkeypatch):
    asked = []
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (1000, asked.append(device)))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda _: 500)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda _: 200)
    assert free_memory(GPU) == 1300
    assert asked == [GPU]


@pytest.fixture
def changing(monkeypatch):
    """Let devices have sizes of their own, which fall at every look."""
    free = {"cpu": 2**30, "cuda": 2**33, "meta": 2**24}

    def look(device: torch.device) -> int:
        free[device.type] -= 4096
        return free[device.type] + 4096

    monkeypatch.setattr("pylops_vmb.modelling.budget.free_memory", look)


def test_without_a_budget_half_of_what_is_free_is_used_by_device(changing):
    budget = Budget(None)
    assert [budget.on(device) for device in (CPU, GPU, CPU, GPU)] == 2 * [2**29, 2**32]
    assert [budget.shared(4).on(device) for device in (CPU, GPU)] == [2**27, 2**30]
    assert Budget(1024).shared(4).on(GPU) == 1024


@pytest.mark.usefixtures("changing")
def test_the_plan_is_that_of_the_device_that_computes(grid, acq):
    F = AcousticModelling2D(grid, acq._replace(nt=4000))
    assert F.plan().budget == F.memory.budget == 2**29
    assert F.plan(device=GPU).budget == 2**32
    assert F.shots(slice(1)).for_band(30.0).plan(device=GPU).budget == 2**32
    assert F.beside(2).plan(device=GPU).budget == 2**31
    assert F.plan(device=GPU).workers == 3
    assert F.plan(device=META).segments > F.plan().segments == 1
    x = torch.full(grid.dims, 2000.0, device=META)
    assert F._wave(x, graph=True)._segments == F.plan(device=META).segments

"""Shots over processes: the same iterates, results and checkpoints as one process."""

import numpy as np
import pytest

CLOSE = {"float32": 1e-5, "float64": 1e-12}


def assert_same(found, expected, name, *, rtol=1e-5):
    """Compare the inversion of one process of several with that of one alone."""
    assert str(found[f"{name} status"]) == str(expected[f"{name} status"])
    np.testing.assert_array_equal(found[f"{name} bands"], expected[f"{name} bands"])
    for what in ("vp", "cost"):
        np.testing.assert_allclose(
            found[f"{name} {what}"], expected[f"{name} {what}"], rtol=rtol, atol=0.0
        )


@pytest.fixture(params=["two", pytest.param("four", marks=pytest.mark.slow)])
def several(request):
    """Return what each of some processes finds."""
    return request.getfixturevalue(request.param)


@pytest.mark.parametrize("dtype", CLOSE)
@pytest.mark.parametrize("optimiser", ["lbfgs", "adam"])
def test_iterates_are_those_of_one_process(several, alone, optimiser, dtype):
    name = f"{optimiser} {dtype}"
    assert len(alone["iterates"][f"{name} cost"]) == 10
    for found in several["iterates"]:
        assert_same(found, alone["iterates"], name, rtol=CLOSE[dtype])


@pytest.mark.parametrize("name", ["own bands", "newton"])
def test_bands_draws_and_gauss_newton_see_all_shots(several, alone, name):
    for found in several["iterates"]:
        assert_same(found, alone["iterates"], name)


@pytest.mark.parametrize("data", ["whole", "scattered"])
def test_bands_and_wavelet_are_those_of_one_process(several, alone, data):
    bands, wav = (np.asarray(alone["helpers"][f"{data} {what}"]) for what in ("bands", "wavelet"))
    for found in several["helpers"]:
        np.testing.assert_allclose(found[f"{data} bands"], bands, rtol=1e-12)
        np.testing.assert_allclose(
            found[f"{data} wavelet"], wav, rtol=0.0, atol=1e-9 * np.abs(wav).max()
        )


def test_a_process_without_shots_takes_part(several, alone):
    for found in several["one_shot"]:
        assert_same(found, alone["one_shot"], "fwi")


def test_all_processes_hold_the_same_bits(several):
    first, *others = several["iterates"]
    for other in others:
        assert other.keys() == first.keys()
        for name, value in first.items():
            np.testing.assert_array_equal(other[name], value)


def test_the_network_sees_all_shots(two, alone):
    for found in two["hybrid"]:
        assert str(found["start"]).startswith("network")
        assert found["network"][0] < 0.5 * found["linear"][0]
        assert_same(found, alone["hybrid"], "hybrid")


def test_one_process_can_stop_all_and_each_resumes_the_other(two, alone, jobs, folder):
    whole, here = alone["iterates"], jobs.resumed(None, folder)
    for part, rest in zip(two["stopped"], two["resumed"], strict=True):
        assert (str(part["part status"]), len(part["part cost"])) == ("interrupted", 3)
        for found in (rest, here):
            for what in ("vp", "cost"):
                expected = whole[f"lbfgs float32 {what}"]
                np.testing.assert_allclose(found[f"rest {what}"], expected, rtol=1e-5)


def test_the_memory_of_a_machine_is_shared(two):
    for found in two["machine"]:
        assert found["shared"] == found["own"] // 2
        assert found["stated"] == 2**30

"""The field benchmark: what is held out is not seen, and the start is worth its name."""

import numpy as np
import pytest

from tests.benchmarks import field


@pytest.fixture(scope="module")
def problem(data_dir) -> field.Problem:
    return field.problem(field.found(data_dir))


def test_what_is_wrong_in_the_file_is_said(data_dir) -> None:
    here = field.found(data_dir)
    assert here.acq.dimsd == (4, 120, 600)
    assert any("traces of 600 samples" in line for line in here.said)
    assert any("says that its positions are angles" in line for line in here.said)


def test_groups_do_not_overlap_and_held_out_traces_are_dead(problem) -> None:
    groups = problem.held_out()
    assert sum(group.astype(int) for group in groups.values()).max() == 1
    assert all(group.any() for group in groups.values())
    assert not problem.seen[groups["held-out shot"]].any()
    assert not problem.seen[groups["held-out offsets"]].any()
    assert problem.seen[groups["fitted"]].any(-1).all()


def test_dead_channels_are_found(problem) -> None:
    assert list(np.flatnonzero(~problem.dobs.any((0, 2)))) == [48, 64, 66]
    spoilt = np.random.default_rng(0).standard_normal((3, 20, 400))
    spoilt[:, 11] *= 2.0
    assert list(field.unlike(spoilt)) == [11]


def test_field_data_became_line_sources_on_cells(problem) -> None:
    acq = problem.F.acq
    assert "sqrt(t)" in problem.steps["3-D to 2-D"].what
    assert problem.steps["sorting"].figures["source_away_m"] == 0.5
    assert np.all(acq.srcs % field.CELL == 0.0)
    assert np.all(acq.recs[1] == field.CELL)


@pytest.mark.slow
def test_start_explains_more_than_half_and_a_wrong_one_does_not(problem) -> None:
    begin = field.start(problem)
    assert begin.likeness > 0.7
    wrong = field._gradient(problem.F.grid, 250.0, 1600.0, 0.3)
    d = problem.wavelet(wrong)(wrong)
    assert field.fit(d, problem.dobs, problem.fitted)["likeness"] < 0.5

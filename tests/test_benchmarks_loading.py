"""The benchmark of loading: every loader gives the same samples, and growth is of the same arm."""

from pathlib import Path

import pytest

from tests.benchmarks import loading
from tests.benchmarks.loading_contender import FOLDER, OURS, SETS, SHARDS, draw


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("set")
    loading.write_set(made, files=11, samples=1)  # data10 sorts before data2 as text
    return made


def test_every_loader_gives_the_same_batches(folder: Path) -> None:
    drawn = {name: draw(name, folder, 3)["drawn"] for name in SETS}
    first = drawn[FOLDER]
    assert len({value for batch in first[:1] for value in batch[:10]}) == 10  # shuffled, distinct
    assert first[0] != first[1]
    assert all(other == first for other in drawn.values())


def test_a_loader_that_draws_other_samples_is_found() -> None:
    results = {(name, 1): [{"drawn": [[1.0]]}, {"drawn": [[1.0]]}] for name in OURS}
    results[SHARDS, 1][1]["drawn"] = [[2.0]]
    with pytest.raises(ArithmeticError, match="ours, shards: other samples"):
        loading.same(results)


def test_growth_is_of_memory_from_the_smallest_and_of_time_from_the_last_but_one() -> None:
    def figures(peak: float, *seconds: float) -> list[dict[str, float]]:
        return [{"peak": peak, "baseline": 100.0, "draw": draw} for draw in seconds]

    results = {
        (FOLDER, 100): figures(130.0, 2.0, 8.0, 3.0),
        (FOLDER, 1): figures(120.0, 9.0, 9.0, 9.0),
        (FOLDER, 10): figures(999.0, 1.0, 4.0, 1.0),
    }
    assert loading.growth(results, results, FOLDER, (10, 100, 1)) == (1.5, 2.0)

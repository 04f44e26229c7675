"""Shots side by side: the same results, in order, and torch's threads as they were."""

import pytest
import torch

from pylops_vmb.modelling.threads import side_by_side


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_results_come_in_order_and_threads_are_restored(workers):
    before = torch.get_num_threads()
    assert side_by_side(lambda n: n * n, range(7), workers=workers) == [0, 1, 4, 9, 16, 25, 36]
    assert torch.get_num_threads() == before


def test_each_worker_has_one_torch_thread():
    assert side_by_side(lambda _: torch.get_num_threads(), range(4), workers=2) == [1, 1, 1, 1]


def test_an_error_in_a_shot_reaches_the_caller():
    before = torch.get_num_threads()
    with pytest.raises(ZeroDivisionError):
        side_by_side(lambda n: 1 // n, [1, 0], workers=2)
    assert torch.get_num_threads() == before

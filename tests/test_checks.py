"""Checks that every sample of a training passes: what they let through, and what not."""

import warnings

import numpy as np
import pytest
import torch

from pylops_vmb._backend import to_tensor
from pylops_vmb._checks import check_finite
from pylops_vmb.errors import VMBValueError

KINDS = {"numpy": np.asarray, "torch": torch.from_numpy}


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("bad", [[np.nan], [np.inf], [np.inf, -np.inf], [-np.inf, np.nan]])
def test_values_that_are_not_finite_are_counted(kind, bad) -> None:
    values = np.ones(50, np.float32)
    values[3 : 3 + len(bad)] = bad
    with pytest.raises(VMBValueError, match=f"d: must be finite.*{len(bad)} NaN or infinite"):
        check_finite("d", kind(values))


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int32"])
def test_finite_values_pass_although_their_sum_is_not(kind, dtype) -> None:
    info = np.iinfo(dtype) if dtype.startswith("int") else np.finfo(dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_finite("d", kind(np.full(50, info.max, dtype)))
        check_finite("d", kind(np.zeros(0, dtype)))


def test_a_read_only_view_is_copied_in_its_own_order() -> None:
    stored = np.arange(24.0).reshape(2, 3, 4)
    stored.flags.writeable = False
    view = stored.transpose(0, 2, 1)
    tensor = to_tensor(view)
    assert tensor.transpose(1, 2).is_contiguous()
    assert np.array_equal(tensor.numpy(), view)
    tensor += 1.0
    assert stored[0, 0, 0] == 0.0


def test_a_reversed_view_is_copied_as_it_reads() -> None:
    view = np.arange(12.0).reshape(3, 4)[::-1, ::-1]
    assert np.array_equal(to_tensor(view).numpy(), view)

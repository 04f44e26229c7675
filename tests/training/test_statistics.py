"""Statistics of a training set, against numpy's over all its samples at once."""

import numpy as np
import pytest
import torch

from pylops_vmb.errors import VMBValueError
from pylops_vmb.learned import Preprocessing
from pylops_vmb.training.statistics import statistics


class Counting:
    """A set that notes which samples were read."""

    def __init__(self, samples):
        self.samples, self.read = samples, []

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, index):
        self.read.append(index)
        return self.samples[index]


@pytest.mark.parametrize("preprocessing", [Preprocessing(scale="none"), Preprocessing(gain=0.3)])
def test_they_are_those_of_all_samples_together(trainings, preprocessing):
    data = trainings.Noise(9)
    found = statistics(data, preprocessing=preprocessing)
    d, vp = (np.stack(part) for part in zip(*(data[i] for i in range(9)), strict=True))
    inputs = preprocessing.normalise(torch.from_numpy(d)).double().numpy()
    assert found.data_scale == pytest.approx(np.sqrt(np.mean(inputs**2)), rel=1e-6)
    assert found.vp_range == pytest.approx((vp.min(), vp.max()))


def test_some_samples_are_spread_over_the_set(trainings):
    samples = [trainings.Noise(9)[i] for i in range(9)]
    for count, rows in ((3, [0, 3, 6]), (20, list(range(9))), (None, list(range(9)))):
        data = Counting(samples)
        statistics(data, preprocessing=Preprocessing(scale="none"), count=count)
        assert data.read == rows


@pytest.mark.parametrize(
    ("samples", "got"),
    [
        ([], "got 0 samples"),
        ([(torch.zeros(1, 12, 3), torch.linspace(1e3, 2e3, 4).view(1, 2, 2))], "mean square 0"),
        ([(torch.ones(1, 12, 3), torch.full((1, 2, 2), 2e3))], "velocities 2000 to 2000 m/s"),
    ],
)
def test_useless_sets_are_refused(samples, got):
    with pytest.raises(VMBValueError, match=rf"data: must hold signal.*{got}.*Check how"):
        statistics(samples, preprocessing=Preprocessing(scale="none"))

"""The benchmark of predictions: ratios within a round, errors over all cells, agreement first."""

import pytest
import torch

from pylops_vmb._timing import Sample
from pylops_vmb.learned import LearnedInversion
from tests.benchmarks import prediction


def seconds(*values: float) -> list[Sample]:
    return [Sample(value, value) for value in values]


def test_prediction_table_takes_ratios_within_a_round() -> None:
    samples = {prediction.PLAIN: seconds(2, 8, 3), prediction.ours("bfloat16"): seconds(1, 4, 1)}
    plain = torch.tensor([100.0, 300.0]).double()
    found = {prediction.PLAIN: plain, prediction.ours("bfloat16"): plain + torch.tensor([0.0, 0.2])}
    rows = prediction.table({}, samples, differences={}, found=found)
    assert [row["ms"] for row in rows] == [3000.0, 1000.0]
    assert rows[1]["times faster"] == 2.0
    assert rows[1]["change of MAE %"] == pytest.approx(0.05, rel=1e-5)
    assert rows[1]["± %"] == pytest.approx(0.05, rel=1e-5)  # of two models, 0 and 0.1 %
    faster, moved = prediction.verdicts("", samples, found)
    assert faster.endswith("met")
    assert moved.endswith("met")
    assert "MISSED" in prediction.verdicts("", samples, {**found, prediction.PLAIN: plain + 1.0})[1]


def test_arms_that_disagree_are_not_timed() -> None:
    nets = {prediction.PLAIN: torch.nn.Identity(), prediction.ours("float32"): torch.nn.Tanh()}
    with pytest.raises(ArithmeticError, match="float32 differs from the plain prediction by"):
        prediction.agreement(nets, torch.ones(2, 3))


def test_error_is_that_of_each_model_in_uneven_batches() -> None:
    inputs = torch.tensor([[0.0, -2.0], [2.0, 2.0], [1.0, 5.0]])
    found = prediction.errors(torch.nn.Identity(), inputs, torch.zeros(3, 2), batch=2)
    assert found.tolist() == [1.0, 2.0, 3.0]


def test_held_out_models_are_what_the_embedded_network_takes() -> None:
    G = LearnedInversion.from_pretrained()
    inputs, truths = prediction.held_out(G, 2, workers=2)
    assert (inputs.shape, truths.shape) == ((2, 5, 200, 70), (2, 1, 70, 70))
    assert G.card.training["velocity"]["seed"] != prediction.SEED
    assert float(prediction.errors(G.net, inputs, truths).max()) < 400.0  # of a right-way-up truth

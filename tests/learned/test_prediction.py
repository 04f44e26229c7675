"""How a learned inversion predicts: from a folded copy, many surveys at a time, in bfloat16."""

import numpy as np
import pytest
import torch
from torch import nn

from pylops_vmb.errors import VMBValueError
from pylops_vmb.learned import Dropout, LearnedInversion, _copies, preprocessing
from pylops_vmb.networks.prediction import Prepared


@pytest.fixture
def called(monkeypatch):
    """Return how often a prepared copy was called."""
    counts = []
    forward = Prepared.forward
    monkeypatch.setattr(
        Prepared, "forward", lambda self, x: (counts.append(x.shape[0]), forward(self, x))[1]
    )
    return counts


@pytest.fixture
def x(d):
    return torch.from_numpy(d.astype(np.float32))


def exact(G, x):
    with torch.no_grad():
        return G.net.eval()(G.inputs(x)[None])[0, 0].T


def close(G, x):
    return torch.allclose(G(x), exact(G, x), rtol=1e-5)


def test_a_prediction_runs_the_folded_copy_and_a_derivative_does_not(G, x, called):
    assert close(G, x)
    assert called == [1]
    y = G(x.clone().requires_grad_())
    assert y.requires_grad
    G.jacobian(x).H @ torch.ones(8, 6)
    G.jacobian(x) @ x
    torch.func.jvp(G, (x,), (x,))
    G.net.requires_grad_(True)
    G(x).sum().backward()
    assert next(G.net.parameters()).grad is not None
    assert called == [1]


def write(net):
    with torch.no_grad():
        next(net.parameters()).mul_(2.0)


def load(net):
    net.load_state_dict({key: 1.5 * value for key, value in net.state_dict().items()})


def assign(net):
    net.final.weight.data = net.final.weight.data * 3.0


def replace_layer(net):
    torch.manual_seed(1)
    net.final = nn.Conv2d(net.final.in_channels, 1, 1).requires_grad_(False)


def replace_activation(net):
    net.stem[2] = nn.Tanh()


def count(net):
    for name, buffer in net.named_buffers():
        if name.endswith("running_mean"):
            buffer.add_(0.3)


@pytest.mark.parametrize("change", [write, load, assign, replace_layer, replace_activation, count])
def test_a_changed_network_is_folded_anew(G, x, change):
    before = G(x)
    change(G.net)
    assert not torch.equal(G(x), before)
    assert close(G, x)


def test_the_copy_is_made_once(G, x, monkeypatch):
    G(x)
    monkeypatch.setattr(_copies, "prepared", None)
    assert close(G, x)


def test_other_precisions_are_copied_once(G, d, monkeypatch):
    J = G.jacobian(d)
    monkeypatch.setattr(_copies, "copy", None)
    G(d)
    G(torch.from_numpy(d).requires_grad_())
    assert J.dtype == np.float64


def test_draws_of_dropout_have_no_copies(G, x, called):
    Dropout(G, draws=3).spread(x)
    assert called == []


def test_many_surveys_at_a_time(G, d, rng, called):
    many = np.stack([d * rng.uniform(0.5, 2.0, d.shape) for _ in range(5)]).astype(np.float32)
    vp = G.predict(many, batch=2)
    assert called == [2, 2, 1]
    assert (type(vp), vp.shape, vp.dtype) == (np.ndarray, (5, 8, 6), np.float32)
    np.testing.assert_allclose(vp, np.stack([G(one) for one in many]), rtol=1e-5)
    tensors = G.predict(torch.from_numpy(many).requires_grad_())
    assert not tensors.requires_grad
    np.testing.assert_allclose(tensors, vp, rtol=1e-5)


def test_what_is_kept_from_inference_mode_serves_a_derivative(G, survey, rng):
    other = G.for_survey(survey(dt=2.5e-3, nt=95, xr=8.0 * np.arange(11)))
    d = torch.from_numpy(rng.standard_normal(other.dims).astype(np.float32))
    preprocessing._weight.cache_clear()
    with torch.inference_mode():
        first = other(d)
    again = other(d.clone().requires_grad_())
    again.sum().backward()
    torch.testing.assert_close(again.detach(), first.clone(), rtol=1e-5, atol=0.0)


def test_many_surveys_are_resampled(G, survey, d):
    other = G.for_survey(survey(dt=2e-3, nt=119))
    many = np.repeat(d, 2, axis=-1)[None, ..., :119].repeat(2, 0)
    np.testing.assert_allclose(other.predict(many)[1], other(many[1]), rtol=1e-9)


@pytest.mark.parametrize(
    ("change", "keywords", "message"),
    [
        (lambda many: many[0], {}, r"d: must be \(n, ns, nr, nt\) = \(n, 3, 9, 60\), got \(3,"),
        (lambda many: many[:0], {}, r"d: must be .* got \(0, 3, 9, 60\)\. Stack the gathers"),
        (lambda many: many[..., 1:], {}, r"d: must be .* got \(2, 3, 9, 59\)"),
        (lambda many: many * np.nan, {}, r"d: must hold finite values|d: .*NaN"),
        (lambda many: many * [[[[1.0]]], [[[0.0]]]], {}, r"d: holds no signal, got zeros only"),
        (lambda many: many, {"batch": 0}, r"batch: must be at least 1"),
    ],
)
def test_what_cannot_be_predicted_from(G, d, change, keywords, message):
    with pytest.raises(VMBValueError, match=message):
        G.predict(change(np.stack([d, d])), **keywords)


def test_bfloat16_for_predictions_alone(net, card, d, x):
    G, half = LearnedInversion(net, card), LearnedInversion(net, card, precision="bfloat16")
    assert half.for_survey(card.acq).precision == "bfloat16"
    change = float((half(x) - G(x)).abs().max())
    assert 0.01 < change < 100.0  # m/s, of a network with random weights
    assert half(x).dtype == torch.float32
    np.testing.assert_array_equal(half(d), G(d))  # float64 stays exact
    ones = torch.ones(8, 6)
    assert torch.equal(half.jacobian(x).H @ ones, G.jacobian(x).H @ ones)


def test_the_precision_of_a_file_is_asked_for(G, tmp_path):
    G.save(tmp_path / "w.safetensors")
    assert LearnedInversion.load(tmp_path / "w.safetensors", precision="auto").precision == "auto"
    assert LearnedInversion.from_pretrained(precision="bfloat16").precision == "bfloat16"
    with pytest.raises(VMBValueError, match=r"precision: is not a known choice, got 'half'"):
        LearnedInversion.load(tmp_path / "w.safetensors", precision="half")


@pytest.mark.cuda
def test_on_a_gpu_nothing_travels_but_once(G, x, monkeypatch):
    there = x.cuda()
    first = G(there)
    monkeypatch.setattr(_copies, "prepared", None)
    assert torch.equal(first, G(there))

"""The trainer: it learns, measures what it says, stops when it should, and refuses bad input."""

import math

import pytest
import torch
from torch import nn

from pylops_vmb import metrics
from pylops_vmb.errors import VMBRuntimeError, VMBTypeError, VMBValueError
from pylops_vmb.training import Supervised, TrainingConfig

PLAIN = {"dropout": 0.0}


@pytest.fixture
def tiny(trainings, tmp_path):
    """Return what makes trainers of a tiny network on seven samples of noise."""

    def tiny(name="one", **changes):
        return trainings.make(tmp_path, name, **changes)

    return tiny


def spoil(trainer, numbers, value=float("inf")):
    """Replace the loss of some steps, and with it their gradients."""
    loss_of = trainer.method.loss_of

    def spoilt(inputs, target):
        return loss_of(inputs, target) * (value if trainer._done in numbers else 1.0)

    trainer.method.loss_of = spoilt


def everything(data):
    return (torch.stack(part) for part in zip(*(data[i] for i in range(len(data))), strict=True))


class Learnable:
    """Gathers of noise, and the velocities that two convolutions can learn from them."""

    def __init__(self, noise):
        self.noise = noise

    def __len__(self):
        return len(self.noise)

    def __getitem__(self, index):
        d, _ = self.noise[index]
        return d, 3500.0 + 300.0 * d[:1] - 200.0 * d[1:].roll(1, -1)


@pytest.fixture
def learnable(trainings):
    """Return 24 samples to learn from, and others to measure on."""
    noise = trainings.Noise
    return {"data": Learnable(noise(24)), "validation": Learnable(noise(8, first=1000))}


@pytest.mark.parametrize("loss", ["l1", "mse", {"l1": 1.0, "ssim": 0.2}])
def test_training_lowers_loss_and_error(tiny, learnable, loss):
    trainer = tiny(**learnable, net=PLAIN, epochs=12, loss=loss, lr=3e-2, batch=8)
    before = trainer.evaluate(trainer.validation)
    net = trainer.fit()
    assert not net.training
    first, last = trainer.history[0], trainer.history[-1]
    assert last["loss"] < 0.5 * first["loss"]
    after = trainer.evaluate(trainer.validation)
    assert {name: last[name] for name in after} == after
    assert after["mae"] < 0.5 * before["mae"]


def test_the_scores_are_those_of_all_samples(tiny):
    trainer = tiny()  # batches of 3, 3 and 1 must not weigh alike
    d, vp = everything(trainer.data)
    with torch.no_grad():
        error = trainer.average.module.eval()(d) - vp
    scores = trainer.evaluate(trainer.data)
    assert tuple(scores) == ("mae", "rmse", "ssim")
    assert scores["mae"] == pytest.approx(float(error.abs().mean()), rel=1e-5)
    assert scores["rmse"] == pytest.approx(float(error.square().mean().sqrt()), rel=1e-5)
    one = [metrics.ssim((vp + error)[i, 0], vp[i, 0]) for i in range(7)]
    assert scores["ssim"] == pytest.approx(sum(one) / 7, rel=1e-5)


def test_the_history_says_what_happened(tiny):
    trainer = tiny(net=PLAIN, batch=4, epochs=2, schedule="constant", lr=1e-30)
    d, vp = everything(trainer.data)
    with torch.no_grad():
        expected = (trainer.net(d) - vp).abs().mean() / trainer.config.vp_scale
    trainer.fit()
    names = ["epoch", "loss", "mae", "rmse", "ssim", "lr", "seconds"]
    assert [list(row) for row in trainer.history] == [names, names]
    for number, row in enumerate(trainer.history, start=1):
        assert row["epoch"] == number
        assert row["loss"] == pytest.approx(float(expected), rel=1e-5)  # batches of 4 and 3
        assert row["lr"] == pytest.approx(1e-30)
        assert row["seconds"] > 0.0


def test_small_models_have_no_ssim(make):
    assert set(make().evaluate(make().validation)) == {"mae", "rmse"}
    with pytest.raises(VMBValueError, match=r"monitor: needs models of at least 11 x 11.*mae"):
        make(monitor="ssim")


def flat(net):
    return torch.cat([p.detach().flatten() for p in net.parameters()])


def weights_of(trainer):
    """Return a list that takes the weights after each step."""
    seen, step = [], trainer.method.step

    def noted(inputs, target):
        values = step(inputs, target)
        seen.append(flat(trainer.net))
        return values

    trainer.method.step = noted
    return seen


@pytest.mark.parametrize("warm", [True, False])
def test_the_average_is_the_one_of_the_formula(tiny, warm):
    trainer = tiny(net=PLAIN, epochs=4, ema=0.6, ema_warmup=warm, lr=0.1)
    seen = weights_of(trainer)
    trainer.fit()
    expected = seen[0].double()
    for number, weights in enumerate(seen[1:], start=1):
        decay = min(0.6, (1 + number) / (10 + number)) if warm else 0.6
        expected = decay * expected + (1.0 - decay) * weights
    averaged = flat(trainer.average.module)
    torch.testing.assert_close(averaged, expected.float(), rtol=1e-5, atol=1e-6)
    assert (averaged - seen[-1]).abs().max() > 1e-3


def test_the_average_takes_batch_statistics_along(tiny):
    trainer, means = tiny(net={"norm": True}, ema=0.6, ema_warmup=False, lr=0.1), []
    step = trainer.method.step

    def noted(inputs, target):
        values = step(inputs, target)
        means.append(trainer.net.layers[1].running_mean.clone())
        return values

    trainer.method.step = noted
    layer, expected = trainer.fit().layers[1], means[0]
    for mean in means[1:]:
        expected = 0.6 * expected + 0.4 * mean
    torch.testing.assert_close(layer.running_mean, expected)
    assert (layer.running_mean - means[-1]).abs().max() > 1e-3


def test_a_short_training_does_not_return_its_first_networks(tiny, learnable):
    """With a decay of 0.998 and 36 steps."""

    def errors(warm):
        settings = {"net": PLAIN, "epochs": 12, "lr": 3e-2, "batch": 8, "ema": 0.998}
        trainer = tiny(f"{warm}", **learnable, **settings, ema_warmup=warm)
        first = trainer.evaluate(trainer.validation)["mae"]
        trainer.fit()
        averaged = trainer.evaluate(trainer.validation)["mae"]
        trainer.average.module.load_state_dict(trainer.net.state_dict())
        return first, averaged, trainer.evaluate(trainer.validation)["mae"]

    first, averaged, raw = errors(True)
    assert averaged < raw + 0.1 * (first - raw)
    first, averaged, raw = errors(False)
    assert averaged > raw + 0.5 * (first - raw)


@pytest.mark.parametrize("monitor", ["mae", "ssim"])
def test_patience_returns_the_best_weights(tiny, monitor):
    trainer = tiny(epochs=20, patience=2, monitor=monitor, ema=0.0, lr=0.5)
    net, column = trainer.fit(), [row[monitor] for row in trainer.history]
    best = column.index((max if monitor == "ssim" else min)(column))
    assert len(column) == best + 1 + 2 < 20
    assert trainer.finished
    assert trainer.evaluate(trainer.validation)[monitor] == column[best]
    last = trainer.net.state_dict()
    assert any(not torch.equal(v, last[k]) for k, v in net.state_dict().items())
    again = tiny(epochs=20, patience=2, monitor=monitor, ema=0.0, lr=0.5).fit()
    torch.testing.assert_close(again.state_dict(), net.state_dict(), rtol=0.0, atol=0.0)


def test_without_patience_the_last_weights_are_returned(tiny):
    trainer = tiny(epochs=4, ema=0.0, lr=0.5)
    net = trainer.fit()
    assert len(trainer.history) == 4
    torch.testing.assert_close(dict(net.state_dict()), dict(trainer.net.state_dict()))


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_half_precision_keeps_float32_weights(tiny, precision):
    exact, trainer = tiny("exact", net=PLAIN), tiny(net=PLAIN, precision=precision)
    exact.fit()
    kinds = set()
    trainer.net.layers[0].register_forward_hook(lambda *a: kinds.add(a[-1].dtype))
    net = trainer.fit()
    assert kinds == {getattr(torch, precision)}
    assert {p.dtype for p in net.parameters()} == {torch.float32}
    loss, other = (made.history[-1]["loss"] for made in (trainer, exact))
    assert loss == pytest.approx(other, rel=0.05)
    assert loss != other


def test_overflowing_float16_steps_are_left_out(tiny):
    trainer = tiny(net=PLAIN, precision="float16", schedule="constant", batch=2)
    seen, scaler = weights_of(trainer), trainer.method.descent.scaler
    before = scaler.get_scale()
    hook = next(trainer.net.parameters()).register_hook(
        lambda slope: slope * float("inf") if trainer._done == 1 else None
    )
    trainer.fit()
    hook.remove()
    assert torch.equal(seen[0], seen[1])
    assert not torch.equal(seen[1], seen[2])
    assert scaler.get_scale() == before / 2
    assert trainer.method.descent.schedule.last_epoch == len(seen) - 1


def test_parts_of_a_batch_take_the_step_of_the_whole(tiny):
    for name, parts in (("whole", 1), ("parts", 2), ("more than samples", 9)):
        trainer = tiny(name, net=PLAIN, accumulate=parts, clip=0.05)
        trainer.fit()
        weights = flat(trainer.net)
        if name == "whole":
            expected = weights
        torch.testing.assert_close(weights, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("precision", ["float32", "float16"])
def test_long_gradients_are_shortened(tiny, precision):
    trainer, lengths = tiny(clip=1e-3, precision=precision), []
    trainer.method.descent.optimizer.register_step_pre_hook(
        lambda *_: lengths.append(
            nn.utils.get_total_norm([p.grad for p in trainer.net.parameters()])
        )
    )
    trainer.fit()
    torch.testing.assert_close(torch.stack(lengths), torch.full((4,), 1e-3), rtol=1e-2, atol=0.0)


@pytest.mark.parametrize("last", [True, False])
def test_memory_order_changes_nothing_else(tiny, last):
    trainer = tiny(net=PLAIN, channels_last=last)
    order = torch.channels_last if last else torch.contiguous_format
    assert trainer.net.layers[0].weight.is_contiguous(memory_format=order)
    kinds = set()
    trainer.net.register_forward_pre_hook(
        lambda _, args: kinds.add(args[0].is_contiguous(memory_format=order))
    )
    trainer.fit()
    assert kinds == {True}
    other = tiny("other", net=PLAIN, channels_last=not last)
    other.fit()
    assert other.history[-1]["loss"] == pytest.approx(trainer.history[-1]["loss"], rel=1e-4)


def test_the_seed_fixes_dropout_and_order(tiny):
    curves = {}
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        trainer = tiny(name, seed=seed)
        trainer.fit()
        curves[name] = [row["loss"] for row in trainer.history]
    assert curves["a"] == curves["b"] != curves["c"]


def test_every_step_draws_other_random_numbers(tiny):
    trainer, seeds = tiny(), []
    step = trainer.method.step

    def noted(inputs, target):
        seeds.append(torch.initial_seed())
        return step(inputs, target)

    trainer.method.step = noted
    trainer.fit()
    assert len(set(seeds)) == len(seeds) == 4


def test_compiled_training_is_the_same_training(tiny, monkeypatch, assert_same, trainings):
    """With torch's compiler of Python alone, which needs no C++."""
    compiled, plain = [], nn.Module.compile

    def eager(net, *args, **kwargs):
        compiled.append(net)
        return plain(net, *args, backend="eager", **kwargs)

    monkeypatch.setattr(nn.Module, "compile", eager)
    whole, trainer = tiny("plain"), tiny(compile=True)
    whole.fit()
    trainer.fit()
    assert compiled == [trainer.net]
    assert_same(trainings.result(trainer), trainings.result(whole))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's own, inside its compiler
def test_compiled_by_cpp(tiny):
    try:
        torch.compile(lambda x: x.sin() + 1.0)(torch.ones(3))
    except Exception as error:
        pytest.skip(f"torch.compile does not work on this machine: {error}")
    whole, trainer = tiny("plain", net=PLAIN), tiny(net=PLAIN, compile=True)
    whole.fit()
    trainer.fit()
    assert trainer.history[-1]["loss"] == pytest.approx(whole.history[-1]["loss"], rel=1e-4)


def test_divergence_is_found_at_the_end_of_an_epoch(tiny):
    trainer = tiny(epochs=3)
    spoil(trainer, [3], float("nan"))
    with pytest.raises(VMBRuntimeError, match=r"diverged before step 5, in epoch 2, got loss nan"):
        trainer.fit()
    resumed = tiny(epochs=3)
    assert (resumed._done, len(resumed.history)) == (2, 1)
    resumed.fit()
    assert len(resumed.history) == 3


def test_a_useless_average_is_refused(tiny):
    trainer = tiny()
    with torch.no_grad():
        trainer.average.module.layers[0].weight.fill_(float("nan"))
    message = r"the averaged network gives useless velocities, got NaN or infinity\. Lower lr"
    with pytest.raises(VMBRuntimeError, match=message):
        trainer.evaluate(trainer.validation)


def test_the_network_sees_normalised_gathers_and_the_method_its_teacher(make):
    trainer = make()
    assert trainer.preprocessing.gain == 0.05
    seen = {}
    trainer.method.step = lambda *pair: seen.update(pair=pair) or {"loss": torch.zeros(())}
    rows = next(trainer.order.parts(0, 1)).rows
    d, vp = (torch.stack(p) for p in zip(*(trainer.data[r] for r in rows), strict=True))
    part, pair = next(trainer._loaded())
    for teacher, target in (("velocity", vp), ("gathers", d)):
        trainer.method.teacher = teacher
        trainer._step(part, *pair)
        assert torch.equal(seen["pair"][0], trainer.preprocessing.normalise(d))
        assert torch.equal(seen["pair"][1], target)
    assert not torch.equal(seen["pair"][0], d)


@pytest.mark.parametrize(
    ("error", "message", "changes"),
    [
        (VMBValueError, r"data: must hold samples, got none\. Check its folder", {"data": []}),
        (VMBValueError, r"validation: must hold samples, got none", {"validation": []}),
        (VMBTypeError, r"workers: must be an integer, got 0\.5", {"workers": 0.5}),
        (VMBValueError, r"device: is unknown to torch, got 'gpu'", {"device": "gpu"}),
    ],
)
def test_what_cannot_be_trained_is_refused(tiny, error, message, changes):
    with pytest.raises(error, match=message):
        tiny(**changes)


@pytest.mark.parametrize(
    ("fit", "message"),
    [
        ({"every": -1.0}, r"every: must be at least 0\.0 s, got -1"),
        ({"every_steps": 0}, r"every_steps: must be at least 1, got 0"),
    ],
)
def test_intervals_are_checked(tiny, fit, message):
    with pytest.raises(VMBValueError, match=message):
        tiny().fit(**fit)


def test_the_method_must_fit_the_settings(make, trainings):
    trainer = make()

    def other(method, config):
        arguments = {"preprocessing": trainer.preprocessing, "checkpoint": trainer.checkpoint}
        return type(trainer)(method, trainer.data, trainer.data, config=config, **arguments)

    method = Supervised(trainer.net, TrainingConfig(lr=1.0))
    assert other(method, TrainingConfig(lr=1.0)).method is method
    with pytest.raises(VMBValueError, match=r"config: must be the one that the method.*method\.c"):
        other(method, TrainingConfig(lr=2.0))
    with pytest.raises(VMBTypeError, match=r"method: must be a network or a method, got str"):
        other("fcnvmb", TrainingConfig())


def test_one_sample_a_step_and_more_samples_than_there_are(tiny):
    for batch, steps in ((1, 7), (50, 1)):
        trainer = tiny(f"{batch}", batch=batch, epochs=1)
        trainer.fit()
        assert trainer._done == trainer.total == steps
        assert math.isfinite(trainer.history[0]["loss"])


def test_whether_progress_is_shown_is_left_to_tqdm(make, monkeypatch):
    seen = {}
    monkeypatch.setattr("pylops_vmb.training.trainer.tqdm", lambda **words: seen.update(words))
    make()._progress()
    assert "disable" not in seen  # else TQDM_DISABLE would have no effect

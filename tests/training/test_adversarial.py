"""Adversarial learning: penalties and losses by hand, who learns when, resumed to the bit."""

import pytest
import torch
from torch import nn

from pylops_vmb.errors import VMBValueError
from pylops_vmb.io import load_checkpoint, save_checkpoint
from pylops_vmb.networks import PatchDiscriminator, build
from pylops_vmb.training.losses import velocity_loss
from pylops_vmb.training.methods.adversarial import PIX2PIX, VELOCITYGAN, Adversarial
from pylops_vmb.training.methods.rivals import CrossEntropy, Wasserstein, gradient_penalty
from pylops_vmb.training.settings import TrainingConfig

CPU, STEPS = torch.device("cpu"), 6
SETTINGS = TrainingConfig(lr=1e-3, ema=0.5, schedule="constant", loss="mse")
RIVALRIES = ("cross-entropy", "wasserstein")


class Linear(nn.Module):
    """A critic whose slope is known: one weight a cell, one score a sample."""

    def __init__(self, channels: int = 1) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.linspace(-0.3, 0.2, channels * 24 * 24))

    def forward(self, labels):
        return (labels.flatten(1) * self.weights).sum(1, keepdim=True)


@pytest.fixture
def batch(rng):
    """Return normalised gathers ``(4, 2, 30, 16)`` and their velocities ``(4, 1, 24, 24)``."""
    depth = torch.arange(24.0)[:, None].expand(24, 24)
    border = torch.tensor([6.0, 10.0, 14.0, 18.0])
    vp = torch.where(depth >= border[:, None, None, None], 3500.0, 2000.0)
    time = torch.arange(30.0)[:, None].expand(30, 16)
    d = torch.exp(-((time - 1.4 * border[:, None, None, None]) ** 2) / 4.0).repeat(1, 2, 1, 1)
    return d + 0.01 * torch.from_numpy(rng.standard_normal(d.shape)).float(), vp


def generator() -> nn.Module:
    torch.manual_seed(5)
    sizes = {"in_channels": 2, "in_shape": (30, 16), "out_shape": (24, 24)}
    return build("fcnvmb-repaired", **sizes, width=4, depth=2)


def ready(rivalry="cross-entropy", steps=STEPS, config=SETTINGS, critic=None, **settings):
    net = generator()
    channels = 3 if settings.get("conditional", True) else 1
    critic = critic or PatchDiscriminator(channels, width=4, norm="instance")
    method = Adversarial(net, critic, config, rivalry=rivalry, **settings)
    method.prepare(steps, device=CPU, wrap=lambda net: net)
    return method


def copied(net):
    return [p.detach().clone() for p in net.parameters()]


def flat(state, where=""):
    """Yield all numbers of a nested state as tensors, with their places."""
    for key, value in enumerate(state) if isinstance(state, list | tuple) else state.items():
        if isinstance(value, dict | list | tuple):
            yield from flat(value, f"{where}.{key}")
        elif value is not None:
            yield f"{where}.{key}", torch.as_tensor(value)


def changed(net, before):
    return [not torch.equal(p, old) for p, old in zip(net.parameters(), before, strict=True)]


def test_the_penalty_of_a_linear_critic_is_that_of_its_weights():
    critic, labels = Linear(), torch.zeros(3, 1, 24, 24)
    penalty = gradient_penalty(critic, labels, labels + 1.0)
    torch.testing.assert_close(penalty, (critic.weights.norm() - 1.0).square())
    (slope,) = torch.autograd.grad(penalty, critic.weights)
    length = critic.weights.norm()
    torch.testing.assert_close(slope, (2.0 * (length - 1.0) / length * critic.weights).detach())


def test_the_penalty_is_taken_between_the_labels_sample_by_sample():
    real, fake = torch.full((2, 1, 1, 1), 1.0), torch.full((2, 1, 1, 1), 4.0)
    torch.manual_seed(3)
    point = 4.0 - 3.0 * torch.rand(2, 1, 1, 1)
    torch.manual_seed(3)
    penalty = gradient_penalty(lambda labels: labels**2, real, fake)  # a slope of 2 u
    torch.testing.assert_close(penalty, (2.0 * point - 1.0).square().mean())
    several = gradient_penalty(lambda labels: 5.0 * labels.expand(2, 1, 3, 3), real, fake)
    assert float(several) == pytest.approx(16.0)  # nine scores of a sample: their mean


def test_losses_by_hand():
    def judge(labels):
        return 2.0 * labels

    real, fake = torch.tensor([[1.0], [3.0]]), torch.tensor([[-1.0], [0.5]])
    loss, gap = CrossEntropy().discriminator(judge, real, fake)
    given, made = (2.0 * labels for labels in (real, fake))
    bce = nn.functional.binary_cross_entropy_with_logits
    both = bce(given, torch.ones(2, 1)) + bce(made, torch.zeros(2, 1))
    torch.testing.assert_close(loss, 0.5 * both)
    assert float(gap) == pytest.approx(4.5)
    torch.testing.assert_close(CrossEntropy().generator(made), bce(made, torch.ones(2, 1)))

    labels = real[:, :, None, None], fake[:, :, None, None]
    loss, gap = Wasserstein(10.0).discriminator(judge, *labels)
    assert float(loss) == pytest.approx(10.0 * (2.0 - 1.0) ** 2 - 4.5)
    assert float(gap) == pytest.approx(4.5)
    assert float(Wasserstein().generator(made)) == pytest.approx(0.5)


@pytest.mark.parametrize("rivalry", RIVALRIES)
def test_the_discriminator_learns_to_tell_true_models(batch, rivalry):
    config = TrainingConfig(lr=2e-3, schedule="constant", optimizer="adam", weight_decay=0.0)
    method = ready(rivalry, 30, config, every=100)
    gaps = [float(method.step(*batch)["gap"]) for _ in range(30)]
    assert gaps[-1] > max(0.5, 5.0 * abs(gaps[0]))
    with torch.no_grad():
        real, fake = (
            method._scores(method._label(vp), method._condition(batch[0], vp)).mean()
            for vp in (batch[1], method.net(batch[0]))
        )
    assert real - fake > 0.5


@pytest.mark.parametrize("rivalry", RIVALRIES)
def test_the_generator_learns_in_its_turns_only(batch, rivalry):
    method = ready(rivalry, every=3)
    for number in range(1, STEPS + 1):
        nets = method.net, method.discriminator, method.average.module
        before = [copied(net) for net in nets]
        method.step(*batch)
        moved = [any(changed(net, old)) for net, old in zip(nets, before, strict=True)]
        assert moved == [number % 3 == 0, True, number % 3 == 0]
    assert all(p.requires_grad for p in method.discriminator.parameters())
    assert all(p.grad is None for p in method.discriminator.parameters())


def test_published_settings():
    assert (Adversarial(generator(), Linear(), PIX2PIX).every, PIX2PIX.lr) == (1, 2e-4)
    assert Adversarial(generator(), Linear(), VELOCITYGAN, rivalry="wasserstein").every == 5
    assert PIX2PIX.optimizer_settings == {"betas": (0.5, 0.999)}
    assert VELOCITYGAN.optimizer_settings == {"betas": (0.0, 0.9)}


@pytest.mark.parametrize("conditional", [True, False])
def test_what_the_generator_lowers(batch, conditional, monkeypatch):
    critic = Linear(3 if conditional else 1)
    method = ready("wasserstein", critic=critic, conditional=conditional, every=1, content=7.0)
    seen, update = [], method.descent.update
    noted = lambda: (seen.extend(p.grad.clone() for p in method.net.parameters()), update())  # noqa: E731
    monkeypatch.setattr(method.descent, "update", noted)
    values = method.step(*batch)

    net = generator().train()
    prediction = net(batch[0])
    labels = (prediction - 3000.0) / 1500.0
    shown = nn.functional.interpolate(batch[0], (24, 24), mode="bilinear", antialias=True)
    judged = torch.cat([labels, shown], dim=1) if conditional else labels
    content = velocity_loss("mse")(prediction, batch[1])
    whole = 7.0 * content - critic(judged).mean()
    slopes = torch.autograd.grad(whole, list(net.parameters()))
    ours, theirs = (torch.cat([slope.flatten() for slope in side]) for side in (seen, slopes))
    assert (ours - theirs).norm() < 1e-4 * theirs.norm()
    torch.testing.assert_close(values["loss"], content.detach())
    assert tuple(values) == method.columns


def test_the_discriminator_has_its_own_rate_and_both_their_own_schedules(batch):
    config = TrainingConfig(lr=1e-3, schedule="cosine", warmup=0.0)
    method = ready(steps=STEPS, config=config, every=3, lr=4e-3)
    rates = [(method.lr, method.rival.lr)]
    for _ in range(STEPS):
        method.step(*batch)
        rates.append((method.lr, method.rival.lr))
    assert rates[0] == (1e-3, 4e-3)
    assert rates[3] == pytest.approx((0.5e-3, 2e-3))
    assert rates[-1] == pytest.approx((0.0, 0.0), abs=1e-12)


@pytest.mark.parametrize("rivalry", RIVALRIES)
def test_an_interrupted_training_ends_with_the_same_bits(batch, rivalry, tmp_path):
    def run(method, first, last):
        for number in range(first, last):
            torch.manual_seed(number)  # as the trainer does before each step
            method.step(*batch)
        return method

    whole = run(ready(rivalry, every=2), 0, STEPS)
    broken = run(ready(rivalry, every=2), 0, 3)
    save_checkpoint(tmp_path / "state.safetensors", broken.state_dict())
    resumed = ready(rivalry, every=2)
    resumed.load_state_dict(load_checkpoint(tmp_path / "state.safetensors"))
    ours, theirs = (dict(flat(m.state_dict())) for m in (run(resumed, 3, STEPS), whole))
    assert ours.keys() == theirs.keys()
    assert [name for name in ours if not torch.equal(ours[name], theirs[name])] == []


@pytest.mark.parametrize("rivalry", RIVALRIES)
def test_a_tiny_training_lowers_the_error_of_the_average(batch, rivalry):
    config = TrainingConfig(lr=1e-2, ema=0.5, schedule="constant", optimizer="adam")
    method = ready(rivalry, 30, config, every=2, lr=1e-3)

    def error():
        with torch.no_grad():
            return float((method.average.module.eval()(batch[0]) - batch[1]).abs().mean())

    before = error()
    for _ in range(30):
        method.step(*batch)
    assert error() < 0.7 * before


def test_the_identity_tells_games_apart():
    def identity(**settings):
        return Adversarial(generator(), Linear(), SETTINGS, **settings).identity

    assert identity() == identity()
    for other in ({"rivalry": "wasserstein"}, {"content": 1.0}, {"every": 2}, {"lr": 1.0}):
        assert identity(**other) != identity()


@pytest.mark.parametrize(
    ("message", "settings"),
    [
        (r"rivalry: is not a known choice, got 'hinge'", {"rivalry": "hinge"}),
        (r"content: must be at least 0", {"content": -1.0}),
        (r"every: must be at least 1", {"every": -1}),
        (r"penalty: must be above 0", {"penalty": 0.0}),
        (r"vp_range: must rise", {"vp_range": (4500.0, 1500.0)}),
        (r"accumulate: must be 1.*Set a smaller batch", {"config": TrainingConfig(accumulate=2)}),
    ],
)
def test_settings_are_checked(message, settings):
    settings = {"config": SETTINGS} | settings
    with pytest.raises(VMBValueError, match=message):
        Adversarial(generator(), Linear(), **settings)


def test_batch_norm_under_a_gradient_penalty_is_refused():
    critic = PatchDiscriminator(3, width=2)
    with pytest.raises(VMBValueError, match=r"discriminator: must not mix.*model\.3.*instance"):
        Adversarial(generator(), critic, SETTINGS, rivalry="wasserstein")
    Adversarial(generator(), critic, SETTINGS)

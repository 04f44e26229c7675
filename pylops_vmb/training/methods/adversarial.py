"""Adversarial learning: a discriminator judges whether a predicted model looks like a true one."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.nn.modules.batchnorm import _BatchNorm

from pylops_vmb._checks import check_choice, check_integer, check_number, check_pair, refuse
from pylops_vmb.metrics import OPENFWI_RANGE
from pylops_vmb.training.batchnorm import share_batchnorm
from pylops_vmb.training.identity import of_net
from pylops_vmb.training.methods.base import Descent, Wrap, autocast, place
from pylops_vmb.training.methods.rivals import CrossEntropy, Rivalry, Wasserstein
from pylops_vmb.training.methods.supervised import Supervised
from pylops_vmb.training.settings import TrainingConfig

PIX2PIX = TrainingConfig(
    lr=2e-4,
    optimizer="adam",
    weight_decay=0.0,
    optimizer_settings={"betas": (0.5, 0.999)},
    schedule="constant",
    loss="l1",
)
"""As published by Isola et al. (2017); they took one sample a step."""
VELOCITYGAN = TrainingConfig(
    batch=64,
    lr=1e-4,
    weight_decay=1e-4,
    optimizer_settings={"betas": (0.0, 0.9)},
    schedule="constant",
    loss={"l1": 1.0, "mse": 1.0},
)
"""That of VelocityGAN in the OpenFWI benchmark, for ``rivalry="wasserstein"``."""


class Adversarial(Supervised):
    r"""Learn velocity from gathers against a discriminator.

    Parameters
    ----------
    net : :obj:`torch.nn.Module`
        The generator: takes ``(batch, ns, nt, nr)`` and returns ``(batch, 1, nz, nx)`` in m/s.
    discriminator : :obj:`torch.nn.Module`
        Takes ``(batch, channels, nz, nx)`` and returns scores of any shape, high for true
        models: 1 channel, or ``1 + ns`` if it is `conditional`.
    config : `TrainingConfig`
        The settings, for both networks.  `PIX2PIX` and `VELOCITYGAN` are published ones;
        ``schedule="one-cycle"`` would change their momentum.
    rivalry : {"cross-entropy", "wasserstein"}, optional
        What they play for: see `CrossEntropy` and `Wasserstein`.
    content : :obj:`float`, optional
        Weight of the velocity loss beside that of the rivalry.
    conditional : :obj:`bool`, optional
        Whether the discriminator sees the normalised gathers, too, resampled to the model.
    every : :obj:`int`, optional
        The generator learns in every so many steps, the discriminator in each; by default 1,
        and 5 for "wasserstein".
    penalty : :obj:`float`, optional
        Weight of the gradient penalty; only for "wasserstein".
    lr : :obj:`float`, optional
        Highest learning rate of the discriminator; by default that of the settings.
    vp_range : :obj:`tuple`, optional
        Velocities in m/s that the discriminator sees as -1 and 1.

    Raises
    ------
    VMBValueError
        If a number is out of range, the settings split batches, or the critic of "wasserstein"
        has batch norm: a penalty on the slope at each sample has no meaning where samples mix.

    Notes
    -----
    The generator lowers :math:`\lambda m(G(d), v) + a(D(G(d), d))` with the velocity loss
    :math:`m`, the content weight :math:`\lambda` and the loss :math:`a` of the rivalry.  The
    velocity loss decides the large scales, the discriminator how sharp an interface looks: not
    whether it is where the gathers say.  The discriminator computes in float32.

    References
    ----------
    Isola, P., Zhu, J.-Y., Zhou, T. and Efros, A., 2017, Image-to-image translation with
    conditional adversarial networks: CVPR, arXiv 1611.07004.

    Zhang, Z. and Lin, Y., 2020, Data-driven seismic waveform inversion: a study on the
    robustness and generalization: IEEE TGRS 58, arXiv 1809.10262; settings as in
    Deng, C. et al., 2022, OpenFWI: NeurIPS Datasets and Benchmarks, arXiv 2111.02926.
    """

    columns = ("loss", "discriminator", "gap")

    def __init__(
        self,
        net: nn.Module,
        discriminator: nn.Module,
        config: TrainingConfig,
        *,
        rivalry: str = "cross-entropy",
        content: float = 100.0,
        conditional: bool = True,
        every: int | None = None,
        penalty: float = 10.0,
        lr: float | None = None,
        vp_range: tuple[float, float] = OPENFWI_RANGE,
    ) -> None:
        super().__init__(net, config)
        wasserstein = check_choice("rivalry", rivalry, _RIVALRIES) == "wasserstein"
        default = 5 if wasserstein else 1
        self.discriminator = discriminator
        self.content = check_number("content", content, at_least=0.0)
        self.conditional, self.rivalry = conditional, rivalry
        self.penalty = check_number("penalty", penalty, above=0.0)
        self.every = check_integer("every", default if every is None else every, at_least=1)
        self.discriminator_lr = check_number("lr", config.lr if lr is None else lr, above=0.0)
        self.vp_range = low, high = check_pair("vp_range", vp_range, of="velocities")
        if not low < high:
            refuse("vp_range", "must rise", got=(low, high), do="Pass (slowest, fastest) in m/s")
        self._rules: Rivalry = Wasserstein(self.penalty) if wasserstein else CrossEntropy()
        _check_whole_batches(config)
        if wasserstein:
            _check_critic(discriminator)

    def prepare(self, steps: int, *, device: torch.device, wrap: Wrap) -> None:
        """Make both networks ready for training; see `Method.prepare`."""
        super().prepare(steps, device=device, wrap=wrap)
        turns = max(1, steps // self.every)
        self.descent = Descent(self.net.parameters(), self.config, steps=turns, device=device)
        self.discriminator = place(self.discriminator, self.config, device)
        if _several():
            self.discriminator = share_batchnorm(self.discriminator)
        _share_first(self.discriminator)
        self.rival = Descent(
            self.discriminator.parameters(),
            self.config,
            steps=steps,
            device=device,
            lr=self.discriminator_lr,
        )
        self._done = 0

    def step(self, inputs: Tensor, target: Tensor) -> dict[str, Tensor]:
        """Take a step of the discriminator and, if it is its turn, of the generator.

        Returns
        -------
        values : :obj:`dict`
            ``loss`` (of velocities), ``discriminator`` (what it lowers) and ``gap`` (mean
            score of true over predicted models).
        """
        self.net.train()
        self.discriminator.train()
        self._done += 1
        turn = self._done % self.every == 0
        with torch.set_grad_enabled(turn), autocast(self.config, self.device):
            prediction = self.called(inputs)
        prediction = prediction.float()
        loss, gap = self._teach(inputs, real=target, fake=prediction.detach())
        content = self.loss(prediction, target)
        if turn:
            self._learn(inputs, prediction, content)
        return {"loss": content.detach(), "discriminator": loss, "gap": gap}

    def _teach(self, inputs: Tensor, *, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
        """Take a step of the discriminator."""
        seen = self._condition(inputs, real)
        loss, gap = self._rules.discriminator(
            lambda labels: self._scores(labels, seen), self._label(real), self._label(fake)
        )
        self.rival.backward(self.share * loss)
        _average_gradients(self.rival.parameters)
        self.rival.update()
        return loss.detach(), gap

    def _learn(self, inputs: Tensor, prediction: Tensor, content: Tensor) -> None:
        """Take a step of the generator, and of its average."""
        with _frozen(self.rival.parameters):
            seen = self._condition(inputs, prediction)
            scores = self._scores(self._label(prediction), seen)
            loss = self.content * content + self._rules.generator(scores)
            self.descent(self.share * loss)
        self.average.update_parameters(self.net)

    def _scores(self, labels: Tensor, seen: list[Tensor]) -> Tensor:
        scores: Tensor = self.discriminator(torch.cat([labels, *seen], dim=1))
        return scores

    def _condition(self, inputs: Tensor, vp: Tensor) -> list[Tensor]:
        """Return the gathers at the size of the model, ``(batch, ns, nz, nx)``, if it sees them."""
        if not self.conditional:
            return []
        size = tuple(vp.shape[-2:])
        return [
            nn.functional.interpolate(inputs.float(), size, mode="bilinear", antialias=True),
        ]

    def _label(self, vp: Tensor) -> Tensor:
        low, high = self.vp_range
        return (2.0 * vp - (high + low)) / (high - low)

    @property
    def identity(self) -> dict[str, Any]:
        """What must be equal for a checkpoint to be taken over."""
        names = ("rivalry", "content", "conditional", "every", "penalty", "discriminator_lr")
        own: dict[str, Any] = {name: getattr(self, name) for name in names}
        rival = {f"discriminator {key}": value for key, value in of_net(self.discriminator).items()}
        return super().identity | own | rival | {"vp_range": list(self.vp_range)}

    def state_dict(self) -> dict[str, Any]:
        """Return both networks, the average, both descents and the number of steps."""
        return super().state_dict() | {
            "discriminator": self.discriminator.state_dict(),
            "rival": self.rival.state_dict(),
            "done": self._done,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over what `state_dict` returned."""
        super().load_state_dict(state)
        self.discriminator.load_state_dict(state["discriminator"])
        self.rival.load_state_dict(state["rival"])
        self._done = int(state["done"])


_RIVALRIES = ("cross-entropy", "wasserstein")


def _check_whole_batches(config: TrainingConfig) -> None:
    if config.accumulate > 1:
        refuse(
            "accumulate",
            "must be 1, because both networks learn from one prediction of a batch",
            got=config.accumulate,
            do="Set a smaller batch",
        )


def _check_critic(critic: nn.Module) -> None:
    mixing = [name for name, layer in critic.named_modules() if isinstance(layer, _BatchNorm)]
    if mixing:
        refuse(
            "discriminator",
            "must not mix the samples of a batch under a gradient penalty",
            got=f"batch norm in {', '.join(mixing)}",
            do='Build it with another norm, such as build("patchgan", norm="instance")',
        )


@contextmanager
def _frozen(parameters: list[nn.Parameter]) -> Iterator[None]:
    """Let gradients pass through a network without reaching its own weights."""
    for parameter in parameters:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in parameters:
            parameter.requires_grad_(True)


def _several() -> bool:
    return distributed.is_available() and distributed.is_initialized()


def _share_first(net: nn.Module) -> None:
    """Give all processes the weights of the first one."""
    if _several():
        for tensor in (*net.parameters(), *net.buffers()):
            distributed.broadcast(tensor.detach(), 0)


def _average_gradients(parameters: list[nn.Parameter]) -> None:
    """Average gradients over processes; torch's wrapper cannot, for second derivatives."""
    if _several():
        for parameter in parameters:
            if parameter.grad is not None:
                distributed.all_reduce(parameter.grad)
                parameter.grad /= distributed.get_world_size()

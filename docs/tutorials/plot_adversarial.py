r"""
Adversarial training in small
=============================

A network that is trained on the mean absolute error blurs what it is not sure of: the median of
all interfaces that the gathers allow is no interface. In adversarial training a second network,
the discriminator, learns to tell predictions from true models, and the first one, the generator,
learns to deceive it. This page trains the same small network with and without a rival, follows
the losses of both, and measures what the rival changes: how a model looks, and not where its
interfaces are.
"""

# sphinx_gallery_thumbnail_number = 2

import tempfile
from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch

import pylops_vmb as vmb
from pylops_vmb.learned import Preprocessing
from pylops_vmb.training import PIX2PIX, Adversarial, Simulation, Supervised, Trainer, simulate

folder = Path(tempfile.mkdtemp())
dims, spacing = (32, 32), (20.0, 20.0)
x = 20.0 * np.arange(32)
acq = vmb.Acquisition.fixed_spread(x[[4, 16, 27]], x, nt=128, dt=0.006, f0=7.0)
prepare = Preprocessing(step=2, gain=0.02)
layers = Simulation(vmb.velocity.openfwi_family("flatvel_a", dims), acq, spacing, prepare)
data = simulate(folder / "layers", layers, count=240)
held_out = simulate(folder / "held-out", layers, count=40, start=1_000_000)

# %%
# Two players
# -----------
# The generator :math:`G` is a small repaired FCNVMB, as in
# :doc:`/gallery/tutorials/plot_training`. The discriminator :math:`D` is a PatchGAN: it does not
# judge a model as a whole, but gives one score for each patch. Here it sees the model alone; with
# ``conditional=True``, the default, it sees the gathers :math:`d` as well. With the settings of
# pix2pix (Isola et al., 2017) they play
#
# .. math::
#    D: \min\; -\log D(v) - \log(1 - D(G(d))), \qquad
#    G: \min\; \lambda \|G(d) - v\|_1 - \log D(G(d)).
#
# The weight :math:`\lambda` of the velocity is the setting that matters: with a large one the
# rival is not heard.
(ns, nt, nr), (nz, nx) = layers.shapes
config = replace(PIX2PIX, epochs=15, batch=8, lr=2e-3)


def generator():
    torch.manual_seed(0)
    sizes = {"in_channels": ns, "in_shape": (nt, nr), "out_shape": (nz, nx)}
    return vmb.networks.build("fcnvmb-repaired", **sizes, width=8, depth=3)


net, twin = generator(), generator()
critic = vmb.networks.build("patchgan", in_channels=1, width=16)
methods = {
    "alone": Supervised(net, config),
    "with a rival": Adversarial(twin, critic, config, content=10.0, conditional=False),
}

# %%
# The game
# --------
nets, histories = {}, {}
for name, method in methods.items():
    trainer = Trainer(
        method,
        data,
        held_out,
        preprocessing=prepare,
        config=config,
        checkpoint=folder / f"{name}.safetensors",
    )
    nets[name] = trainer.fit()
    histories[name] = trainer.history

rows = histories["with a rival"]
epochs = [row["epoch"] for row in rows]
fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
left.plot(epochs, [row["discriminator"] for row in rows], "o-", label="loss of the discriminator")
left.plot(epochs, [row["gap"] for row in rows], "s--", label="its score of true - predicted")
left.axhline(np.log(2), color="0.6", ls=":", label="loss if it guesses")
left.set(xlabel="epoch", ylabel="score, loss (1)", title="the rivals")
left.legend()
for name, history in histories.items():
    right.plot(epochs, [row["mae"] for row in history], label=name)
right.set(xlabel="epoch", ylabel="validation MAE (m/s)", title="the velocity", ylim=(0, None))
right.legend()


# %%
# What it changes
# ---------------
# True models are blocky: nearly all that happens in a column happens in a few cells. The share of
# the variation of a column that lies in the sharpest tenth of its steps says how blocky a model
# is, wherever these steps are. The error says where they should be.
def blocky(vp):
    steps = vp.diff(dim=-2).abs().flatten(1).sort(1, descending=True).values
    tenth = steps.shape[1] // 10
    return float((steps[:, :tenth].sum(1) / steps.sum(1)).mean())


d, vp = (torch.stack(part) for part in zip(*held_out, strict=True))
with torch.no_grad():
    predicted = {name: one(prepare.normalise(d)) for name, one in nets.items()}
error = {name: float((one - vp).abs().mean()) for name, one in predicted.items()}
share = {"true": blocky(vp)} | {name: blocky(one) for name, one in predicted.items()}
for name in nets:
    print(f"{name:13} error {error[name]:4.0f} m/s, blocky to {share[name]:.0%}")
print(f"{'true models':13} error    0 m/s, blocky to {share['true']:.0%}")

panels = {"true": vp[2, 0].T} | {name: one[2, 0].T for name, one in predicted.items()}
vmb.plotting.plot_comparison(panels, vmb.Grid(dims, spacing), vmin=1500, vmax=4500)

# %%
# Models made against a rival look more like true ones, and are further from the truth: the
# discriminator never asks whether an interface is where the gathers say. That is a good bargain
# where a sharp start is wanted and its places are checked by the wave equation (:doc:`/hybrid`),
# and a bad one where the picture itself is the result. One seed, small networks, few models: a
# game of this size ends before either player is good at it, and other weights give other
# bargains.
#
# ``rivalry="wasserstein"`` with `pylops_vmb.training.VELOCITYGAN` plays for the distance of
# VelocityGAN (Zhang and Lin, 2020). A method of your own is a subclass of
# `pylops_vmb.training.Method`.
#
# **References.** Isola, Zhu, Zhou and Efros, 2017, CVPR, arXiv 1611.07004; Zhang and Lin, 2020,
# IEEE TGRS 58, arXiv 1809.10262.
assert error["alone"] < 0.7 * histories["alone"][0]["mae"]
assert share["with a rival"] > 1.35 * share["alone"]
assert error["with a rival"] > 1.1 * error["alone"]
assert 0.0 < rows[-1]["discriminator"] < np.log(2)

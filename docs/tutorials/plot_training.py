r"""
Training, resuming, and transfer to salt
========================================

This page makes a learned inversion from nothing: models are drawn, gathers simulated, and a
network trained; the training is interrupted by Ctrl-C and resumed; and what it learned is
transferred to models with salt. All of it is tiny, to run in a minute. What a network is worth
that was trained in earnest is told in :doc:`/benchmarks`, and all settings are in
:doc:`/training`.
"""

# sphinx_gallery_thumbnail_number = 2

import signal
import tempfile
from pathlib import Path

import numpy as np
import torch

import pylops_vmb as vmb
from pylops_vmb.learned import Card, LearnedInversion, Preprocessing
from pylops_vmb.training import Simulation, Trainer, TrainingConfig, finetune, simulate

folder = Path(tempfile.mkdtemp())

# %%
# Data
# ----
# A simulation is what draws the models, the survey, the cells (m), and what is done to the
# gathers before a network sees them: here every second sample is kept. Model ``i`` of a generator
# depends on its seed and ``i`` alone, so that sets with other numbers share no model.
dims, spacing = (32, 24), (20.0, 20.0)
x = 20.0 * np.arange(32)
acq = vmb.Acquisition.fixed_spread(x[[4, 16, 27]], x, nt=120, dt=0.006, f0=7.0)
prepare = Preprocessing(step=2, gain=0.02)
layers = Simulation(vmb.velocity.openfwi_family("curvevel_a", dims), acq, spacing, prepare)
salt = Simulation(vmb.velocity.fcnvmb_like(dims), acq, spacing, prepare)

data = simulate(folder / "layers", layers, count=240)
held_out = simulate(folder / "held-out", layers, count=40, start=1_000_000)
salt_data = simulate(folder / "salt", salt, count=48)
salt_held_out = simulate(folder / "salt held-out", salt, count=40, start=1_000_000)
print(f"gathers {tuple(data[0][0].shape)} (ns, nt, nr), velocity {tuple(data[0][1].shape)}")

# %%
# Training
# --------
# A `pylops_vmb.training.Trainer` is network, data and settings. Together with the seed they fix
# the result.
(ns, nt, nr), (nz, nx) = layers.shapes
config = TrainingConfig(epochs=12, batch=8)


def fresh():
    torch.manual_seed(0)
    sizes = {"in_channels": ns, "in_shape": (nt, nr), "out_shape": (nz, nx)}
    return vmb.networks.build("fcnvmb-repaired", **sizes, width=8, depth=3)


def trainer(name, samples=data, validation=held_out, settings=config):
    checkpoint = folder / f"{name}.safetensors"
    return Trainer(
        fresh(),
        samples,
        validation,
        preprocessing=prepare,
        config=settings,
        checkpoint=checkpoint,
    )


straight = trainer("straight")
net = straight.fit()
print(straight.history)

ax = vmb.plotting.plot_training(straight.history)
ax.set_title("240 models of layers, 12 epochs")

# %%
# Interrupted and resumed
# -----------------------
# The same training again; in its 100th step someone presses Ctrl-C. A checkpoint is written, with
# the place in the epoch and the state of the optimiser.
interrupted = trainer("interrupted")
passes = iter(range(1, 10_000))


def ctrl_c(*_):
    if next(passes) == 100:
        signal.raise_signal(signal.SIGINT)


interrupted.net.register_forward_hook(ctrl_c)
try:
    interrupted.fit()
except KeyboardInterrupt as stop:
    print(str(stop).replace(str(folder), "..."))

# %%
# To go on, one makes the same trainer again, in the same process or after a reboot. It ends with
# the same weights, to the bit.
resumed = trainer("interrupted").fit()
states = zip(net.state_dict().values(), resumed.state_dict().values(), strict=True)
same = all(torch.equal(one, other) for one, other in states)
print("the same bits:", same)

# %%
# Transfer to salt
# ----------------
# A card says what the network was made for, and makes it a learned inversion.
# `pylops_vmb.training.finetune` trains a copy of it on 48 models with salt. What would the same
# models have taught a fresh network in the same number of steps?
name = {"name": "fcnvmb-repaired", "config": net.config}
G = LearnedInversion(net, Card("layers", name, vmb.Grid(dims, spacing), acq, prepare))

tuned, scratch = {}, {}
for epochs in (10, 25):
    settings = TrainingConfig(epochs=epochs, batch=8)
    tuned[epochs] = finetune(G, salt_data, validation=salt_held_out, config=settings)
    scratch[epochs] = trainer(f"fresh {epochs}", salt_data, salt_held_out, settings).fit()


def error(net, samples):
    """Return the mean absolute error in m/s."""
    d, vp = (torch.stack(part) for part in zip(*samples, strict=True))
    with torch.no_grad():
        return float((net(prepare.normalise(d)) - vp).abs().mean())


middle = torch.stack([vp for _, vp in salt_data]).mean(0)
guess = float(np.mean([float((middle - vp).abs().mean()) for _, vp in salt_held_out]))
scores = {"trained on layers": net}
for epochs, parented in tuned.items():
    scores[f"fine-tuned, {epochs} epochs"] = parented.net
    scores[f"fresh, {epochs} epochs"] = scratch[epochs]
scores = {name: (error(one, held_out), error(one, salt_held_out)) for name, one in scores.items()}
print(f"{'mean absolute error (m/s)':26} layers   salt")
for name, (on_layers, on_salt) in scores.items():
    print(f"{name:26} {on_layers:6.0f} {on_salt:6.0f}")
print(f"{'mean of the salt models':26}        {guess:6.0f}")

# %%
# The transferred network is the better one on salt, by much after few steps and by less after
# more: a parent saves training, the more the less there is to learn from. It has forgotten some
# of the layers. ``replay=data`` repeats the old samples against that, and ``freeze="encoder"``
# leaves a part as it is. The card keeps the scores before and after, on the same models:
for name, value in tuned[10].card.metrics.items():
    print(f"{name:30} {value:.4g}")

grid = G.card.grid
d, vp = salt_held_out[3]
with torch.no_grad():
    drawn = [one(prepare.normalise(d)[None])[0, 0].T for one in (net, scratch[25], tuned[25].net)]
names = ("trained on layers", "fresh, 25 epochs", "fine-tuned, 25 epochs")
panels = {"true": vp[0].T} | dict(zip(names, drawn, strict=True))
axes = vmb.plotting.plot_comparison(panels, grid, vmin=1500, vmax=4500)
axes[0].figure.suptitle("a salt model that no network was trained on")

# %%
# Bodies of salt are seen as fast clouds: sharp ones take larger networks and more models. One
# seed, one tiny network, and 40 models to measure on: another seed moves these numbers. The
# comparison is at equal steps on salt, the parent's own training is not counted. With a recipe,
# all of this is one command (``pylops-vmb train``, :doc:`/training`).
assert same
assert straight.history[-1]["mae"] < 0.8 * straight.history[0]["mae"]
assert scores["fine-tuned, 10 epochs"][1] < 0.9 * scores["fresh, 10 epochs"][1]
assert scores["fine-tuned, 10 epochs"][1] < 0.9 * scores["trained on layers"][1]

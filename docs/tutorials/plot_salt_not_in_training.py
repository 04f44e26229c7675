"""
Salt that no training showed
============================

A network draws what it has seen. Yang and Ma (2019, Geophysics) note that theirs does not find
salt that was not in its training; this page repeats that in small: a network is trained on layers
without salt, then meets a body of salt. FWI, which was taught nothing, and the hybrid see the same
data, and so does a second network that is the first one taught a little about salt.
"""

import tempfile
from pathlib import Path

import numpy as np
import torch

import pylops_vmb as vmb
from pylops_vmb.learned import Card, LearnedInversion, Preprocessing
from pylops_vmb.training import Simulation, Trainer, TrainingConfig, finetune, simulate

# %%
# A network without salt
# ----------------------
# The networks in the wheel have seen some salt, so a small one is trained here: folded layers, a
# small survey, a quarter of a minute.
folder = Path(tempfile.mkdtemp())
dims, spacing = (32, 24), (20.0, 20.0)
x = 20.0 * np.arange(32)
acq = vmb.Acquisition.fixed_spread(x[[4, 16, 27]], x, nt=120, dt=0.006, f0=7.0)
prepare = Preprocessing(step=2, gain=0.02)
layers = vmb.velocity.CurvedLayers(dims, seed=0)
with_salt = vmb.velocity.SaltBodies(dims, seed=1, background=layers, area=(0.08, 0.2))
data = simulate(folder / "layers", Simulation(layers, acq, spacing, prepare), count=240)
torch.manual_seed(0)
net = vmb.networks.build(
    "fcnvmb-repaired", in_channels=3, in_shape=(60, 32), out_shape=(24, 32), width=8, depth=3
)
config = TrainingConfig(epochs=14, batch=8)
file = folder / "net.safetensors"
net = Trainer(net, data, data, preprocessing=prepare, config=config, checkpoint=file).fit()
name = {"name": "fcnvmb-repaired", "config": net.config}
G = LearnedInversion(net, Card("layers", name, vmb.Grid(dims, spacing), acq, prepare))

# %%
# And one that has seen some
# --------------------------
# Fine-tuned on 48 models with salt, none of which is shown below.
salt_data = simulate(folder / "salt", Simulation(with_salt, acq, spacing, prepare), count=48)
tuned = finetune(G, salt_data, validation=salt_data, config=TrainingConfig(epochs=15, batch=8))

# %%
# Six models with salt
# --------------------
# Numbers from 1 000 000 on, as they come. FWI starts from a model that is linear in depth.
F = vmb.AcousticModelling2D(G.grid, acq)
x0 = vmb.inversion.linear_start(G.grid)
settings = {"niter": 10, "bounds": (1500.0, 4500.0)}
results = {}
for number in range(1_000_000, 1_000_006):
    true = with_salt.sample(number)
    dobs = F(true)
    models = {
        "true": true,
        "network": G(dobs),
        "FWI from linear": vmb.fwi(F, dobs, x0, **settings).vp,
        "hybrid": vmb.hybrid(F, dobs, G, x0=x0, **settings).vp,
        "network, salt seen": tuned(dobs),
    }
    results[number] = models

# %%
# In the body and around it
# -------------------------
# Mean absolute error in the salt, in the rest, and the mean velocity that a method gives to the
# salt, which is 4500 m/s.


def scores(name):
    rows = []
    for models in results.values():
        salt = models["true"] == 4500.0
        error = abs(models[name] - models["true"])
        rows.append((error[salt].mean(), error[~salt].mean(), models[name][salt].mean()))
    return np.mean(rows, axis=0)


table = {name: scores(name) for name in models}
print(f"{'':20s} in salt  around  velocity in salt (m/s)")
for name, (inside, around, velocity) in table.items():
    print(f"{name:20s} {inside:7.0f} {around:7.0f} {velocity:10.0f}")

layered = [layers.sample(number) for number in range(1_000_000, 1_000_006)]
known = np.mean([vmb.metrics.mae(G(F(vp)), vp) for vp in layered])
print(f"the network on layers, as in its training: {known:.0f} m/s")

# %%
# The first of the six.
axes = vmb.plotting.plot_comparison(results[1_000_000], G.grid, vmin=1500, vmax=4500)
axes[0].figure.set_size_inches(13, 3.2)

# %%
# What to learn from it
# ---------------------
# A network without salt puts layers where the salt is, as sure as ever. FWI is not bound to a
# training and sees that something fast is there; from the network's start it sees more of it, as
# far as this band and these few iterations reach. A few dozen examples of salt change the network
# more than either: what matters is what the training holds, so ask the card. Six models, one tiny
# network and a 7 Hz wavelet; at a larger scale see :doc:`/hybrid_more`.
truth, network, hybrid, seen = (
    table[name] for name in ("true", "network", "hybrid", "network, salt seen")
)
assert truth[2] == 4500.0
assert network[0] > 2.5 * known
assert hybrid[0] < 0.95 * network[0]
assert seen[0] < 0.85 * network[0]

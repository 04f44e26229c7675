r"""
Networks side by side
=====================

Every network here maps gathers ``(batch, ns, nt, nr)`` to velocity ``(batch, 1, nz, nx)`` in
m/s, and is built by name from a configuration that a card of weights can store. This page
builds five of them for one survey and compares shapes, parameters, memory and time.

You will be able to estimate what a network costs before you train it. It says nothing about
which one predicts best: for that they must be trained on the same data, and compared on
data that none has seen.
"""

from time import perf_counter

import matplotlib.pyplot as plt
import numpy as np
import torch

import pylops_vmb as vmb

# %%
# By name
# -------
#
# The survey is OpenFWI's, five shots and 70 receivers, with every fifth of its 1000 samples, as
# Yang and Ma (2019, Geophysics) thin theirs. ``width`` counts the filters of the first level.

ns, in_shape, out_shape = 5, (200, 70), (70, 70)
survey = {"in_channels": ns, "in_shape": in_shape, "out_shape": out_shape}
choices = {
    "FCNVMB as published": (
        "fcnvmb",
        {"n_classes": 1, "in_channels": ns, "out_shape": out_shape},
    ),
    "FCNVMB repaired": ("fcnvmb-repaired", survey),
    "FCN-8s": ("dense-velocity", {**survey, "body": "fcn-8s"}),
    "U-Net": ("dense-velocity", {**survey, "body": "unet"}),
    "InversionNet": ("inversionnet", survey),
}
print(", ".join(vmb.networks.available()))

# %%
# What they hold, without holding it
# ----------------------------------
#
# On torch's ``meta`` device a network has shapes and no numbers: even the largest is there at
# once, at its published width. Beside the parameters, a training keeps the maps that the
# backward pass will need; torch says which they are, and each is counted once, in float32. The
# FCN-8s and the U-Net have no batch norm, as published, which is one map less a layer.


def count(name, config, batch=2):
    """Return output shape, number of parameters, and MiB of kept maps a sample."""
    kept = {}

    def keep(tensor):
        storage = tensor.untyped_storage()
        kept[storage._cdata] = storage.nbytes()
        return tensor

    with torch.device("meta"):
        net = vmb.networks.build(name, **config)
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            vp = net(torch.empty(batch, ns, *in_shape))
    for tensor in net.state_dict().values():
        kept.pop(tensor.untyped_storage()._cdata, None)
    parameters = sum(p.numel() for p in net.parameters())
    return tuple(vp.shape), parameters, sum(kept.values()) / batch / 2**20


counted = {label: count(*choice) for label, choice in choices.items()}
for label, (shape, parameters, mib) in counted.items():
    print(f"{label:20s} {shape}  {parameters / 1e6:6.1f} million  {mib:6.0f} MiB a sample")

# %%
# Time of a training step
# -----------------------
#
# One forward and one backward pass of two samples on this machine, at a quarter of the width
# (16; InversionNet 8).

torch.manual_seed(0)
gathers = torch.randn(2, ns, *in_shape)
seconds = {}
for label, (name, config) in choices.items():
    net = vmb.networks.build(name, **config, width=8 if name == "inversionnet" else 16)
    passes = []
    for _ in range(3):
        start = perf_counter()
        net(gathers).mean().backward()
        passes.append(perf_counter() - start)
    seconds[label] = min(passes)

fig, axes = plt.subplots(1, 3, figsize=(9, 2.8), sharey=True, layout="constrained")
labels = list(choices)
bars = {
    "parameters (millions)": [counted[label][1] / 1e6 for label in labels],
    "kept maps (MiB a sample)": [counted[label][2] for label in labels],
    "step at a quarter width (ms)": [1e3 * seconds[label] for label in labels],
}
for ax, (title, values) in zip(axes, bars.items(), strict=True):
    ax.barh(labels, values)
    ax.set_xlabel(title)
axes[0].invert_yaxis()

# %%
# What the repair changed
# -----------------------
#
# Both FCNVMB have the same levels. The published one works on the gathers at their full length
# and crops; the repaired one brings them near the size of the velocity model first. So its
# parameters are as many, and its maps are fewer. How one came from the other is told
# in :ref:`sphx_glr_gallery_tutorials_plot_vgg_to_fcnvmb.py`.

published, repaired = counted["FCNVMB as published"], counted["FCNVMB repaired"]
print(f"published over repaired: {published[2] / repaired[2]:.1f} times the maps")

# %%
# A network with weights
# ----------------------
#
# The network in the wheel is a repaired FCNVMB of width 16; its card has the configuration.

G = vmb.LearnedInversion.from_pretrained()
own = vmb.networks.build(G.card.network["name"], **G.card.network["config"])
small = sum(p.numel() for p in own.parameters())
print(f"{G.card.network['name']}: {small / 1e6:.2f} million parameters")

assert {shape for shape, _, _ in counted.values()} == {(2, 1, *out_shape)}
assert abs(published[1] / repaired[1] - 1.0) < 0.02
assert published[2] > 1.5 * repaired[2]
assert small < 0.1 * repaired[1]
assert np.isfinite(list(seconds.values())).all()

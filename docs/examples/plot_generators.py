r"""
Velocity generators
===================

A network is as good as the models that it was trained on. The generators of
`pylops_vmb.velocity` draw them: layers, folds, faults, salt, smooth fields, and mixtures of
them. This page shows the families, what "reproducible by index" means, and how to compare
two sets of models by their figures.

You will be able to choose a generator, to vary its settings and to store it beside your data.
How to write one of your own is told in :doc:`/extending`.
"""

import json

import matplotlib.pyplot as plt
import numpy as np

import pylops_vmb as vmb
from pylops_vmb.velocity import statistics

# %%
# The families
# ------------
#
# Each is a dataclass with its dims ``(nx, nz)`` first. All lengths are shares of the grid, so
# that a finer grid shows the same geology.

dims = (70, 70)
grid = vmb.Grid(dims, spacing=10.0)
velocity = vmb.velocity
folded = velocity.CurvedLayers(dims, seed=1)
families = [
    velocity.FlatLayers(dims, seed=1),
    folded,
    velocity.FaultedLayers(dims, seed=1, background=folded),
    velocity.SaltBodies(dims, seed=1, background=folded),
    velocity.Gradients(dims, seed=1),
    velocity.SmoothFields(dims, seed=1),
    velocity.fcnvmb_like(dims, seed=1),
    velocity.seg_salt_like(dims, seed=1),
]

fig, axes = plt.subplots(2, 4, figsize=(10, 5.4), sharex=True, sharey=True, layout="constrained")
for ax, family in zip(axes.flat, families, strict=True):
    vmb.plotting.plot_velocity(
        family[2],
        grid,
        ax=ax,
        vmin=1500.0,
        vmax=4500.0,
        colorbar=False,
        title=type(family).__name__,
    )
    ax.label_outer()
fig.colorbar(axes[0, 0].images[0], ax=axes, label="velocity (km/s)", shrink=0.8)

# %%
# Model ``i`` is model ``i``
# --------------------------
#
# A model depends on the settings, the seed and its index, never on what was drawn before. A
# data set can so be made in parts, in any order and on any number of processes.

mixture = velocity.openfwi_like(dims, seed=5)
assert np.array_equal(mixture[1000], mixture.batch(990, 20)[10])
assert not np.array_equal(mixture[1000], velocity.openfwi_like(dims, seed=6)[1000])
print(mixture[1000].shape, mixture[1000].dtype)

# %%
# The settings are plain JSON, and rebuild the generator. That is what a card of weights and a
# data set store.

stored = json.dumps(mixture.config)
again = velocity.VelocityGenerator.from_config(json.loads(stored))
assert np.array_equal(again[1000], mixture[1000])
print(stored[:150], "...")

# %%
# A mixture of one's own
# ----------------------
#
# Weights and members; ``member`` says which one draws a model.

mine = velocity.Mixture(
    [
        (0.7, velocity.FaultedLayers(dims, faults=(2, 3), vp_range=(1800.0, 3800.0))),
        (0.3, velocity.SaltBodies(dims, area=(0.05, 0.1), vp_range=(1800.0, 4500.0))),
    ],
    seed=0,
)
salty = [isinstance(mine.member(i), velocity.SaltBodies) for i in range(300)]
share = np.mean(salty)
print(f"with salt: {100 * share:.0f} % of 300 models")

# %%
# Are two sets alike?
# -------------------
#
# ``statistics.describe`` measures each model: its layers, interfaces and salt.
# ``statistics.distances`` gives the Kolmogorov-Smirnov distance of each figure, 0 for one
# distribution and 1 for no overlap. Two seeds of a generator differ by chance only; flat
# layers alone have the same mean velocities, and give themselves away by their relief.

count = 150
one, other, flat = (
    statistics.describe(generator.batch(0, count), vp_salt=4500.0)
    for generator in (
        velocity.openfwi_like(dims, seed=1),
        velocity.openfwi_like(dims, seed=2),
        velocity.FlatLayers(dims, seed=1),
    )
)
names = ["vp_mean", "vp_rise", "relief_mean", "first_layer", "salt_area"]
same, different = statistics.distances(one, other), statistics.distances(one, flat)

fig, ax = plt.subplots(figsize=(7, 3), layout="constrained")
places = np.arange(len(names))
ax.barh(places - 0.2, [same[name] for name in names], 0.4, label="another seed")
ax.barh(places + 0.2, [different[name] for name in names], 0.4, label="flat layers alone")
ax.set_yticks(places, names)
ax.invert_yaxis()
ax.set(xlabel="Kolmogorov-Smirnov distance (0 to 1)", xlim=(0.0, 1.0))
ax.legend()

assert abs(share - 0.3) < 0.1
assert max(same[name] for name in names) < 0.2
assert different["relief_mean"] > 0.5

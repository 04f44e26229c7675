r"""
Files
=====

Gathers travel with their survey, and velocities with their grid. This page writes one data
set as SEG-Y, as a bundle of NumPy and in OpenFWI's form, reads each back, and lets the reader
find a broken file.

You will be able to bring your data in, and to hand results on. All formats, and what a file
must say, are in :doc:`/segy` and :doc:`/files`.
"""

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import pylops_vmb as vmb

# %%
# A small data set
# ----------------
#
# Everything is written into a temporary folder.

folder = Path(tempfile.mkdtemp())
vp = vmb.velocity.FaultedLayers((80, 40), seed=2)[4]
grid = vmb.Grid(dims=vp.shape, spacing=10.0)
acq = vmb.Acquisition.streamer(
    [500.0, 600.0, 700.0], -np.arange(50.0, 500.0, 10.0), nt=400, dt=2e-3, f0=12.0
)
d = vmb.AcousticModelling2D(grid, acq)(vp)

# %%
# SEG-Y
# -----
#
# Positions, time step and delay go into the headers. The source wavelet has no place there:
# without one the reader says that ``f0`` or ``wav`` is needed to model. ``summary`` tells what
# a file holds without loading it.

vmb.io.write_gathers(folder / "shots.sgy", d, acq)
vmb.io.write_velocity(folder / "vp.sgy", vp, grid)

print(vmb.io.summary(folder / "shots.sgy"))

# %%

dd, survey = vmb.io.read_gathers(folder / "shots.sgy", wav=acq.wav, wavc=acq.wavc, f0=acq.f0)
print(survey)
print("largest difference:", np.abs(dd - d).max())

ax = vmb.plotting.plot_gather(dd, survey, shot=1, title="read from SEG-Y, shot 1", colorbar=True)

# %%
# One shot at a time
# ------------------
#
# A line that does not fit into the memory is opened, not read.

file = vmb.io.open_gathers(folder / "shots.sgy", f0=acq.f0)
second, recs = file.shot(1)
print(second.shape, "from", recs[0].min(), "to", recs[0].max(), "m")

# %%
# Bundles of NumPy
# ----------------
#
# ``.npz`` keeps everything to the bit, the wavelet included.

vmb.io.write_npz_gathers(folder / "shots.npz", d, acq)
vmb.io.write_npz(folder / "vp.npz", vp, grid)
same, same_acq = vmb.io.read_npz_gathers(folder / "shots.npz")
same_vp, same_grid = vmb.io.read_npz(folder / "vp.npz")

# %%
# Files for networks
# ------------------
#
# OpenFWI stores ``(n, ns, nt, nr)`` and ``(n, 1, nz, nx)``. The readers return PyLops' order,
# so that no transpose is left to you, and map the file into memory instead of loading it.

vmb.io.write_openfwi(folder / "data1.npy", d[None])
vmb.io.write_openfwi(folder / "model1.npy", vp[None])
stored = np.load(folder / "data1.npy").shape
gathers = vmb.io.read_openfwi(folder / "data1.npy")
print(f"in the file {stored}, in the hand {gathers.shape}")

# %%
# A broken file
# -------------
#
# The length of a file and its headers must agree. A copy that was cut short is not read as
# if it were whole.

whole = (folder / "shots.sgy").read_bytes()
(folder / "cut.sgy").write_bytes(whole[: len(whole) // 2 + 100])
try:
    vmb.io.read_gathers(folder / "cut.sgy", f0=12.0)
    message = ""
except vmb.errors.VMBFileError as error:
    message = str(error)
print(message)

# %%
# What it costs
# -------------

files = sorted(path for path in folder.iterdir() if path.name != "cut.sgy")
fig, ax = plt.subplots(figsize=(6, 2.6), layout="constrained")
ax.barh([path.name for path in files], [path.stat().st_size / 1e3 for path in files])
ax.set(xlabel="size (kB)")

assert np.array_equal(dd, d)
assert np.array_equal(second, d[1])
assert survey == acq
assert np.array_equal(same, d)
assert same_acq == acq
assert np.array_equal(same_vp, vp)
assert same_grid == grid
assert np.array_equal(gathers[0], d)
assert "cut.sgy" in message

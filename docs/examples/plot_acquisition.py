r"""
Acquisition
===========

A survey is one object, `pylops_vmb.Acquisition`: where sources and receivers are (m), the
time axis (s), and the wavelet. This page makes the two common layouts, a fixed spread and a
streamer, looks at them, and lets the object refuse a survey that does not lie on its grid.

You will be able to describe your own survey, to take some of its shots, and to write it
beside your data. Units and axis orders are those of :doc:`/conventions`.
"""

import matplotlib.pyplot as plt
import numpy as np

import pylops_vmb as vmb

# %%
# A grid, and receivers that stay
# -------------------------------
#
# `pylops_vmb.Grid` counts cells as ``(nx, nz)``, with z downwards. In a fixed spread every
# shot is recorded by the same receivers; positions along x are enough.

grid = vmb.Grid(dims=(200, 80), spacing=10.0)
fixed = vmb.Acquisition.fixed_spread(
    xs=np.linspace(100.0, 1900.0, 7),
    xr=grid.x[::4],
    nt=1200,
    dt=1e-3,
    f0=12.0,
    zs=10.0,
)
print(grid)
print(fixed)

# %%
# A streamer, and what ``recs`` holds
# -----------------------------------
#
# In a streamer the receivers move with the source: ``recs`` has a spread for each shot.
# ``vmb.Acquisition(srcs, recs, nt=nt, dt=dt, wav=wav)`` takes any positions and any wavelet.

streamer = vmb.Acquisition.streamer(
    xs=np.arange(1000.0, 1901.0, 150.0),
    offsets=-np.arange(100.0, 1000.0, 25.0),
    nt=1200,
    dt=1e-3,
    f0=12.0,
    zs=10.0,
    zr=10.0,
)
print(streamer)
print("rows x and z:", fixed.recs.shape, "fixed,", streamer.recs.shape, "streamer")

fig, axes = plt.subplots(2, 1, figsize=(7, 5), sharex=True, layout="constrained")
vmb.plotting.plot_spread(fixed, ax=axes[0], title="fixed spread")
vmb.plotting.plot_spread(streamer, ax=axes[1], title="streamer")

# %%
# Shots that share few midpoints leave the ground between them uncovered; the fold shows it.

ax = vmb.plotting.plot_fold(streamer, width=50.0, title="fold of the streamer")

# %%
# The wavelet is causal
# ---------------------
#
# A zero-phase Ricker wavelet begins before time zero, a simulation does not. The wavelet is
# delayed once, here, and the delay is kept: an event arrives ``acq.delay`` after its travel
# time.

low, peak, high = fixed.band(level=0.1)
fig, ax = plt.subplots(figsize=(7, 2.6), layout="constrained")
ax.plot(1e3 * fixed.dt * np.arange(fixed.wav.size), fixed.wav)
ax.axvline(1e3 * fixed.delay, color="k", ls=":", label=f"its time zero, {1e3 * fixed.delay:g} ms")
ax.set(xlabel="time (ms)", ylabel="amplitude (1 at the peak)")
ax.set_title(f"peak at {peak:.3g} Hz, over 10 % of it from {low:.2g} to {high:.3g} Hz")
ax.legend()

# %%
# What it refuses
# ---------------
#
# A survey given in cells or kilometres is a common mistake. The message says what is wrong,
# what was found and what to do.

far = vmb.Acquisition.fixed_spread([500.0], [100.0, 2100.0], nt=1200, dt=1e-3, f0=12.0)
try:
    far.check(grid)
except vmb.errors.VMBValueError as error:
    print(error)

# %%
# Some shots, and plain numbers
# -----------------------------
#
# ``select`` takes shots. ``to_dict`` gives plain lists and numbers for JSON, and
# ``from_dict`` the same survey back.

some = streamer.select(slice(0, None, 3))
again = vmb.Acquisition.from_dict(some.to_dict())
print(again)

streamer.check(grid)
assert again == some
assert np.isclose(fixed.wav[fixed.wavc], fixed.wav.max())
assert abs(peak - fixed.f0) < 0.5
assert np.allclose(streamer.offsets, streamer.offsets[0])

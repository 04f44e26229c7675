"""What goes wrong in practice, and what then happens.

Elsewhere: data that are zero, complex or of a wrong shape, and settings that make no sense
(``test_fwi.py``); a checkpoint of another run (``test_resume.py``); Ctrl-C within callbacks
(``test_callbacks.py``); dead traces and shots (``test_misfits.py``, ``test_sources.py``);
velocities and surveys that cannot be modelled, in detail (``modelling/test_refusals.py``).
"""

import errno
import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from pylops.optimization.callback import Callbacks

import pylops_vmb as vmb
from pylops_vmb.errors import VMBRuntimeError, VMBValueError
from pylops_vmb.inversion.autosave import AutoSave
from pylops_vmb.inversion.comparisons import huber
from pylops_vmb.io import load_checkpoint

SETTINGS = {
    "niter": 3,
    "bands": (20.0, None),
    "misfit": {"l2": 1.0, partial(huber, threshold=0.5): 0.5},
    "shots": 2,
    "seed": 3,
    "estimate_source": True,
}


def survey(xs=(50.0, 110.0, 180.0), xr=tuple(range(0, 240, 10)), **changes):
    """Return two layers under a line, and their data."""
    fields = {"nt": 160, "dt": 0.001, "f0": 20.0} | changes
    acq = vmb.Acquisition.fixed_spread(list(xs), list(xr), **fields)
    F = vmb.AcousticModelling2D(vmb.Grid((24, 16), 10.0), acq)
    true = np.full(F.dims, 2000.0, dtype="float32")
    true[:, 8:] = 2500.0
    return F, F(true)


def invert(path=None, callbacks=None, **changes):
    """Run an inversion that uses everything which a checkpoint must hold."""
    F, dobs = survey()
    x0 = np.full(F.dims, 2200.0, dtype="float32")
    return vmb.fwi(F, dobs, x0, checkpoint=path, callbacks=callbacks, **SETTINGS | changes)


def assert_same(one, other):
    np.testing.assert_array_equal(one.vp, other.vp)
    assert one.cost.tolist() == other.cost.tolist()
    assert one.status == other.status


@pytest.fixture(scope="module")
def whole():
    return invert()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.safetensors"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"xr": (0.0, 2400.0)}, r"acq: receiver 1 lies outside .*, got x = 2400 m.*Move the rec"),
        ({"dt": 0.5, "f0": 0.4}, r"dt: is \d+ times the largest stable step .*got 0\.5 s\. Give"),
        ({"nt": 100}, r"wav: must not be longer than the record of 100 samples, got 111 .*Cut"),
    ],
)
def test_surveys_that_cannot_be_modelled_are_refused_in_three_parts(changes, message):
    with pytest.raises(VMBValueError, match=message):
        survey(**changes)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_one_bad_sample_or_cell_is_refused_before_anything_is_computed(bad):
    F, dobs = survey()
    x0 = np.full(F.dims, 2200.0, dtype="float32")
    spoilt, hole = dobs.copy(), x0.copy()
    spoilt[1, 3, 50] = hole[5, 5] = bad
    message = "must be finite, got 1 NaN or infinite values. M"
    with pytest.raises(VMBValueError, match=f"dobs: {message}"):
        vmb.fwi(F, spoilt, x0)
    with pytest.raises(VMBValueError, match=f"x0: {message}"):
        vmb.fwi(F, dobs, hole)
    with pytest.raises(VMBValueError, match=f"vp: {message}"):
        F(hole)


@pytest.mark.parametrize("changes", [{"xs": (110.0,)}, {"xr": (180.0,)}], ids=["shot", "receiver"])
@pytest.mark.parametrize("misfit", ["l2", "cross_correlation", "envelope"])
def test_a_single_shot_and_a_single_receiver_are_enough(changes, misfit):
    F, dobs = survey(**changes)
    x0 = np.full(F.dims, 2200.0, dtype="float32")
    result = vmb.fwi(F, dobs, x0, misfit=misfit, niter=2, bands=(20.0,), estimate_source=True)
    assert result.vp.shape == F.dims
    assert 0.0 < result.cost[1] < result.cost[0] < 1.0


def every_other(a):
    return np.repeat(a, 2, axis=0)[::2]


def backwards(a):
    return np.ascontiguousarray(a[..., ::-1])[..., ::-1]


def big_endian(a):
    return a.astype(">f4")


def read_only(a):
    a = a.copy()
    a.flags.writeable = False
    return a


@pytest.mark.parametrize(
    "awkward", [every_other, backwards, big_endian, read_only, np.asfortranarray]
)
def test_arrays_of_any_layout_give_the_same_to_the_bit(awkward, whole):
    F, dobs = survey()
    x0 = np.full(F.dims, 2200.0, dtype="float32")
    assert awkward(x0).dtype != x0.dtype or not (
        awkward(x0).flags.c_contiguous and awkward(x0).flags.writeable
    )
    np.testing.assert_array_equal(F(awkward(x0)), F(x0))
    J = F.jacobian(x0)
    np.testing.assert_array_equal(J.H @ awkward(dobs), J.H @ dobs)
    assert_same(vmb.fwi(F, awkward(dobs), awkward(x0), **SETTINGS), whole)


def test_a_band_in_which_nothing_helps_gives_way_to_the_next():
    F, dobs = survey()
    true = np.full(F.dims, 2000.0, dtype="float32")
    true[:, 8:] = 2500.0
    result = vmb.fwi(F, dobs, true, niter=5, bands=(20.0, None), tv=0.0)
    assert [entry.band for entry in result.history] == [20.0, np.inf]
    assert result.status == "stalled"
    np.testing.assert_array_equal(result.vp, true)


class Stopping(Callbacks):
    """Calls a function once so many steps are done."""

    def __init__(self, after, what):
        self.after, self.what = after, what

    def on_step_begin(self, solver, _):
        if solver.iiter == self.after:
            self.what()


def press():
    raise KeyboardInterrupt


def kill():
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("after", [0, 1, 4])
def test_ctrl_c_returns_what_there_is_and_resumes_to_the_bit(path, whole, after):
    part = invert(path, [Stopping(after, press)])
    assert (part.status, part.niter) == ("interrupted", after)
    assert part.cost.tolist() == whole.cost[:after].tolist()
    np.testing.assert_array_equal(load_checkpoint(path)["state"]["x"], part.vp)
    assert_same(invert(path), whole)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_a_killed_process_is_resumed_to_the_bit(path, whole):
    """Another process dies in the middle of a band; functions lie elsewhere in its memory."""
    script = f"""
from pylops_vmb.inversion.autosave import AutoSave
from test_faults import Stopping, invert, kill
AutoSave.__init__.__kwdefaults__["every"] = 0.0
invert({str(path)!r}, [Stopping(4, kill)])
"""
    folders = [str(Path(vmb.__file__).parents[1]), str(Path(__file__).parent)]
    env = os.environ | {
        "PYTHONPATH": os.pathsep.join(folders),
        "OMP_NUM_THREADS": str(torch.get_num_threads()),
    }
    died = subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, check=False)
    assert died.returncode == -signal.SIGKILL, died.stderr.decode()
    assert len(load_checkpoint(path)["state"]["history"]) == 4
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    assert_same(invert(path), whole)


def test_a_full_disk_leaves_the_last_whole_checkpoint(path, whole, monkeypatch):
    from pylops_vmb.io import _document  # noqa: PLC0415

    monkeypatch.setitem(AutoSave.__init__.__kwdefaults__, "every", 0.0)
    save_file = _document.save_file

    def fill_the_disk():
        def half(tensors, name, metadata):
            save_file(tensors, name, metadata=metadata)
            os.truncate(name, os.path.getsize(name) // 2)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(_document, "save_file", half)

    with pytest.raises(OSError, match="No space left on device"):
        invert(path, [Stopping(2, fill_the_disk)])
    monkeypatch.setattr(_document, "save_file", save_file)
    assert len(load_checkpoint(path)["state"]["history"]) == 2
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    assert_same(invert(path), whole)


class Breaking(vmb.NonlinearOperator):
    """Doubles, until it has been asked three times; its gradient is then NaN, or its data are."""

    def __init__(self, *, silently):
        super().__init__((6, 5), (6, 5))
        self.count, self.silently = 0, silently

    def _apply(self, x):
        self.count += 1
        if self.count < 4:
            return 2.0 * x
        zero = x - x.detach()
        return 2.0 * x + zero.sqrt() * 0.0 if self.silently else x / zero


@pytest.mark.parametrize("silently", [False, True], ids=["data", "gradient"])
@pytest.mark.parametrize("optimiser", ["adam", "lbfgs"])
def test_a_run_that_breaks_leaves_its_last_good_model(path, optimiser, silently):
    F, x0 = Breaking(silently=silently), np.full((6, 5), 2000.0)
    settings = {"niter": 9, "optimiser": optimiser, "tv": 0.0, "checkpoint": path}
    if optimiser == "adam":
        with pytest.raises(VMBRuntimeError, match=r"diverged in iteration 4 .*objective of nan\."):
            vmb.fwi(F, np.full((6, 5), 6000.0), x0, **settings)
    else:  # trials that fail are shortened, until there is no step left
        result = vmb.fwi(F, np.full((6, 5), 6000.0), x0, **settings)
        assert result.status == "stalled"
    state = load_checkpoint(path)["state"]
    assert 2 <= len(state["history"]) <= 3
    assert bool(state["x"].isfinite().all())
    assert float((state["x"] - 3000.0).abs().max()) < 1000.0

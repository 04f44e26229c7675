"""What things cost, in counts that no busy machine changes: simulations, bytes, copies."""

from collections import Counter
from collections.abc import Callable, Iterator

import deepwave
import numpy as np
import pylops
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

import pylops_vmb as vmb
from pylops_vmb.inversion import Objective
from pylops_vmb.inversion.bands import LowPass

NS, NITER = 3, 4


class Ledger(TorchDispatchMode):
    """Writes down every operation of torch, what it allocates, and what changes its device."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: Counter[str] = Counter()
        self.allocated: list[int] = []
        self.travels: list[str] = []
        self.cast: list[tuple[int, ...]] = []

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        out = operation(*args, **(kwargs or {}))
        name = operation.overloadpacket.__name__
        self.calls[name] += 1
        given = [one for one in args if isinstance(one, torch.Tensor)]
        for made in out if isinstance(out, (tuple, list)) else (out,):
            if isinstance(made, torch.Tensor):
                self._note(name, given, made)
        return out

    def _note(self, name: str, given: list[torch.Tensor], made: torch.Tensor) -> None:
        storage = made.untyped_storage()
        if storage.data_ptr() not in {one.untyped_storage().data_ptr() for one in given}:
            self.allocated.append(storage.nbytes())
        if any(one.device != made.device for one in given):
            self.travels.append(name)
        if name == "_to_copy" and given[0].dtype != made.dtype:
            self.cast.append(tuple(made.shape))

    def larger(self, size: int) -> list[int]:
        """Return the allocations of at least so many bytes."""
        return [nbytes for nbytes in self.allocated if nbytes >= size]


@pytest.fixture
def grid() -> vmb.Grid:
    return vmb.Grid((24, 16), 10.0)


@pytest.fixture
def acq(grid: vmb.Grid) -> vmb.Acquisition:
    return vmb.Acquisition.fixed_spread(
        [40.0, 120.0, 200.0], grid.x, nt=160, dt=2e-3, f0=15.0, zs=10.0, zr=10.0
    )


@pytest.fixture
def F(grid: vmb.Grid, acq: vmb.Acquisition) -> vmb.AcousticModelling2D:
    return vmb.AcousticModelling2D(grid, acq)


@pytest.fixture
def x0(grid: vmb.Grid) -> np.ndarray:
    return np.full(grid.dims, 2200.0, np.float32)


@pytest.fixture
def dobs(F: vmb.AcousticModelling2D, x0: np.ndarray) -> np.ndarray:
    true = x0.copy()
    true[:, 8:] = 2600.0
    return F(true)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Run all shots in this thread, where the ledger sees them."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def simulations(
    F: vmb.AcousticModelling2D, dobs: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> Counter[str]:
    """Count the shots that the propagator simulates from now on."""
    counts: Counter[str] = Counter()
    for name in ("scalar", "scalar_born"):
        monkeypatch.setattr(deepwave, name, counting(counts, name, getattr(deepwave, name)))
    return counts


def counting(counts: Counter[str], name: str, call: Callable) -> Callable:
    def counted(*args, **kwargs):
        counts[name] += len(kwargs["source_amplitudes"])
        return call(*args, **kwargs)

    return counted


def objective(F: vmb.AcousticModelling2D, dobs: np.ndarray, corner: float) -> Objective:
    lowpass = LowPass(corner, F.acq.nt, F.acq.dt)
    return Objective(F, torch.from_numpy(dobs), misfit="l2", lowpass=lowpass)


@pytest.mark.parametrize("bands", [[None], [10.0, None]])
def test_an_iteration_of_fwi_simulates_each_shot_once(F, dobs, x0, simulations, bands):
    vmb.fwi(F, dobs, x0=x0, bands=bands, niter=NITER)
    assert simulations == {"scalar": NS * (NITER + 1) * len(bands)}  # one to begin a band


def test_a_gradient_simulates_each_shot_once_and_a_misfit_too(F, dobs, x0, simulations):
    phi, x = objective(F, dobs, np.inf), torch.from_numpy(x0)
    phi(x)
    assert simulations == {"scalar": NS}
    phi.misfit(x)
    assert simulations == {"scalar": 2 * NS}


@pytest.mark.parametrize("ns", [3, 9])
def test_where_nothing_is_stored_a_call_takes_up_to_eight_shots(grid, ns, x0, monkeypatch):
    calls = []
    scalar = deepwave.scalar
    monkeypatch.setattr(
        deepwave,
        "scalar",
        lambda *args, **kw: (calls.append(len(kw["source_amplitudes"])), scalar(*args, **kw))[1],
    )
    acq = vmb.Acquisition.fixed_spread(10.0 * np.arange(ns), grid.x, nt=160, dt=2e-3, f0=15.0)
    vmb.AcousticModelling2D(grid, acq)(x0)
    assert calls == {3: [3], 9: [4, 5]}[ns]


def test_an_iteration_of_a_solver_is_one_product_each_way(F, dobs, x0, simulations):
    residual, J = F.linearize(x0)
    simulations.clear()
    pylops.optimization.basic.cgls(J, (dobs - residual).ravel(), niter=NITER, tol=0.0)
    # cgls begins with one; the forward pass is kept for the adjoints
    assert simulations == {"scalar_born": NS * (NITER + 1)}


@pytest.mark.parametrize("corner", [10.0, np.inf])
def test_a_gradient_stores_what_the_plan_says(F, dobs, x0, corner):
    phi, x = objective(F, dobs, corner), torch.from_numpy(x0)
    phi(x)
    band = LowPass(corner, F.acq.nt, F.acq.dt).fmax
    plan = F.for_band(min(band, F.acq.fmax)).memory
    with Ledger() as ledger:
        phi(x)
    assert plan.interval >= 4
    assert ledger.larger(plan.per_shot) == [plan.per_shot] * NS


def test_a_jacobian_stores_every_step(F, x0):
    with Ledger() as ledger:
        F.jacobian(x0)
    assert ledger.larger(F.memory.per_shot) == [F.memory.per_shot] * NS


def test_numpy_goes_in_and_comes_out_without_a_copy(F, x0):
    x = torch.from_numpy(x0)
    F(x0), F(x)
    with Ledger() as numpy:
        F(x0)
    with Ledger() as tensor:
        F(x)
    for name in ("_to_copy", "clone", "copy_"):
        assert numpy.calls[name] == tensor.calls[name]
    assert sum(numpy.allocated) == sum(tensor.allocated)


@pytest.fixture(scope="module")
def learned() -> dict[str, vmb.LearnedInversion]:
    return {
        name: vmb.LearnedInversion.from_pretrained(precision=name)
        for name in ("float32", "bfloat16")
    }


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_prediction_is_its_convolutions(learned, precision):
    G = learned[precision]
    d = np.random.default_rng(0).standard_normal(G.dims).astype(np.float32)
    G(d)
    with Ledger() as ledger:
        G(d)
    kinds = (torch.nn.Conv2d, torch.nn.ConvTranspose2d)
    layers = [layer for layer in G.net.modules() if isinstance(layer, kinds)]
    assert ledger.calls["convolution"] == len(layers) + 1  # one to decimate
    assert not any("batch_norm" in name for name in ledger.calls)
    weights = {tuple(layer.weight.shape) for layer in layers}
    assert not weights & set(ledger.cast)  # they are kept in the precision of the products
    assert len(ledger.cast) <= 2 * (precision == "bfloat16") + 2
    assert len(ledger.allocated) < 110


@pytest.mark.cuda
@pytest.mark.parametrize("what", ["forward", "adjoint", "born", "gradient", "prediction"])
def test_nothing_leaves_the_gpu(F, dobs, x0, learned, what):
    x, d = torch.from_numpy(x0).cuda(), torch.from_numpy(dobs).cuda()
    J, phi, G = F.jacobian(x), objective(F, dobs, np.inf), learned["float32"]
    gathers = torch.randn(G.dims, device="cuda")
    call = {
        "forward": lambda: F(x),
        "adjoint": lambda: J.H @ d,
        "born": lambda: J @ x,
        "gradient": lambda: phi(x).gradient,
        "prediction": lambda: G(gathers),
    }[what]
    call()
    with Ledger() as ledger:
        call()
    assert ledger.travels == []

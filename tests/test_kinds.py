"""Kinds of arrays at every public door, and the page of the documentation made from them.

``python -m tests.test_kinds`` writes ``docs/kinds.rst`` from what the doors really do.
"""

import warnings
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pylops
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

import pylops_vmb as vmb
from pylops_vmb._backend import kind_of
from pylops_vmb.errors import VMBError
from pylops_vmb.inversion import lsm, rtm
from pylops_vmb.learned import Card, Preprocessing
from pylops_vmb.metrics import mae, relative_l2, rmse
from pylops_vmb.networks import build
from pylops_vmb.operators import VStack, cgls

PAGE = Path(__file__).parents[1] / "docs" / "kinds.rst"
DIMS = (24, 16)
CUDA = torch.cuda.is_available()
NOT_RUN = "not run: no CUDA device here"

INPUTS: dict[str, dict[str, Callable[[np.ndarray], Any]]] = {
    "NumPy": {
        "float32": lambda a: a.astype("f4"),
        "float64": lambda a: a.copy(),
    },
    "NumPy, big-endian, strided, read-only": {
        "big-endian": lambda a: a.astype(">f4"),
        "strided": lambda a: np.repeat(a, 2, axis=-1)[..., ::2],
        "read-only": lambda a: np.frombuffer(a.tobytes()).reshape(a.shape),
    },
    "torch, float16": {"float16": lambda a: torch.from_numpy(a).half()},
    "torch": {
        "torch float32": lambda a: torch.from_numpy(a).float(),
        "torch float64": torch.tensor,
    },
    "torch on CUDA": {
        "CUDA float32": lambda a: torch.from_numpy(a).float().cuda(),
        "CUDA float64": lambda a: torch.from_numpy(a).cuda(),
    },
    "CuPy": {
        "CuPy float32": lambda a: pytest.importorskip("cupy").asarray(a.astype("f4")),
        "CuPy float64": lambda a: pytest.importorskip("cupy").asarray(a),
    },
}
ON_DEVICE = ("torch on CUDA", "CuPy")


@cache
def case() -> SimpleNamespace:
    """Return modelling, an untrained network, velocities and data of one small survey."""
    grid = vmb.Grid(DIMS, 10.0)
    acq = vmb.Acquisition.fixed_spread([50.0, 180.0], 10.0 * np.arange(24), nt=60, dt=2e-3, f0=20.0)
    F = vmb.AcousticModelling2D(grid, acq, nbl=8)
    config = {"in_channels": 2, "in_shape": [60, 24], "out_shape": [16, 24], "width": 4}
    config |= {"depth": 2, "vp_range": [1500.0, 4500.0]}
    torch.manual_seed(3)
    net = build("fcnvmb-repaired", **config)
    card = Card("tiny", {"name": "fcnvmb-repaired", "config": config}, grid, acq, Preprocessing())
    vp = np.full(DIMS, 2000.0)
    true = vp.copy()
    true[:, 8:] = 2300.0
    d = F(true)
    R = pylops.Restriction(F.dimsd, [0, 5, 9], axis=1)
    operators = {"F": F, "RF": vmb.compose(R, F), "layer": vmb.to_module(F)}
    operators["G"] = vmb.LearnedInversion(net, card)
    return SimpleNamespace(**operators, vp=vp, d=d, dd=d - F(vp), dx=true - vp)


def jacobian(given: Any) -> vmb.Jacobian:
    """Return the Jacobian at a point of the kind of the array that it will meet."""
    return case().F.jacobian(kind_of(given).restore(torch.from_numpy(case().vp)))


ONCE = {"niter": 1, "bands": [None]}
DOORS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "F(vp)": ("vp", lambda a: case().F(a)),
    "F.linearize(vp)[0]": ("vp", lambda a: case().F.linearize(a)[0]),
    "J @ dx": ("dx", lambda a: jacobian(a) @ a),
    "J.H @ d": ("dd", lambda a: jacobian(a).H @ a),
    "compose(R, F)(vp)": ("vp", lambda a: case().RF(a)),
    "to_module(F)(vp)": ("vp", lambda a: case().layer(a)),
    "VStack([J, 2 * J]) @ dx": ("dx", lambda a: stack(a) @ a.reshape(-1)),
    "cgls(J, d)[0]": ("dd", lambda a: cgls(jacobian(a), a, niter=2)[0]),
    "rtm(F, vp, d)": ("dd", lambda a: rtm(case().F, like(a, "vp"), a)),
    "lsm(F, vp, d)[0]": ("dd", lambda a: lsm(case().F, like(a, "vp"), a, niter=1)[0]),
    "G(d)": ("d", lambda a: case().G(a)),
    "learned(G, d).vp": ("d", lambda a: vmb.learned(case().G, a).vp),
    "fwi(F, d).vp": ("d", lambda a: vmb.fwi(case().F, a, x0=like(a, "vp"), **ONCE).vp),
    "hybrid(F, d, G).vp": ("d", lambda a: vmb.hybrid(case().F, a, case().G, **ONCE).vp),
    "metrics.mae(vp, true)": ("vp", lambda a: mae(a, a + 1)),
    "metrics.rmse(vp, true)": ("vp", lambda a: rmse(a, a + 1)),
    "metrics.relative_l2(d, dobs)": ("d", lambda a: relative_l2(a, 2 * a)),
}
NUMBERS = tuple(name for name in DOORS if name.startswith("metrics"))
NUMPY_INSIDE = ("compose(R, F)(vp)",)  # R computes with NumPy


def like(given: Any, name: str) -> Any:
    """Return an array of the case in the kind of another."""
    return kind_of(given).restore(torch.from_numpy(getattr(case(), name)))


def stack(given: Any) -> VStack:
    """Return a stack of Jacobians."""
    J = jacobian(given)
    return VStack([J, 2 * J])


@cache
def outcome(name: str, make: Callable[[np.ndarray], Any]) -> tuple[str, Any]:
    """Say what a door gives for an array, and give it."""
    source, door = DOORS[name]
    given = make(getattr(case(), source))
    try:
        made = door(given)
    except VMBError as err:
        return "refused", err
    if isinstance(made, float):
        return "number", made
    return ("same" if kind_of(made) == kind_of(given) else f"{kind_of(made)}"), made


def expected(name: str, column: str) -> str:
    """Return what is promised."""
    if name in NUMBERS:
        return "number"
    return "refused" if name in NUMPY_INSIDE and column in ON_DEVICE else "same"


def inputs(columns: tuple[str, ...]) -> list[Any]:
    """Return the inputs of some columns as parameters, marked where they need a device."""
    return [
        pytest.param(column, make, id=label, marks=pytest.mark.cuda if column in ON_DEVICE else ())
        for column in columns
        for label, make in INPUTS[column].items()
    ]


class StaysOnDevice(TorchDispatchMode):
    """Fails on a copy of more than one number from a device to the host."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if func is torch.ops.aten._to_copy.default and "device" in kwargs:
            self._check(args[0], torch.device(kwargs["device"] or args[0].device))
        elif func is torch.ops.aten.copy_.default:
            self._check(args[1], args[0].device)
        return func(*args, **kwargs)

    @staticmethod
    def _check(source: torch.Tensor, target: torch.device) -> None:
        moved = source.device.type != "cpu" and target.type == "cpu" and source.numel() > 1
        assert not moved, f"{tuple(source.shape)} copied from {source.device} to the host"


@pytest.mark.parametrize("name", DOORS)
@pytest.mark.parametrize(("column", "make"), inputs(tuple(INPUTS)))
def test_what_goes_in_comes_out(name, column, make):
    with StaysOnDevice() if column in ON_DEVICE else warnings.catch_warnings():
        word, made = outcome(name, make)
    assert word == expected(name, column)
    if word == "same":
        wanted = outcome(name, INPUTS["NumPy"]["float64"])[1]
        got = torch.as_tensor(made).double().cpu().numpy()
        error = np.linalg.norm(got - wanted) / np.linalg.norm(wanted)
        assert error < (0.05 if column == "torch, float16" else 2e-3)


class Through(vmb.NonlinearOperator):
    """Gives back what it gets, and remembers where that lay."""

    def _apply(self, x: torch.Tensor) -> torch.Tensor:
        self.pointer = x.data_ptr()
        return x


def pointer(array: Any) -> int:
    """Return where an array lies."""
    if isinstance(array, torch.Tensor):
        return array.data_ptr()
    return int(array.ctypes.data if isinstance(array, np.ndarray) else array.data.ptr)


@pytest.mark.parametrize(("column", "make"), inputs(("NumPy", "torch", *ON_DEVICE)))
def test_nothing_is_copied_on_the_way(column, make):
    given, F = make(np.arange(6.0).reshape(2, 3)), Through((2, 3), (2, 3))
    assert pointer(F(given)) == F.pointer == pointer(given)


@pytest.mark.parametrize("make", INPUTS["NumPy, big-endian, strided, read-only"].values())
def test_other_layouts_leave_their_array_alone(make):
    given = make(np.arange(6.0).reshape(2, 3))
    made = Through((2, 3), (2, 3))(given)
    np.testing.assert_array_equal(made, given)
    assert made.dtype.isnative
    if not given.flags.writeable or given.dtype.byteorder == ">":
        assert not np.shares_memory(made, given)


def test_the_watch_on_copies_sees_them():
    vector = torch.ones(3, device="meta")
    for copy in (vector.cpu, lambda: torch.ones(3).copy_(vector)):
        with StaysOnDevice(), pytest.raises(AssertionError, match=r"\(3,\) copied from meta"):
            copy()
    with StaysOnDevice():
        assert float(torch.ones(3).double().cpu().sum()) == 3.0


class Doubled:
    """A derivative that any device can compute."""

    def jvp(self, dx: torch.Tensor) -> torch.Tensor:
        return 2 * dx

    vjp = jvp


def operators(device: str) -> dict[str, Any]:
    """Return what PyLops and this package build from a Jacobian on a device."""
    J = vmb.Jacobian(Doubled(), dims=(4,), dimsd=(4,), point=torch.zeros(4, device=device))
    D = pylops.FirstDerivative(4)
    return {
        "J": J,
        "J.H, J.T": J.T,
        "2 * J, -J": -J,
        "J + J": J + J,
        "J.H @ J": J.H @ J,
        "operators.VStack([J, J])": VStack([J, J]),
        "operators.VStack([J, D])": VStack([J, D]),
        "pylops.VStack([J, J])": pylops.VStack([J, J]),
        "pylops.HStack([J, J])": pylops.HStack([J, J]),
        "pylops.BlockDiag([J, J])": pylops.BlockDiag([J, J]),
        "J @ D": J @ D,
        "(J.H @ J)**2": (J.H @ J) ** 2,
        "J.apply_columns(cols)": J.apply_columns([0, 2]),
    }


def product(apply: Callable[[Any], Any], size: int, device: str) -> str:
    """Say what a PyLops product makes of a tensor."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            made = apply(torch.ones(size, device=device))
    except VMBError:
        return "refused"
    except (AttributeError, TypeError) as err:
        return f"``{type(err).__name__}``"
    return "tensor" if isinstance(made, torch.Tensor) else "NumPy array"


def algebra() -> Iterator[tuple[str, ...]]:
    """Yield an operator's name and what it makes of tensors, forward and adjoint.

    The meta device, which holds no values, stands for a device that NumPy cannot read.
    """
    made = [(operators(device), device) for device in ("cpu", "meta")]
    for name in made[0][0]:
        words = []
        for built, device in made:
            rows, columns = built[name].shape
            words.append(product(built[name].matvec, columns, device))
            words.append(product(built[name].rmatvec, rows, device))
        yield name, *words


def test_operators_of_this_package_keep_tensors():
    words = {name: tuple(rest) for name, *rest in algebra()}
    assert words.pop("operators.VStack([J, D])") == ("tensor", "tensor", "refused", "refused")
    for name in list(words)[:6]:
        assert words[name] == ("tensor",) * 4, name


def test_nothing_comes_from_another_device_as_numpy():
    for name, *words in algebra():
        assert "NumPy array" not in words[2:], name


INTRODUCTION = """\
Kinds and devices
=================

What goes in comes out: library, precision and device of the output are those of the
input. NumPy arrays and tensors are not copied at the door, CuPy arrays travel through DLPack,
and CUDA data does not visit the host (the tests watch for copies). Everything but float64 is
computed in float32; big-endian, strided and read-only arrays are copied where torch cannot read
them.

This page is written by ``python -m tests.test_kinds`` from what the tests saw: *same* means the
kind, precision and device of the input, *number* a Python float.

{doors}
``R`` is a PyLops operator that knows only NumPy: with it in the chain, CUDA tensors are refused.

Tensors in PyLops' algebra
--------------------------

PyLops does not know torch. Sums, multiples, products and adjoints of Jacobians keep tensors
all the same. PyLops' stacks, and products with operators that know only NumPy (``D`` below), give
CPU tensors back as NumPy arrays or fail; tensors on CUDA are never converted, but the error is
that of torch.
`pylops_vmb.operators.VStack` is PyLops' stack that keeps tensors and says in words where it
cannot; a stack of one lets any PyLops operator take CPU tensors.
`pylops_vmb.operators.cgls` solves with all of them, where PyLops' solvers fail.

{algebra}"""


def list_table(head: list[str], rows: list[list[str]], widths: str) -> str:
    """Return a table in reStructuredText."""
    lines = [".. list-table::", "   :header-rows: 1", f"   :widths: {widths}", ""]
    for row in [head, *rows]:
        lines += [f"   {'* -' if i == 0 else '  -'} {cell}" for i, cell in enumerate(row)]
    return "\n".join(lines) + "\n"


def cell(name: str, column: str) -> str:
    """Return what a door did with all inputs of a column."""
    if column in ON_DEVICE and not CUDA:
        return NOT_RUN
    try:
        return ", ".join(sorted({outcome(name, make)[0] for make in INPUTS[column].values()}))
    except pytest.skip.Exception as err:
        return f"not run: {err}"


def page() -> str:
    """Return the page of the documentation."""
    doors = [[f"``{name}``", *(cell(name, column) for column in INPUTS)] for name in DOORS]
    rows = [[f"``{name}``", *words] for name, *words in algebra()]
    head = ["operator", "CPU, forward", "CPU, adjoint", "device, forward", "device, adjoint"]
    return INTRODUCTION.format(
        doors=list_table(["call", *INPUTS], doors, "30 10 20 10 10 20 20"),
        algebra=list_table(head, rows, "32 17 17 17 17"),
    )


@pytest.mark.skipif(CUDA, reason="the page in the repository is that of a machine without CUDA")
def test_the_page_is_what_the_tests_see():
    assert PAGE.read_text(encoding="utf-8") == page(), "run python -m tests.test_kinds"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")

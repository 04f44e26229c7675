"""The contract of a nonlinear operator, and its composition with other operators."""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import pylops
import torch

from pylops_vmb._checks import check_finite, check_integer, refuse, sentence
from pylops_vmb.errors import VMBRuntimeError, VMBTypeError, VMBValueError
from pylops_vmb.operators._door import enter
from pylops_vmb.operators.autograd import apply_linear, check_real
from pylops_vmb.operators.jacobian import Jacobian
from pylops_vmb.operators.linearization import (
    ChainLinearization,
    GraphLinearization,
    Linearization,
)


class NonlinearOperator(ABC):
    """A differentiable map ``d = F(x)`` between arrays of fixed shapes.

    A subclass writes one method, `_apply`: tensor in, tensor out.  Kinds, shapes,
    devices and derivatives are done here.

    Parameters
    ----------
    dims : :obj:`int` or sequence of :obj:`int`
        Shape of the model.
    dimsd : :obj:`int` or sequence of :obj:`int`
        Shape of the data.
    dtype : :obj:`str` or :obj:`numpy.dtype`, optional
        Nominal dtype, float32 or float64, for `repr` and for PyLops.  The dtype of a
        computation is that of its input.
    device : :obj:`str` or :obj:`torch.device`, optional
        Where NumPy input is computed.  Tensors and CuPy arrays are computed where
        they are.
    name : :obj:`str`, optional
        Name for `repr`; by default that of the class.

    Attributes
    ----------
    shape : :obj:`tuple`
        ``(prod(dimsd), prod(dims))``.

    Raises
    ------
    VMBValueError
        If a shape, the dtype or the device cannot be used.

    Notes
    -----
    What goes in comes out: NumPy, torch (CPU, CUDA) or CuPy, flat or with ``dims``, in
    its dtype.  Integers and half precision are computed in float32; a tensor that
    requires a gradient gives a tensor with its graph, so that ``F(x)`` is the bridge
    into torch autograd.

    Examples
    --------
    >>> import numpy as np
    >>> from pylops_vmb.operators import NonlinearOperator
    >>> class Square(NonlinearOperator):
    ...     def _apply(self, x):
    ...         return x**2
    >>> F = Square(3, 3)
    >>> F
    <3x3 Square with dtype=float32>
    >>> F(np.array([1.0, 2.0, 3.0]))
    array([1., 4., 9.])
    >>> y, J = F.linearize(np.array([1.0, 2.0, 3.0]))
    >>> J.H @ np.ones(3)
    array([2., 4., 6.])
    """

    __array_ufunc__ = None  # NumPy's `A @ F` comes to `__rmatmul__`

    def __init__(
        self,
        dims: int | Sequence[int],
        dimsd: int | Sequence[int],
        *,
        dtype: Any = "float32",
        device: str | torch.device = "cpu",
        name: str | None = None,
    ) -> None:
        self.dims = _shape("dims", dims)
        self.dimsd = _shape("dimsd", dimsd)
        self.dtype = _nominal(dtype)
        self.device = _device(device)
        self.name = name or type(self).__name__
        self.shape = (math.prod(self.dimsd), math.prod(self.dims))

    @abstractmethod
    def _apply(self, x: torch.Tensor) -> torch.Tensor:
        """Return ``F(x)``: shape ``dims`` in, ``dimsd`` out, differentiable by autograd."""

    def _check(self, x: torch.Tensor) -> None:
        """Refuse values that the operator cannot use; by default NaN and infinity."""
        check_finite("x", x.detach())

    def _linearize(self, x: torch.Tensor) -> tuple[torch.Tensor, Linearization]:
        """Return ``F(x)`` and the derivative there; override it for cheaper products.

        `x` belongs to the linearization: nobody else writes to it.
        """
        linearization = GraphLinearization(self._apply, x)
        return linearization.y, linearization

    def __call__(self, x: Any) -> Any:
        """Apply the operator.

        Parameters
        ----------
        x : :obj:`numpy.ndarray` or :obj:`torch.Tensor` or :obj:`cupy.ndarray`
            Model of shape ``dims`` or flat.

        Returns
        -------
        y : same kind as `x`
            Data of shape ``dimsd``, or flat if `x` is flat.

        Raises
        ------
        VMBValueError
            If the shape or a value of `x` cannot be used.
        VMBTypeError
            If `x` is not real and numeric.
        """
        tensor, door = enter(x, self.dims, device=self.device, name="x")
        self._check(tensor)
        with nullcontext() if door.kind.library == "torch" else torch.no_grad():
            return door.leave(self._checked(self._apply(tensor)))

    def linearize(self, x: Any) -> tuple[Any, Jacobian]:
        """Return ``F(x)`` and the Jacobian at ``x``, from one forward pass.

        Parameters
        ----------
        x : :obj:`numpy.ndarray` or :obj:`torch.Tensor` or :obj:`cupy.ndarray`
            The point, of shape ``dims`` or flat.  It is copied: later changes to it do
            not reach the Jacobian.

        Returns
        -------
        y : same kind as `x`
            ``F(x)``, without a graph.
        J : `Jacobian`
            It keeps the memory of the forward pass while it lives.
        """
        with torch.inference_mode(False):
            tensor, door = enter(x, self.dims, device=self.device, name="x")
            self._check(tensor)
            y, linearization = self._linearize(tensor.detach().clone())
            J = Jacobian(
                linearization, dims=self.dims, dimsd=self.dimsd, point=tensor, name=self.name
            )
            return door.leave(self._checked(y).clone()), J

    def jacobian(self, x: Any) -> Jacobian:
        """Return the Jacobian at ``x`` as a PyLops operator; see `linearize`."""
        return self.linearize(x)[1]

    def __matmul__(self, other: Any) -> "NonlinearOperator":
        """Compose: ``(F @ G)(x)`` is ``F(G(x))``, for nonlinear and PyLops operators."""
        return Composite(self, as_nonlinear(other))

    def __rmatmul__(self, other: Any) -> "NonlinearOperator":
        """Compose with an operator on the left that leaves the decision to this one."""
        return Composite(as_nonlinear(other), self)

    def __repr__(self) -> str:
        """Return PyLops' form: rows x columns, name, dtype."""
        rows, columns = self.shape
        return f"<{rows}x{columns} {self.name} with dtype={self.dtype}>"

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> NoReturn:
            # PyLops' own `R @ F` takes F for an array and asks it for these
            if name in ("ndim", "ravel", "reshape"):
                message = sentence(
                    "R @ F",
                    "PyLops takes the operator on the right for an array",
                    f"a nonlinear operator, which has no {name!r}",
                    "Call compose(R, F)",
                )
            else:
                message = f"{type(self).__name__!r} object has no attribute {name!r}"
            raise AttributeError(message, name=name, obj=self)

    def _checked(self, y: torch.Tensor) -> torch.Tensor:
        if tuple(y.shape) != self.dimsd:
            refuse(
                self.name,
                f"must return data of shape dimsd = {self.dimsd}",
                got=tuple(y.shape),
                do="Correct its _apply, or the dimsd that it declares",
                error=VMBRuntimeError,
            )
        return y


class Composite(NonlinearOperator):
    """``outer`` after ``inner``; made by ``outer @ inner`` and by `compose`.

    The chain rule uses each factor's own linearization.  Each factor checks its input.

    Parameters
    ----------
    outer, inner : `NonlinearOperator`
        The data of `inner` has as many values as the model of `outer`.
    """

    def __init__(self, outer: NonlinearOperator, inner: NonlinearOperator) -> None:
        if outer.shape[1] != inner.shape[0]:
            refuse(
                "compose",
                f"{outer.name} takes {outer.shape[1]} values {outer.dims}",
                got=f"{inner.shape[0]} values {inner.dimsd} from {inner.name}",
                do="Put an operator between them, or change the shape of one",
            )
        dtype = np.result_type(outer.dtype, inner.dtype)
        name = f"{outer.name} @ {inner.name}"
        super().__init__(inner.dims, outer.dimsd, dtype=dtype, device=inner.device, name=name)
        self.outer, self.inner = outer, inner

    def _check(self, x: torch.Tensor) -> None:
        self.inner._check(x)

    def _apply(self, x: torch.Tensor) -> torch.Tensor:
        return self.outer._apply(self._between(self.inner._apply(x)))

    def _linearize(self, x: torch.Tensor) -> tuple[torch.Tensor, Linearization]:
        between, first = self.inner._linearize(x)
        y, second = self.outer._linearize(self._between(between).detach().clone())
        return y, ChainLinearization([first, _Reshape(self.inner, self.outer), second])

    def _between(self, values: torch.Tensor) -> torch.Tensor:
        values = values.reshape(self.outer.dims)
        self.outer._check(values)
        return values


class _Reshape:
    """From the data shape of one operator to the model shape of the next."""

    def __init__(self, inner: NonlinearOperator, outer: NonlinearOperator) -> None:
        self._before, self._after = inner.dimsd, outer.dims

    def jvp(self, dx: torch.Tensor) -> torch.Tensor:
        return dx.reshape(self._after)

    def vjp(self, dy: torch.Tensor) -> torch.Tensor:
        return dy.reshape(self._before)


class LinearAsNonlinear(NonlinearOperator):
    """A real PyLops operator as a nonlinear one, differentiable by its own adjoint.

    Parameters
    ----------
    Op : :obj:`pylops.LinearOperator`
        A real operator.
    """

    def __init__(self, Op: Any) -> None:
        check_real(Op)
        dtype = np.float64 if np.dtype(Op.dtype or np.float64) == np.float64 else np.float32
        super().__init__(
            Op.dims,
            Op.dimsd,
            dtype=dtype,
            device=Op.device if isinstance(Op, Jacobian) else "cpu",
            name=Op.name or type(Op).__name__,
        )
        self.Op = Op

    def _apply(self, x: torch.Tensor) -> torch.Tensor:
        return apply_linear(self.Op, x.reshape(-1)).reshape(self.dimsd)

    def _linearize(self, x: torch.Tensor) -> tuple[torch.Tensor, Linearization]:
        return self._apply(x), self

    def jvp(self, dx: torch.Tensor) -> torch.Tensor:
        """Return ``Op dx``."""
        return self._apply(dx)

    def vjp(self, dy: torch.Tensor) -> torch.Tensor:
        """Return ``Op^H dy``."""
        return apply_linear(self.Op.H, dy.reshape(-1)).reshape(self.dims)


def as_nonlinear(operator: Any) -> NonlinearOperator:
    """Return a `NonlinearOperator`, wrapping a real PyLops operator.

    Raises
    ------
    VMBTypeError
        If it is neither.
    """
    if isinstance(operator, NonlinearOperator):
        return operator
    if not isinstance(operator, pylops.LinearOperator):
        refuse(
            "@",
            "joins operators",
            got=type(operator).__name__,
            do="To apply an operator F to an array, call F(x)",
            error=VMBTypeError,
        )
    return LinearAsNonlinear(operator)


def _shape(name: str, dims: int | Sequence[int]) -> tuple[int, ...]:
    sizes = (dims,) if np.ndim(dims) == 0 else tuple(dims)  # type: ignore[arg-type]
    if not sizes:
        refuse(name, "must have at least one axis", got=dims, do="Pass the shape of an array")
    return tuple(check_integer(name, size, at_least=1) for size in sizes)


def _nominal(dtype: Any) -> np.dtype[Any]:
    nominal: np.dtype[Any] = np.dtype(dtype)
    if nominal not in (np.float32, np.float64):
        refuse("dtype", "must be float32 or float64", got=nominal, do="Choose one of the two")
    return nominal


def _device(device: str | torch.device) -> torch.device:
    try:
        chosen = torch.device(device)
    except RuntimeError as err:
        do = "Use 'cpu', 'cuda' or 'cuda:0'"
        refuse("device", "is not known to torch", got=repr(device), do=do, cause=err)
    if chosen.type == "cuda" and not torch.cuda.is_available():
        refuse(
            "device",
            "must be a device of this machine",
            got=f"{chosen}, and torch sees no CUDA device",
            do="Use device='cpu', or install torch with CUDA",
            error=VMBValueError,
        )
    return chosen

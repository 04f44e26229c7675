"""The derivative of a nonlinear operator at a point, as a PyLops operator."""

from collections.abc import Callable, Sequence
from typing import Any

import pylops
import torch

from pylops_vmb._backend import Kind, kind_of, numpy_dtype, to_tensor
from pylops_vmb._checks import refuse
from pylops_vmb.errors import VMBTypeError
from pylops_vmb.operators._polyglot import Polyglot
from pylops_vmb.operators.autograd import linear_map
from pylops_vmb.operators.linearization import Linearization


class Jacobian(Polyglot, pylops.LinearOperator):  # type: ignore[misc]
    r"""Jacobian of a nonlinear operator: forward :math:`J\,dx`, adjoint :math:`J^H dy`.

    Made by `NonlinearOperator.linearize` and `NonlinearOperator.jacobian`.  It takes
    NumPy, torch and CuPy vectors, and returns what it was given; a tensor that requires
    a gradient keeps its graph.  Products are computed in the precision and on the device
    of the point: host vectors are carried there and back, CUDA vectors must be there.

    Parameters
    ----------
    linearization : `Linearization`
        The two products.
    dims, dimsd : sequence of :obj:`int`
        Shapes of the model and of the data.
    point : :obj:`torch.Tensor`
        The point, for its dtype (float32 or float64) and device; it is not kept.
    name : :obj:`str`, optional
        Name of the operator, for `pylops.utils.describe`.

    Attributes
    ----------
    polyglot : :obj:`bool`
        Always true: tensors are taken as they are.
    device : :obj:`torch.device`
        Where the products are computed.
    """

    def __init__(
        self,
        linearization: Linearization,
        *,
        dims: Sequence[int],
        dimsd: Sequence[int],
        point: torch.Tensor,
        name: str | None = None,
    ) -> None:
        dtype = numpy_dtype(point.dtype)
        super().__init__(dtype=dtype, dims=tuple(dims), dimsd=tuple(dimsd), name=name)
        self.device = point.device
        self._working = point.dtype
        self._forward = _reshaped(linearization.jvp, self.dims)
        self._backward = _reshaped(linearization.vjp, self.dimsd)

    def _matvec(self, x: Any) -> Any:
        return self._product(x, self._forward, self._backward)

    def _rmatvec(self, x: Any) -> Any:
        return self._product(x, self._backward, self._forward)

    def _product(self, x: Any, forward: Any, adjoint: Any) -> Any:
        kind = kind_of(x, "x")
        self._check_device(kind)
        with torch.inference_mode(False):
            vector = to_tensor(x, device=self.device, dtype=self._working, name="x").reshape(-1)
            vector = vector.clone() if vector.is_inference() else vector
            return kind.restore(linear_map(vector, forward=forward, adjoint=adjoint))

    def _check_device(self, kind: Kind) -> None:
        if kind.device.type != "cpu" and kind.device != self.device:
            refuse(
                "x",
                f"must be where the Jacobian is ({self.device})",
                got=f"an array on {kind.device}",
                do="Move x, or linearize at a point on that device",
                error=VMBTypeError,
            )


def _reshaped(
    product: Callable[[torch.Tensor], torch.Tensor], shape: tuple[int, ...]
) -> Callable[[torch.Tensor], torch.Tensor]:
    return lambda vector: product(vector.reshape(shape)).reshape(-1)

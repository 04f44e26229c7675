"""What every network from gathers to velocity shares: checks, scaling, sizes."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn, tensor

from pylops_vmb._checks import check_integer, check_number, refuse
from pylops_vmb.networks.blocks import check_gathers, check_size, convolution


class VelocityNetwork(nn.Module):
    r"""Base of the networks from shot gathers to velocity in m/s.

    A subclass adds layers and writes `_label`, from scaled gathers to labels
    ``(batch, 1, nz, nx)``.

    Parameters
    ----------
    in_channels : int
        Shots, `ns`.
    in_shape : tuple of int
        Samples and receivers ``(nt, nr)`` of a gather.
    out_shape : tuple of int
        Cells ``(nz, nx)`` of the velocity model.
    data_scale : float, optional
        Amplitude by which the gathers are divided, in their unit.
    vp_range : tuple of float, optional
        Velocities in m/s of the labels -1 and 1.

    Raises
    ------
    VMBValueError
        If a value is out of range.

    Notes
    -----
    With gathers :math:`d`, layers :math:`N` and the range :math:`(v_0, v_1)` the
    network computes

    .. math:: v_p = \frac{v_1 + v_0}{2} + \frac{v_1 - v_0}{2} N(d / s)

    with :math:`s` the ``data_scale``.  These three numbers belong to `config`, not to
    the state: rounding the weights to half precision leaves them exact.
    """

    data_scale: Tensor
    vp_mid: Tensor
    vp_half: Tensor

    def __init__(
        self,
        in_channels: int,
        in_shape: Sequence[int],
        out_shape: Sequence[int],
        *,
        data_scale: float = 1.0,
        vp_range: Sequence[float] = (1500.0, 4500.0),
    ) -> None:
        super().__init__()
        self.in_channels = check_integer("in_channels", in_channels, at_least=1)
        self.in_shape = check_size("in_shape", in_shape, axes="(nt, nr)")
        self.out_shape = check_size("out_shape", out_shape, axes="(nz, nx)")
        self._scale = check_number("data_scale", data_scale, above=0.0)
        self._range = low, high = _check_range(vp_range)
        # One axis, not none: such a tensor lifts labels of lower precision (autocast) to its own.
        self.register_buffer("data_scale", tensor(self._scale), persistent=False)
        self.register_buffer("vp_mid", tensor([(high + low) / 2]), persistent=False)
        self.register_buffer("vp_half", tensor([(high - low) / 2]), persistent=False)

    @property
    def config(self) -> dict[str, Any]:
        """Keywords that build this structure again; JSON can hold them."""
        return {
            "in_channels": self.in_channels,
            "in_shape": list(self.in_shape),
            "out_shape": list(self.out_shape),
            "data_scale": self._scale,
            "vp_range": list(self._range),
        }

    def normalise(self, vp: Tensor) -> Tensor:
        """Return the label of `vp` (m/s): -1 and 1 at the ends of ``vp_range``."""
        return (vp - self.vp_mid) / self.vp_half

    def denormalise(self, r: Tensor) -> Tensor:
        """Return the velocity in m/s of the label `r`."""
        return self.vp_mid + self.vp_half * r

    def forward(self, inputs: Tensor) -> Tensor:
        """Map gathers ``(batch, ns, nt, nr)`` to velocity ``(batch, 1, nz, nx)`` in m/s.

        Raises
        ------
        VMBValueError
            If the gathers are not ``ns`` shots of ``in_shape``.
        """
        check_gathers(inputs, self.in_channels)
        self._check_in_shape(inputs)
        return self.denormalise(self._label(inputs / self.data_scale))

    def _label(self, gathers: Tensor) -> Tensor:
        """Return the labels ``(batch, 1, nz, nx)`` of scaled gathers."""
        raise NotImplementedError

    def _strided_stem(self, width: int) -> nn.Module:
        """Return a convolution whose strides bring ``in_shape`` near ``out_shape``, above it."""
        (nt, nr), (nz, nx) = self.in_shape, self.out_shape
        strides = (max(1, nt // nz), max(1, nr // nx))
        return convolution(self.in_channels, width, stride=strides)

    def _resampled(self, maps: Tensor) -> Tensor:
        """Return the maps at ``(nz, nx)``, bilinearly."""
        if tuple(maps.shape[-2:]) == self.out_shape:
            return maps
        return nn.functional.interpolate(maps, self.out_shape, mode="bilinear", align_corners=False)

    def _check_in_shape(self, inputs: Tensor) -> None:
        if tuple(inputs.shape[-2:]) != self.in_shape:
            refuse(
                "inputs",
                f"must have (nt, nr) = {self.in_shape}",
                got=tuple(inputs.shape[-2:]),
                do="Resample the gathers, or build the network with this in_shape",
            )


def _check_range(vp_range: Sequence[float]) -> tuple[float, float]:
    if len(vp_range) != 2:
        refuse(
            "vp_range", "must be two velocities", got=vp_range, do="Pass (lowest, highest) in m/s"
        )
    low, high = (check_number("vp_range", vp, above=0.0, unit="m/s") for vp in vp_range)
    if not low < high:
        refuse("vp_range", "must increase", got=(low, high), do="Pass (lowest, highest) in m/s")
    return low, high

r"""From point sources in three dimensions to line sources in two.

In a homogeneous medium the wave of a point source is :math:`w(t - r/c) / 4 \pi r`, that of a line
source

.. math::
    \frac{1}{2 \pi} \int_{r/c}^{t} \frac{w(t - \tau)}{\sqrt{\tau^2 - r^2/c^2}}\, d\tau
    \approx \frac{w(t - r/c)}{4 \pi r} \cdot c \sqrt{2 t} * \frac{1}{\sqrt{t}} .

So amplitudes are multiplied by :math:`c \sqrt{2t}`, and the filter :math:`1 / \sqrt{t}` turns the
phase by 45 degrees.  Exact far from the source; of reflections amplitudes are approximate.
"""

import numpy as np
import torch

from pylops_vmb.learned.adaptation.interpolation import convolve


def to_line_source(
    traces: torch.Tensor, *, dt: float, delay: float, velocity: float
) -> torch.Tensor:
    """Correct traces ``(n, nt)`` of point sources, whose time zero is `delay` s after the first.

    References
    ----------
    T. Forbriger, L. Groos and M. Schäfer, Line-source simulation for shallow-seismic data, part 1,
    Geophysical Journal International 198, 2014.
    """
    nt = traces.shape[-1]
    t = dt * torch.arange(nt, dtype=torch.float64)
    gain = velocity * (2.0 * (t - delay).clamp(min=0.0)).sqrt()
    # the integral of 1 / sqrt(t) over each sample, which its value at time zero is not
    edges = dt * np.maximum(np.arange(nt + 1) - 0.5, 0.0)
    filter_ = torch.from_numpy(np.diff(2.0 * np.sqrt(edges)))
    return convolve(traces * gain.to(traces), filter_, 0)

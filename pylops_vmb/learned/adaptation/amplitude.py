"""Shots brought to one source strength."""

import torch

GEOLOGY_DB = 1.5
"""Shots that differ by no more than this are left: so much the ground itself may do."""
_BINS = 12


def source_strengths(d: torch.Tensor, offsets: torch.Tensor) -> torch.Tensor:
    r"""Return how strong each shot is, in dB over the mean.

    Parameters
    ----------
    d : :obj:`torch.Tensor`
        Gathers ``(ns, nr, nt)``.
    offsets : :obj:`torch.Tensor`
        Receiver minus source, ``(ns, nr)``, m.

    Returns
    -------
    strengths : :obj:`torch.Tensor`
        ``(ns,)``, dB.

    Notes
    -----
    The level of a trace, in dB, is taken to be :math:`s_i + f(|h|)`, a strength of the shot plus a
    function of the offset (a constant in each twelfth of the range): least squares.
    """
    level = 10.0 * d.double().square().mean(-1).clamp(min=torch.finfo(torch.float64).tiny).log10()
    alive = d.any(-1)
    far = offsets.abs().double()
    number = (far / far.max().clamp(min=1e-9) * (_BINS - 1e-6)).long()
    shot = torch.nn.functional.one_hot(torch.arange(len(d), device=d.device), len(d)).double()
    rows = [shot[:, None].expand(-1, d.shape[1], -1)[alive]]
    rows.append(torch.nn.functional.one_hot(number, _BINS).double()[alive])
    # the smallest damping makes the constant that both share unique
    matrix = torch.cat(rows, dim=1)
    normal = matrix.T @ matrix + 1e-6 * torch.eye(matrix.shape[1]).to(matrix)
    found: torch.Tensor = torch.linalg.solve(normal, matrix.T @ level[alive])[: len(d)]
    strengths: torch.Tensor = found - found.mean()
    return strengths


def even_out(d: torch.Tensor, strengths: torch.Tensor) -> torch.Tensor:
    """Divide each shot by its strength in dB."""
    return d * (10.0 ** (-strengths / 20.0)).to(d)[:, None, None]

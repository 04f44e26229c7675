"""The grid on which velocity models live."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pylops_vmb._checks import check_integer, check_number, check_pair, refuse


@dataclass(frozen=True)
class Grid:
    """A regular grid of cells, x first and z down.

    Parameters
    ----------
    dims : :obj:`tuple`
        Number of cells ``(nx, nz)``.
    spacing : :obj:`tuple` or :obj:`float`
        Cell sizes ``(dx, dz)`` in m; one number serves both.
    origin : :obj:`tuple`, optional
        Coordinates ``(ox, oz)`` of the first cell in m.

    Raises
    ------
    VMBValueError
        If a size or a spacing is not positive.

    Examples
    --------
    >>> grid = Grid(dims=(70, 50), spacing=10.0)
    >>> grid
    Grid(70 x 50 cells of 10 m x 10 m, x 0 to 690 m, z 0 to 490 m)
    >>> grid.extent
    (0.0, 690.0, 0.0, 490.0)
    """

    dims: tuple[int, int]
    spacing: tuple[float, float]
    origin: tuple[float, float] = (0.0, 0.0)

    def __post_init__(self) -> None:
        if np.ndim(self.dims) != 1 or len(self.dims) != 2:
            refuse("dims", "must be two cell counts", got=repr(self.dims), do="Pass (nx, nz)")
        dims = tuple(check_integer("dims", n, at_least=2) for n in self.dims)
        spacing = check_pair("spacing", self.spacing)
        for step in spacing:
            check_number("spacing", step, above=0.0, unit="m")
        object.__setattr__(self, "dims", dims)
        object.__setattr__(self, "spacing", spacing)
        object.__setattr__(self, "origin", check_pair("origin", self.origin, of="coordinates"))

    @classmethod
    def openfwi(cls) -> "Grid":
        """Return the grid of the OpenFWI Vel, Fault and Style families: 70 x 70 cells of 10 m."""
        return cls(dims=(70, 70), spacing=(10.0, 10.0))

    @classmethod
    def fcnvmb(cls) -> "Grid":
        """Return the grid of Yang and Ma (2019): 301 x 201 cells of 10 m."""
        return cls(dims=(301, 201), spacing=(10.0, 10.0))

    @property
    def x(self) -> NDArray[np.float64]:
        """Coordinates of the cells along x, shape ``(nx,)``, m."""
        return np.asarray(self.origin[0] + self.spacing[0] * np.arange(self.dims[0]), np.float64)

    @property
    def z(self) -> NDArray[np.float64]:
        """Coordinates of the cells along z, shape ``(nz,)``, m."""
        return np.asarray(self.origin[1] + self.spacing[1] * np.arange(self.dims[1]), np.float64)

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """First and last coordinates ``(xmin, xmax, zmin, zmax)``, m."""
        return (
            self.origin[0],
            self.origin[0] + self.spacing[0] * (self.dims[0] - 1),
            self.origin[1],
            self.origin[1] + self.spacing[1] * (self.dims[1] - 1),
        )

    def cells(self, coords: ArrayLike) -> NDArray[np.float64]:
        """Turn coordinates into (fractional) cell numbers.

        Parameters
        ----------
        coords : array_like
            Rows x and z in m, shape ``(2, ...)``.

        Returns
        -------
        cells : :obj:`numpy.ndarray`
            Rows ix and iz, shape ``(2, ...)``; 0 is the first cell.
        """
        coords = np.asarray(coords, dtype=np.float64)
        column = (2,) + (1,) * (coords.ndim - 1)
        origin, spacing = np.reshape(self.origin, column), np.reshape(self.spacing, column)
        return np.asarray((coords - origin) / spacing)

    def contains(self, coords: ArrayLike) -> NDArray[np.bool_]:
        """Tell which coordinates lie on the grid.

        Parameters
        ----------
        coords : array_like
            Rows x and z in m, shape ``(2, ...)``.

        Returns
        -------
        inside : :obj:`numpy.ndarray`
            True where a point lies inside, shape ``(...)``.
        """
        cells = self.cells(coords)
        last = np.reshape(np.subtract(self.dims, 1), (2,) + (1,) * (cells.ndim - 1))
        slack = 1e-6
        return np.asarray(np.all((cells >= -slack) & (cells <= last + slack), axis=0))

    def __repr__(self) -> str:
        (nx, nz), (dx, dz), (x0, x1, z0, z1) = self.dims, self.spacing, self.extent
        return (
            f"Grid({nx} x {nz} cells of {dx:g} m x {dz:g} m, "
            f"x {x0:g} to {x1:g} m, z {z0:g} to {z1:g} m)"
        )

"""An ideal stencil: the wave equation's time step and nothing else, as a C compiler makes it.

No absorbing layer, source, receiver or check: what the processor can do at most with this
scheme, order 4 in space and 2 in time, in float32, one shot a thread.
"""

import ctypes
import shutil
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_SOURCE = """
void run(float *restrict a, float *restrict b, const float *restrict v, long nz, long nx, long nt)
{
    for (long t = 0; t < nt; t++) {
        for (long i = 2; i < nz - 2; i++) {
            const float *restrict u = a + i * nx;
            float *restrict w = b + i * nx;
            const float *restrict c = v + i * nx;
            for (long j = 2; j < nx - 2; j++) {
                const float near = u[j - 1] + u[j + 1] + u[j - nx] + u[j + nx];
                const float far = u[j - 2] + u[j + 2] + u[j - 2 * nx] + u[j + 2 * nx];
                const float laplace = -5.0f * u[j] + 4.0f / 3 * near - 1.0f / 12 * far;
                w[j] = 2.0f * u[j] - w[j] + c[j] * laplace;
            }
        }
        float *swap = a; a = b; b = swap;
    }
}
"""
_FLAGS = ("-O3", "-march=native", "-shared", "-fPIC")


class Stencil:
    """Time steps of some shots side by side.

    Parameters
    ----------
    shape : tuple of int
        Cells of a field.
    shots, steps : int
        How much to do in a call.
    threads : int
        Shots at a time.
    """

    def __init__(self, shape: tuple[int, int], *, shots: int, steps: int, threads: int) -> None:
        self._run = _compiled()
        self.steps, self.threads = steps, threads
        self.v = np.full(shape, 0.1, np.float32)
        rng = np.random.default_rng(0)  # noise: no number is so small that it takes longer
        self.fields = [rng.standard_normal((2, *shape), np.float32) for _ in range(shots)]
        self.updates = float(shots * steps * np.prod(shape))

    def __call__(self) -> None:
        """Take the steps; the fields go on from the last call."""
        with ThreadPoolExecutor(self.threads) as pool:
            list(pool.map(self._advance, self.fields))

    def _advance(self, field: NDArray[np.float32]) -> None:
        now, before = (_pointer(part) for part in field)
        self._run(now, before, _pointer(self.v), *field.shape[1:], self.steps)


def compiler() -> str | None:
    """Return the C compiler of this machine, if there is one."""
    return shutil.which("cc") or shutil.which("gcc")


def _compiled() -> Any:
    cc = compiler()
    assert cc is not None
    with tempfile.TemporaryDirectory() as folder:
        source, library = Path(folder) / "stencil.c", Path(folder) / "stencil.so"
        source.write_text(_SOURCE, encoding="ascii")
        subprocess.run([cc, *_FLAGS, str(source), "-o", str(library)], check=True)
        run = ctypes.CDLL(str(library)).run  # keeps its own hold on the file
    run.argtypes = [ctypes.POINTER(ctypes.c_float)] * 3 + [ctypes.c_long] * 3
    run.restype = None
    return run


def _pointer(array: NDArray[np.float32]) -> Any:
    return array.ctypes.data_as(ctypes.POINTER(ctypes.c_float))

"""Optional imports: the module, or an error with the line that installs it."""

from importlib import import_module
from types import ModuleType

from pylops_vmb.errors import VMBImportError

_EXTRAS = {
    "matplotlib": "plot",
    "matplotlib.pyplot": "plot",
    "pyproximal": "prox",
    "pylops_mpi": "mpi",
    "mpi4py.MPI": "mpi",
    "devito": "devito",
    "h5py": "mat73",
    "yaml": "yaml",
}


def optional_import(name: str, purpose: str) -> ModuleType:
    """Import ``name`` or say what it is needed for and how to install it.

    Parameters
    ----------
    name : :obj:`str`
        Dotted module name.
    purpose : :obj:`str`
        What the caller does with it, as the subject of a sentence
        ("plotting", "reading MATLAB 7.3 files").

    Returns
    -------
    module : :obj:`types.ModuleType`
        The imported module.

    Raises
    ------
    VMBImportError
        If the module is not installed.
    """
    try:
        return import_module(name)
    except ImportError as err:
        extra = _EXTRAS.get(name)
        package = f"'pylops-vmb[{extra}]'" if extra else name
        distribution, _, _ = name.partition(".")
        raise VMBImportError(
            f"{purpose}: needs the optional package {distribution}, which could not "
            f"be imported ({err}). Install it with: pip install {package}"
        ) from err

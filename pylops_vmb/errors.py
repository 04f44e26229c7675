"""Exceptions and warnings: a family (`VMBError`, `VMBWarning`) mixed with the builtins.

Every exception derives from `VMBError` *and* from the builtin that plain Python
code would catch, so ``except ValueError`` keeps working.  One warning class per
cause lets a user silence one thing and keep the others.
"""


class VMBError(Exception):
    """Base of every error that this package raises on purpose."""


class VMBValueError(VMBError, ValueError):
    """An argument has the right type and a wrong value."""


class VMBTypeError(VMBError, TypeError):
    """An argument has a type that cannot be used."""


class VMBFileError(VMBError, OSError):
    """A file is missing, damaged, or not in the format that its name claims."""


class VMBMemoryError(VMBError, MemoryError):
    """A run would need more memory than it was given."""


class VMBImportError(VMBError, ImportError):
    """An optional dependency is not installed."""


class VMBRuntimeError(VMBError, RuntimeError):
    """A computation could not be carried out or ended in a useless state."""


class VMBWarning(UserWarning):
    """Base of every warning that this package gives."""


class UnitWarning(VMBWarning):
    """A number looks as if it were given in another unit (km/s, ms, cells)."""


class DispersionWarning(VMBWarning):
    """The grid is too coarse for the wavelet: the waves will be dispersed."""


class DataWarning(VMBWarning):
    """The data are usable, and something about them is doubtful."""


class FileWarning(VMBWarning):
    """A file was read, and its headers disagree with its contents."""


class CardWarning(VMBWarning):
    """The data differ from what the network was trained on."""


class SpectrumWarning(CardWarning):
    """Frequencies or the wavelet of the data differ from those of the training."""


class AmplitudeWarning(CardWarning):
    """Traces, polarity or decay of the data differ from those of the training."""


class GeometryWarning(CardWarning):
    """The survey of the data is not the one of the training, or not the one that is claimed."""


class VelocityWarning(CardWarning):
    """A network's prediction does not explain the data, or lies at the end of its range."""


class StartWarning(VMBWarning):
    """A starting model is poor: the inversion may end in a local minimum."""

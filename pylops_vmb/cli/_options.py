"""Options that several commands share, and the types of their values."""

import argparse
import re
from pathlib import Path
from typing import Any

from pylops_vmb._checks import refuse
from pylops_vmb.errors import VMBFileError

GATHERS = (".sgy", ".segy")
VELOCITY = (".npz", *GATHERS)
DATA = (*GATHERS, ".npz", ".npy", ".mat", ".bin")
PRESETS = ("openfwi", "fcnvmb")
DEFAULT_WEIGHTS = "fcnvmb-mini"
HEADERS = ("shot_key", "missing", "delays", "crooked", "dt")
GATHERS_HELP = "shot gathers: SEG-Y, a folder of SEG-Y files, or .npz"


def is_segy(path: Path) -> bool:
    """Tell whether a path is SEG-Y by its ending, or a folder of it."""
    return path.suffix.lower() in GATHERS or path.is_dir()


def gathers_file(text: str) -> Path:
    """Return the path of a file of gathers, or refuse its ending."""
    return _with_suffix(text, GATHERS)


def velocity_file(text: str) -> Path:
    """Return the path of a velocity model, or refuse its ending."""
    return _with_suffix(text, VELOCITY)


def data_file(text: str) -> Path:
    """Return the path of gathers or a velocity model in any format, or refuse its ending."""
    if Path(text).is_dir():
        return Path(text)
    return _with_suffix(text, DATA)


def picture_file(text: str) -> Path:
    """Return the path of a picture, or refuse its ending."""
    return _with_suffix(text, (".png",))


def count(text: str) -> int:
    """Return a whole number of at least one."""
    if not re.fullmatch(r"0*[1-9]\d*", text):
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 1, got {text!r}")
    return int(text)


def percent(text: str) -> float:
    """Return a percentage above 0."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.0 < value <= 100.0:
        raise argparse.ArgumentTypeError(f"must be above 0 and at most 100, got {text!r}")
    return value


def corners(text: str) -> tuple[float | None, ...]:
    """Turn ``4,7,12,full`` into corners in Hz, None for the full band."""
    try:
        return tuple(None if word == "full" else float(word) for word in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"must be frequencies in Hz such as 4,7,12,full, got {text!r}"
        ) from None


def device(text: str) -> str:
    """Return the name of a torch device."""
    if not re.fullmatch(r"cpu|cuda(:\d+)?", text):
        raise argparse.ArgumentTypeError(f"must be cpu, cuda or cuda:N, got {text!r}")
    return text


def add_gathers(parser: argparse.ArgumentParser) -> None:
    """Add the gathers to invert, and what SEG-Y does not say of them."""
    parser.add_argument("gathers", metavar="GATHERS", type=Path, help=GATHERS_HELP)
    add_f0(parser)
    add_headers(parser)


def add_headers(parser: argparse.ArgumentParser) -> None:
    """Add what SEG-Y may need to be told about its headers, see `headers`."""
    group = parser.add_argument_group("SEG-Y whose headers are not enough, see read_gathers")
    group.add_argument(
        "--shot-key", choices=("auto", "fldr", "ep", "sx"), help="what tells shots apart (auto)"
    )
    group.add_argument(
        "--missing",
        choices=("refuse", "fill"),
        help="where shots differ in their receivers: zeros for what is missing, or an error",
    )
    group.add_argument(
        "--delays",
        choices=("pad", "ignore"),
        help="where recording did not begin with the shot: move the traces to their time, or not",
    )
    group.add_argument(
        "--crooked",
        type=float,
        metavar="M",
        help="how far positions may lie from the straight line on which they are projected, m",
    )
    group.add_argument("--dt", type=float, metavar="S", help="time step in s")


def headers(args: argparse.Namespace, path: Path) -> dict[str, Any]:
    """Return what was said about the headers of a file; wrong usage if it is not SEG-Y."""
    given = {name: getattr(args, name) for name in HEADERS if getattr(args, name) is not None}
    if given and not is_segy(path):
        options = ", ".join(f"--{name.replace('_', '-')}" for name in given)
        args.usage_error(f"{options}: for SEG-Y, and {path.name} is none")
    return given


def add_f0(parser: argparse._ActionsContainer) -> None:
    """Add the peak frequency of gathers."""
    parser.add_argument(
        "--f0",
        type=float,
        metavar="HZ",
        help="peak frequency of the source wavelet, which SEG-Y does not hold; without it the "
        "wavelet is that of the report beside the gathers, that of the network if the data "
        "fit it, or a Ricker of the data's peak frequency, and a message says which",
    )


def add_preset(parser: argparse._ActionsContainer, text: str) -> None:
    """Add the name of a known survey."""
    parser.add_argument("--preset", choices=PRESETS, help=text)


def add_weights(parser: argparse.ArgumentParser) -> None:
    """Add the network."""
    parser.add_argument(
        "--weights",
        default=DEFAULT_WEIGHTS,
        metavar="W",
        help="a weights file (.safetensors), or the name of a network that comes with the "
        "package (default: %(default)s)",
    )


def add_device(parser: argparse._ActionsContainer) -> None:
    """Add where to compute."""
    parser.add_argument(
        "--device", type=device, default="cpu", help="cpu, cuda or cuda:N (default: %(default)s)"
    )


def add_velocity_out(parser: argparse.ArgumentParser) -> None:
    """Add the velocity model to write."""
    parser.add_argument(
        "--out", type=velocity_file, required=True, metavar="FILE", help="velocity, .npz or .sgy"
    )


def check_ending(path: Path, endings: tuple[str, ...], use: str) -> None:
    """Refuse a file whose ending says that it cannot be put to a use."""
    if path.suffix.lower() not in endings:
        refuse(
            path.name,
            f"must end in {' or '.join(endings)} to be {use}",
            got=repr(path.suffix),
            do="Convert it with `pylops-vmb convert`",
            error=VMBFileError,
        )


def _with_suffix(text: str, suffixes: tuple[str, ...]) -> Path:
    path = Path(text)
    if path.suffix.lower() not in suffixes:
        raise argparse.ArgumentTypeError(f"must end in {' or '.join(suffixes)}, got {text!r}")
    return path

"""``pylops-vmb plot``: a picture of gathers, spectra, geometry, velocity or misfit."""

import argparse
from pathlib import Path
from typing import Any

from pylops_vmb._checks import refuse
from pylops_vmb.cli._drawing import FORMS, KINDS, Kind, Looks, new_figure
from pylops_vmb.cli._files import check_drawing, check_folder
from pylops_vmb.cli._options import add_headers, count, headers, percent, picture_file
from pylops_vmb.cli._reading import Gathers, read_either, read_shots
from pylops_vmb.cli._report import Outcome, beside, publish, read_report
from pylops_vmb.io._atomic import atomic_path

_OPTIONS = {
    "shots": "--shot",
    "clip": "--clip",
    "every": "--every",
    "block": "--block",
    "db": "--db",
    "vp_range": "--range",
}
_DPI = 120


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument(
        "file",
        metavar="FILE",
        type=Path,
        help="gathers or velocity, SEG-Y, a folder of SEG-Y gathers or .npz, or the report of an "
        "inversion or a training",
    )
    parser.add_argument(
        "other",
        metavar="FILE2",
        type=Path,
        nargs="?",
        help="another one: predicted gathers beside observed ones, a second velocity, or the "
        "velocity whose grid a survey lies on",
    )
    parser.add_argument(
        "--kind",
        choices=tuple(KINDS),
        help="what to draw; by default gathers or velocity as it is, two velocities side by "
        "side, two gathers of one survey as compare and of two surveys as before-after",
    )
    parser.add_argument("--out", type=picture_file, required=True, metavar="FILE", help=".png")
    parser.add_argument(
        "--shot", type=int, nargs="+", metavar="N", help="shots to draw, counted from 0"
    )
    parser.add_argument(
        "--clip",
        type=percent,
        metavar="P",
        help="percentile of the amplitudes with the strongest colour, or the full swing",
    )
    parser.add_argument("--every", type=count, metavar="N", help="one wiggle for so many traces")
    parser.add_argument("--block", type=count, metavar="N", help="traces in a block (interleaved)")
    parser.add_argument("--db", action="store_true", help="spectra in decibels")
    parser.add_argument(
        "--range",
        nargs=2,
        type=float,
        metavar=("LOW", "HIGH"),
        help="ends of the colours of velocities, m/s",
    )
    add_headers(parser)


def run(args: argparse.Namespace) -> Outcome:
    """Read, choose a kind, draw, write."""
    check_drawing()
    check_folder(args.out)
    paths = [path for path in (args.file, args.other) if path is not None]
    files = _read_all(paths, args)
    name = args.kind or _default(args, files)
    kind = KINDS[name]
    _check_options(args, name, kind)
    _check_files(args, name, files)
    looks = Looks(
        shots=tuple(args.shot or ()),
        clip=args.clip,
        every=args.every,
        block=args.block,
        db=args.db,
        vp_range=tuple(args.range or (None, None)),
    )
    figure = new_figure(kind.size)
    kind.draw(figure, files, looks)
    with atomic_path(args.out) as part:
        figure.savefig(part, format="png", dpi=_DPI)
    figures = {"kind": name, "file": args.out.name}
    return publish(beside(args.out), args, figures=[figures], inputs=paths, outputs=[args.out])


def _read_all(paths: list[Path], args: argparse.Namespace) -> list[Any]:
    """Read the files as the kind of picture needs them."""
    kind, said = args.kind, headers(args, args.file)
    if len(paths) == 1 and kind in (None, "gathers", "wiggle") and paths[0].suffix != ".json":
        return [read_shots(paths[0], kind and "gathers", said)]
    return [_read(path, kind, said if path is paths[0] else None) for path in paths]


def _read(path: Path, kind: str | None, said: dict[str, Any] | None) -> Any:
    """Read a file; the first one, for which ``said`` is given, may need words on its headers."""
    if path.suffix.lower() == ".json":
        return read_report(path)
    form = None
    if kind is not None:
        needs = KINDS[kind].needs
        need = needs[-1] if said is None else needs[0]
        form = "velocity" if need.startswith("velocity") else "gathers"
    return read_either(path, form, said or {})


def _default(args: argparse.Namespace, files: list[Any]) -> str:
    forms = [_form(file) for file in files]
    match forms:
        case ["report"]:
            return "history"
        case ["gathers", "gathers"]:
            same = files[0].d.shape == files[1].d.shape
            return "compare" if same else "before-after"
        case ["gathers", "velocity"]:
            return "geometry"
        case [only] | [only, _] if set(forms) == {only} and only != "report":
            return only
    args.usage_error(f"no picture shows {' and '.join(forms)} together")
    raise AssertionError


def _form(file: Any) -> str:
    return next(name for name, form in FORMS.items() if isinstance(file, form))


def _check_options(args: argparse.Namespace, name: str, kind: Kind) -> None:
    """Refuse an option that would do nothing."""
    for option, flag in _OPTIONS.items():
        given = getattr(args, flag.strip("-"))
        if given not in (None, False) and option not in kind.options:
            users = ", ".join(each for each, use in KINDS.items() if option in use.options)
            args.usage_error(f"{flag} is for --kind {users}, and this is {name}")


def _check_files(args: argparse.Namespace, name: str, files: list[Any]) -> None:
    """Refuse files that the kind of picture cannot show."""
    needs = KINDS[name].needs
    least = sum(not need.endswith("?") for need in needs)
    if not least <= len(files) <= len(needs):
        wanted = str(least) if least == len(needs) else f"{least} or {len(needs)}"
        args.usage_error(f"--kind {name} takes {wanted} files, got {len(files)}")
    for need, file, path in zip(needs, files, (args.file, args.other), strict=False):
        form = "gathers" if need == "same" else need.strip("?")
        if _form(file) != form:
            refuse(
                path.name,
                f"must be {form} for --kind {name}",
                got=_form(file),
                do="Choose another kind, or leave it out",
            )
    if needs[-1] == "same":
        _check_same(*files)
    if name == "history" and not files[0].get("history"):
        do = "Draw the report of `invert`, `demo` or `train`"
        refuse(args.file.name, "holds no history", got=" ".join(files[0]["command"]), do=do)


def _check_same(observed: Gathers, predicted: Gathers) -> None:
    if observed.d.shape != predicted.d.shape:
        refuse(
            predicted.name,
            f"must have the survey of {observed.name}, (ns, nr, nt) = {observed.d.shape}",
            got=predicted.d.shape,
            do="Model it with `pylops-vmb simulate MODEL --like FILE`, or draw before-after",
        )

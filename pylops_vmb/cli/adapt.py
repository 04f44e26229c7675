"""``pylops-vmb adapt``: gathers of a field survey brought to the survey of a network."""

import argparse
from pathlib import Path

import numpy as np

from pylops_vmb._checks import refuse
from pylops_vmb.cli._files import check_folder, load_network, origin_of
from pylops_vmb.cli._gathers import load_gathers, wavelet_of
from pylops_vmb.cli._messages import say
from pylops_vmb.cli._options import add_gathers, add_weights, gathers_file, headers
from pylops_vmb.cli._report import Outcome, beside, publish
from pylops_vmb.errors import VMBFileError
from pylops_vmb.io import write_gathers
from pylops_vmb.learned import Mute, adapt
from pylops_vmb.survey import Acquisition


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    add_gathers(parser)
    add_weights(parser)
    parser.add_argument(
        "--out", type=gathers_file, required=True, metavar="FILE", help="gathers, .sgy or .segy"
    )
    parser.add_argument(
        "--wavelet",
        type=Path,
        metavar="FILE",
        help="source wavelet of the data, .npy: samples at their time step, the first at the "
        "beginning of the record (see pylops_vmb.estimate_wavelet)",
    )
    parser.add_argument(
        "--receivers",
        choices=("spline", "sparse"),
        default="spline",
        help="how receivers are interpolated (default: %(default)s)",
    )
    parser.add_argument(
        "--point-source",
        action="store_true",
        help="the data were shot in the field, in three dimensions: correct them to two",
    )
    parser.add_argument(
        "--amplitude",
        choices=("shots", "none"),
        default="shots",
        help="bring shots to one source strength (default: %(default)s)",
    )
    parser.add_argument(
        "--mute-top",
        type=float,
        metavar="M_S",
        help="silence what comes before waves of this velocity",
    )
    parser.add_argument(
        "--origin",
        type=float,
        metavar="M",
        help="where the network's x = 0 lies on the line (default: where most shots are found)",
    )


def run(args: argparse.Namespace) -> Outcome:
    """Read, adapt, write; or say which limits the data break."""
    check_folder(args.out)
    G = load_network(args.weights)
    data, acq = load_gathers(args.gathers, f0=args.f0, headers=headers(args, args.gathers))
    if args.wavelet is not None:
        acq = _with_wavelet(acq, args.wavelet)
    adapted = adapt(
        data,
        acq,
        to=G.card,
        receivers=args.receivers,
        point_source=args.point_source,
        amplitude=args.amplitude,
        mute=None if args.mute_top is None else Mute(args.mute_top),
        origin=args.origin,
    )
    for step in adapted.steps:
        say(str(step))
    write_gathers(args.out, adapted.data, adapted.acq)
    figures = {
        "shots": adapted.acq.ns,
        "receivers": adapted.acq.nr,
        "samples": adapted.acq.nt,
        "dt_s": adapted.acq.dt,
        "f0_hz": adapted.acq.f0,
        "file": args.out.name,
    }
    return publish(
        beside(args.out),
        args,
        figures=[figures],
        inputs=[path for path in (args.gathers, args.wavelet) if path],
        outputs=[args.out],
        acquisition=adapted.acq.to_dict(),
        steps=adapted.steps.to_list(),
        networks=origin_of(args.weights, G),
        wavelet=wavelet_of(acq),
    )


def _with_wavelet(acq: Acquisition, path: Path) -> Acquisition:
    """Return the survey with a wavelet from a file, whose time zero is the record's beginning."""
    try:
        wav = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as err:
        refuse(
            path.name,
            "is not a wavelet in a .npy file",
            got=f"'{path}' ({err})",
            do="Write it by numpy.save, samples (nw,) or (ns, nw)",
            error=VMBFileError,
            cause=err,
        )
    return acq.with_wavelet(wav)

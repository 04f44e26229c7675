"""``pylops-vmb predict``: a velocity model from gathers, by a network alone."""

import argparse
import time

import torch

from pylops_vmb.cli._files import (
    check_folder,
    load_network,
    network_for,
    origin_of,
    save_velocity,
)
from pylops_vmb.cli._gathers import load_gathers, wavelet_of
from pylops_vmb.cli._options import add_device, add_gathers, add_velocity_out, add_weights, headers
from pylops_vmb.cli._report import Outcome, beside, publish
from pylops_vmb.cli._solving import check_device
from pylops_vmb.networks.prediction import PRECISIONS


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    add_gathers(parser)
    add_weights(parser)
    add_velocity_out(parser)
    add_device(parser)
    parser.add_argument(
        "--precision",
        choices=PRECISIONS,
        default="float32",
        help="of the products; bfloat16 takes half the time where the processor has it, and "
        "changes the velocity by some m/s; auto takes it there (default: %(default)s)",
    )


def run(args: argparse.Namespace) -> Outcome:
    """Read, predict, write."""
    check_folder(args.out)
    check_device(args.device)
    G = load_network(args.weights, args.device, precision=args.precision)
    data, acq = load_gathers(
        args.gathers, f0=args.f0, card=G.card, headers=headers(args, args.gathers)
    )
    there = network_for(G, data, acq)
    started = time.perf_counter()
    with torch.no_grad():
        vp = there(data)
    seconds = time.perf_counter() - started
    save_velocity(args.out, vp, G.grid)
    figures = {
        "vp_min_m_s": float(vp.min()),
        "vp_max_m_s": float(vp.max()),
        "seconds": seconds,
        "file": args.out.name,
    }
    return publish(
        beside(args.out),
        args,
        figures=[{"method": G.card.name} | figures],
        inputs=[args.gathers],
        outputs=[args.out],
        models={G.card.name: args.out.name},
        limits=list(G.card.limits),
        networks=origin_of(args.weights, G),
        wavelet=wavelet_of(acq),
    )

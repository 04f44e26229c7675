"""Files: SEG-Y, OpenFWI, FCNVMB, bare numbers, weights and checkpoints."""

from pylops_vmb.io.arrays import (
    read_fcnvmb,
    read_openfwi,
    read_raw,
    write_fcnvmb,
    write_openfwi,
    write_raw,
)
from pylops_vmb.io.checkpoint import load_checkpoint, save_checkpoint
from pylops_vmb.io.npz import read_npz, read_npz_gathers, write_npz, write_npz_gathers
from pylops_vmb.io.segy import (
    GatherFile,
    SegySummary,
    open_gathers,
    read_gathers,
    read_traces,
    read_velocity,
    summary,
    write_gathers,
    write_velocity,
)
from pylops_vmb.io.weights import read_weights, weights_digest, write_weights

__all__ = [
    "GatherFile",
    "SegySummary",
    "load_checkpoint",
    "open_gathers",
    "read_fcnvmb",
    "read_gathers",
    "read_npz",
    "read_npz_gathers",
    "read_openfwi",
    "read_raw",
    "read_traces",
    "read_velocity",
    "read_weights",
    "save_checkpoint",
    "summary",
    "weights_digest",
    "write_fcnvmb",
    "write_gathers",
    "write_npz",
    "write_npz_gathers",
    "write_openfwi",
    "write_raw",
    "write_velocity",
    "write_weights",
]

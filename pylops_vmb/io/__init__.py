"""Files: SEG-Y, OpenFWI, FCNVMB, weights and checkpoints."""

from pylops_vmb.io.checkpoint import load_checkpoint, save_checkpoint
from pylops_vmb.io.weights import read_weights, weights_digest, write_weights

__all__ = [
    "load_checkpoint",
    "read_weights",
    "save_checkpoint",
    "weights_digest",
    "write_weights",
]

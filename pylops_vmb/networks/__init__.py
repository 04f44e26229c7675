"""Networks from shot gathers to velocity: FCNVMB as published, its repair, the registry."""

from pylops_vmb.networks.fcnvmb import FCNVMB
from pylops_vmb.networks.registry import available, build, register
from pylops_vmb.networks.repaired import RepairedFCNVMB

__all__ = ["FCNVMB", "RepairedFCNVMB", "available", "build", "register"]

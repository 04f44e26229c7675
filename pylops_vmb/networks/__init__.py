"""Networks from shot gathers to velocity, those they come from, and the registry of both."""

from pylops_vmb.networks.dcgan import DCGANDiscriminator, DCGANGenerator
from pylops_vmb.networks.deep_prior import DeepPrior
from pylops_vmb.networks.dense import DenseVelocity
from pylops_vmb.networks.fcn import FCN8s, FCN16s, FCN32s
from pylops_vmb.networks.fcnvmb import FCNVMB
from pylops_vmb.networks.inversionnet import InversionNet
from pylops_vmb.networks.patchgan import PatchDiscriminator
from pylops_vmb.networks.prediction import Prepared, has_bfloat16, prepared
from pylops_vmb.networks.registry import available, build, register
from pylops_vmb.networks.regression import VelocityNetwork
from pylops_vmb.networks.repaired import RepairedFCNVMB
from pylops_vmb.networks.unet import UNet
from pylops_vmb.networks.vgg import VGG16

__all__ = [
    "FCNVMB",
    "VGG16",
    "DCGANDiscriminator",
    "DCGANGenerator",
    "DeepPrior",
    "DenseVelocity",
    "FCN8s",
    "FCN16s",
    "FCN32s",
    "InversionNet",
    "PatchDiscriminator",
    "Prepared",
    "RepairedFCNVMB",
    "UNet",
    "VelocityNetwork",
    "available",
    "build",
    "has_bfloat16",
    "prepared",
    "register",
]

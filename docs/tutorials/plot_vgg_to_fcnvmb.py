r"""
From VGG16 to FCNVMB
====================

FCNVMB, the network of Yang and Ma (2019) that turns shot gathers into a velocity model, has
five ancestors that never saw a seismogram. This page follows the line from the picture
classifier VGG16 to the network in this package's wheel, and says at each step what was
changed and why. All diagrams are drawn from the modules themselves, by
`pylops_vmb.plotting.plot_network`, which takes any network of yours as well.

The networks are those of `pylops_vmb.networks`. They are made on torch's device "meta", which knows
shapes and no numbers, so that even 138 million parameters cost nothing here.
"""

# sphinx_gallery_thumbnail_number = 5

import matplotlib.pyplot as plt
import torch

import pylops_vmb as vmb
from pylops_vmb.plotting import network_stages, plot_network

networks, meta = vmb.networks, torch.device("meta")


def parameters(net):
    return sum(p.numel() for p in net.parameters())


# %%
# VGG16: a picture in, scores out
# -------------------------------
# Simonyan and Zisserman (2015) stacked thirteen 3 x 3 convolutions. Five poolings halve the maps,
# and channels double to 512: *where* is traded for *what*. Three dense layers then make 1000
# scores. In the diagrams a box is as high as the square root of the rows of its maps, and as wide
# as that of their channels.
with meta:
    vgg = networks.VGG16()
plot_network(vgg, (3, 224, 224), title="VGG16")
dense = parameters(vgg.classifier)
print(f"VGG16: {parameters(vgg):,} parameters, {dense / parameters(vgg):.0%} of them dense")

# %%
# FCN: dense layers are convolutions
# ----------------------------------
# A dense layer on 7 x 7 maps of 512 channels is a 7 x 7 convolution with the same numbers. Long,
# Shelhamer and Darrell (2015) wrote it so, and the classifier became a *fully convolutional*
# network: it takes any size, and scores every place. FCN-32s brings the coarse scores back to the
# size of the picture with a single upsampling by 32, which begins as bilinear interpolation.
names = ("fcn-32s", "fcn-16s", "fcn-8s")
with meta:
    family = {name: networks.build(name) for name in names}
plot_network(family["fcn-32s"], (3, 224, 224), title="FCN-32s: upsampled at once")

# %%
# FCN-16s and FCN-8s: skips that are added
# ----------------------------------------
# Scores on a grid of 32 pixels cannot have sharp edges. The maps behind the fourth and the third
# pooling are finer. Scored by a 1 x 1 convolution of their own, they are *added* to the upsampled
# coarse scores: the deep layers say what, the shallow ones where.
plot_network(family["fcn-8s"], (3, 224, 224), title="FCN-8s: skips are summed")
for name, net in family.items():
    print(f"{name}: {parameters(net):,} parameters")

# %%
# U-Net: skips that are concatenated
# ----------------------------------
# Ronneberger, Fischer and Brox (2015) kept the full channels on the way up, too. A skip hands
# over whole maps, not scores, and *concatenates* them, so that the next convolutions decide what
# to make of both. The fully connected ballast is gone, and few training pictures suffice. Its
# convolutions are not padded: 572 pixels give 388.
with meta:
    unet = networks.UNet()
plot_network(unet, (1, 572, 572), title="U-Net: skips are concatenated")
print(f"U-Net: {parameters(unet):,} parameters")

# %%
# FCNVMB: shots as channels, from time to depth
# ---------------------------------------------
# Yang and Ma (2019) took the U-Net to seismic data. Four things changed:
#
# * The *input* is a record: 29 shots are 29 channels, rows are time and columns receivers.
# * The *output* is one channel of velocity in m/s in place of class scores, and the loss is the
#   mean squared error: regression in place of classification.
# * *Rows change their meaning.* Input rows are times, output rows are depths, and nothing in the
#   network ties one to the other: it is learned. So is the step from travel times, which hold the
#   velocity of all layers above, to the velocity of one layer.
# * Convolutions are padded and have batch norm, so that 400 x 301 samples come out as 400 x 304,
#   which is cropped to 201 x 301 cells.
with meta:
    fcnvmb = networks.FCNVMB(1, 29, out_shape=(201, 301))
plot_network(fcnvmb, (29, 400, 301), title="FCNVMB as published")
print(f"FCNVMB: {parameters(fcnvmb):,} parameters")

# %%
# Two oddities can be read off the picture. Skips begin at the *pooled* maps (red), and are padded
# with zeros to twice their size: details meet the wrong places. And the crop throws away the
# later times on the finest level, so that they reach the velocity through the deeper levels
# alone.
#
# The repaired FCNVMB
# -------------------
# `pylops_vmb.networks.RepairedFCNVMB` takes its skips before the pooling, and resamples maps to
# the grid of the model, where the original crops. Scaling of data and velocity is inside. This is
# the network in the wheel: five shots, 200 x 70 samples, 70 x 70 cells, with a first convolution
# whose stride brings 200 samples near 70 cells.
G = vmb.LearnedInversion.from_pretrained()
mini = G.net
in_shape = (mini.in_channels, *mini.in_shape)
plot_network(mini, in_shape, title="The network in the wheel: FCNVMB, repaired")
print(f"{G.card.name}: {parameters(mini):,} parameters")


# %%
# What a cell can see
# -------------------
# A layer at depth *z* shows in the data at its two-way time, wherever that is among the rows.
# Only samples within the *receptive field* of a cell can tell the network about it. It does not
# depend on the channels: a network of width 1 with positive weights tells it by the gradient of
# one cell with respect to the data. (Poolings are averages here: a maximum would show one sample
# of four.)
def seen(net, shape, cell):
    net = net.eval()
    for p in net.parameters():
        torch.nn.init.constant_(p, 0.1)
    for name, layer in list(net.named_modules()):
        if isinstance(layer, torch.nn.MaxPool2d):
            owner, _, last = name.rpartition(".")
            setattr(net.get_submodule(owner), last, torch.nn.AvgPool2d(2, 2, ceil_mode=True))
    data = torch.ones(1, *shape, requires_grad=True, dtype=torch.float64)
    (slope,) = torch.autograd.grad(net.double()(data)[0, 0][cell], data)
    return slope[0].abs().sum(0) > 0


published = networks.FCNVMB(1, 1, width=1, out_shape=(201, 301))
repaired = networks.RepairedFCNVMB(1, (400, 301), (201, 301), width=1)
views = {
    name: seen(net, (1, 400, 301), (100, 150))
    for name, net in {"published": published, "repaired": repaired}.items()
}

fig, axes = plt.subplots(1, 2, figsize=(7, 3.6), layout="constrained", sharey=True)
for ax, (name, view) in zip(axes, views.items(), strict=True):
    ax.imshow(view, cmap="Greys", vmin=0, vmax=2, extent=(0, 3010, 2.0, 0), aspect="auto")
    ax.set(title=name, xlabel="receiver x (m)")
    rows = view.any(1).nonzero().ravel()
    print(f"{name}: times from {5 * int(rows[0])} to {5 * int(rows[-1])} ms")
axes[0].set_ylabel("time (s)")
fig.suptitle("seen (grey) by the cell in the middle of the model, at x = 1500, z = 1000 m")

# %%
# The published network looks at the first half of the record for the middle of the model, because
# its output is a crop of the grid of the data; the repaired one looks around the middle.
#
# In numbers
# ----------
# Memory is that of all maps of one sample in float32, which a training keeps for its backward
# pass, at least once.
table = {
    "VGG16": (vgg, (3, 224, 224)),
    **{name.upper().replace("S", "s"): (net, (3, 224, 224)) for name, net in family.items()},
    "U-Net": (unet, (1, 572, 572)),
    "FCNVMB": (fcnvmb, (29, 400, 301)),
    "in the wheel": (mini, in_shape),
}
for name, (net, shape) in table.items():
    stages = network_stages(net, shape)
    maps = sum(torch.Size(s.shape).numel() * max(1, s.layers) for s in stages)
    print(
        f"{name:13} {parameters(net):>12,} parameters, maps {4e-6 * maps:6.1f} MB, {shape}", end=""
    )
    print(f" -> {stages[-1].shape}")

# %%
# The counts are those of the publications, to the last parameter, and so is the smallest map.
# What such a lineage does not tell is how good the networks are: see :doc:`/benchmarks`.
#
# **References.** Simonyan and Zisserman, 2015, ICLR; Long, Shelhamer and Darrell, 2015, CVPR;
# Ronneberger, Fischer and Brox, 2015, MICCAI; Yang and Ma, 2019, Geophysics 84(4), R583-R599.
counts = [parameters(net) for net in (vgg, *family.values(), unet, fcnvmb)]
published_counts = [138357544, 136152917, 134815994, 134489759, 31030658, 31058497]
assert counts == published_counts
assert (1024, 25, 19) in [stage.shape for stage in network_stages(fcnvmb, (29, 400, 301))]
assert network_stages(unet, (1, 572, 572))[-1].shape == (2, 388, 388)
assert network_stages(mini, in_shape)[-1].shape == (1, 70, 70)

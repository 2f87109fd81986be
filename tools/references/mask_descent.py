"""MASK in PyTorch: the loss of a mask, the numbers of its forms, and the steps of Adam that minimise it."""

import torch
from torch.nn import functional

DECAYS = 0.9, 0.999
FLOOR = 1e-8


def gaussian(taps, sigma):
    kernel = torch.exp(-((torch.arange(taps, dtype=torch.float64) - (taps - 1) / 2) ** 2) / (2 * sigma**2))
    return kernel / kernel.sum()


class Version:
    """Margin of the jitter, filters, weights and learning rate.

    margin: by how much the resized image exceeds the window; image, mask: kernels, the latter None for no blur.
    """

    def __init__(self, margin, image, mask, sparsity, variation, rate):
        self.margin, self.image, self.mask = margin, image, mask
        self.sparsity, self.variation, self.rate = sparsity, variation, rate


def published():
    """The numbers published for 224 x 224 pixels and 28 x 28 places."""
    return Version(4, gaussian(21, 0.3 * 9 + 0.8), gaussian(11, 2), 1e-4, 1e-2, 0.1)


def blur(x, kernel):
    """Both axes with one kernel, mirrored at the borders without repeating them."""
    channels, reach = x.shape[1], len(kernel) // 2
    filter = torch.outer(kernel, kernel).to(x.dtype)[None, None].expand(channels, 1, -1, -1)
    return functional.conv2d(functional.pad(x, [reach] * 4, mode="reflect"), filter, groups=channels)


def enlarged(x, size):
    return functional.interpolate(x, size=size, mode="bilinear", align_corners=False)


def views(version, x):
    """The image resized by the margin, and the same blurred."""
    sharp = enlarged(x, [extent + version.margin for extent in x.shape[2:]]) if version.margin else x
    return sharp, blur(sharp, version.image)


def loss(network, version, smoothness, mask, views, offset, target):
    """Class probability of the blend, sparsity and total variation; one number for each image."""
    height, width = (extent - version.margin for extent in views[0].shape[2:])
    rows, columns = offset if version.margin else (0, 0)
    sharp, blurred = (view[:, :, rows:rows + height, columns:columns + width] for view in views)
    weight = enlarged(mask[:, None], [height, width])
    if version.mask is not None:
        weight = blur(weight, version.mask)
    probabilities = functional.softmax(network(weight * sharp + (1 - weight) * blurred), 1)
    vertical, horizontal = mask[:, 1:, :] - mask[:, :-1, :], mask[:, :, 1:] - mask[:, :, :-1]
    if smoothness == "paired":
        vertical, horizontal = functional.pad(vertical, [0, 0, 0, 1]), functional.pad(horizontal, [0, 1])
    else:
        horizontal = horizontal.transpose(1, 2)
    variation = ((vertical**2 + horizontal**2 + 1e-8) ** 1.5).sum((1, 2))
    own = probabilities.gather(1, target[:, None])[:, 0]
    return own + version.sparsity * (1 - mask).abs().sum((1, 2)) + version.variation * variation


def adam(state, gradient, rate, step):
    mask, mean, squares = state
    mean = DECAYS[0] * mean + (1 - DECAYS[0]) * gradient
    squares = DECAYS[1] * squares + (1 - DECAYS[1]) * gradient**2
    corrected = mean / (1 - DECAYS[0] ** step), squares / (1 - DECAYS[1] ** step)
    return (mask - rate * corrected[0] / (corrected[1].sqrt() + FLOOR)).clamp(0, 1), mean, squares


def descend(network, version, smoothness, state, x, offsets, target, counter=0, create=False, detach=True):
    """One step for each offset; the states after each.

    counter: steps that the corrections of Adam take for done; create: whether states can be differentiated by x; detach:
    whether a state counts as constant in the step from it.
    """
    states = []
    both = views(version, x)
    for number, offset in enumerate(offsets):
        mask = state[0].detach().requires_grad_(True) if detach or not state[0].requires_grad else state[0]
        value = loss(network, version, smoothness, mask, both, offset, target).sum()
        (gradient,) = torch.autograd.grad(value, mask, create_graph=create)
        state = adam((mask, *state[1:]), gradient, version.rate, counter + number + 1)
        if not create:
            state = tuple(part.detach() for part in state)
        states.append(state)
    return states

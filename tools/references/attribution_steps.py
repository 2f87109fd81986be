#!/usr/bin/env python3
"""Records what PyTorch makes of the first step of ADV2 against interpreters that attribute to pixels, in float64.

usage: $(tools/environment tools/references/requirements.txt)/bin/python tools/references/attribution_steps.py
Writes graphs/peers/clipped-legacy.onnx and graphs/peers/<network>-attributions.npz; graphs/peers/README.md says what the
arrays are.
"""
import pathlib

import numpy
import torch
from torch.nn import functional

import networks
from attack_steps import ALPHA, normalised_step, within_box
from exports import export
from gradient_map import SmoothedModule, pixel_map, smoothed_clip, smoothed_slope
from onnx_module import OnnxModule
from record import BATCH, SEED, SIZE

COEFFICIENT = 30.0
BASELINE = 0.25
PARTS, NOISES, DEVIATION = 4, 3, 0.15
STABILISER = 1e-4
CLOSE = 1e-6
OF_ONE_PASS = ("gradient-input", "guided-backprop", "deeplift", "lrp")
OF_SAMPLES = ("ig", "smoothgrad")
NETWORKS = ("residual", "dense", "mobile", "clipped")
# Relevance has no rule for the products of its gates.
WITHOUT_RELEVANCE = "mobile"
directory = pathlib.Path(__file__).resolve().parent.parent.parent / "graphs" / "peers"


class PositiveCotangent(torch.autograd.Function):
    """The identity, which lets only what is positive pass back."""

    @staticmethod
    def forward(context, u):
        return u.clone()

    @staticmethod
    def backward(context, cotangent):
        return cotangent.relu()


class AttributedModule(OnnxModule):
    """Runs images, their baselines and a third part u side by side, stacked along the batch; the logits are linear in u.

    u passes through what is linear as the images do. A function of one value multiplies it by the interpreter's share, which
    stands in place of the derivative, so that the gradient with respect to u is what the interpreter makes of the gradient
    with respect to the image; the share itself is a function of the image that autograd differentiates. Where the baseline is
    the image itself, the rules for products and for max pooling are the derivative's.
    """

    def __init__(self, path, interpreter, smoothed):
        super().__init__(path, torch.float64)
        self.interpreter, self.smoothed = interpreter, smoothed

    def slope(self, z, low, high):
        if self.smoothed:
            return smoothed_slope(z, low, high)
        return ((z > low) & (z < (torch.inf if high is None else high))).to(z.dtype)

    def share(self, z, y, baseline_z, baseline_y, low, high):
        """What u is multiplied by at y = clip z."""
        slope = self.slope(z, low, high)
        if self.interpreter == "deeplift":
            difference = z - baseline_z
            is_close = difference.abs() < CLOSE
            quotient = (y - baseline_y) / torch.where(is_close, 1, difference)
            is_one_piece = self.smoothed & (self.piece(z, low, high) == self.piece(baseline_z, low, high))
            return torch.where(is_close | is_one_piece, slope, quotient)
        if self.interpreter == "lrp":
            quotient = y / (z + STABILISER * torch.where(z < 0, -1, 1))
            is_sloped = (self.piece(z, low, high) == 1) | (y == 0)
            return torch.where(self.smoothed & is_sloped, slope, quotient)
        return slope

    @staticmethod
    def piece(z, low, high):
        """0 below the bounds, 1 between them, 2 above."""
        return (z > low).int() + (z >= (torch.inf if high is None else high)).int()

    def clipped(self, stacked, low, high=None):
        z, baseline, u = stacked.chunk(3)
        y, baseline_y = smoothed_clip(z, low, high), smoothed_clip(baseline, low, high)
        u = u * self.share(z, y, baseline, baseline_y, low, high)
        return torch.cat([y, baseline_y, PositiveCotangent.apply(u) if self.interpreter == "guided-backprop" else u])

    def Relu(self, stacked):
        return self.clipped(stacked, 0.0)

    def Clip(self, stacked, low, high):
        return self.clipped(stacked, low.item(), high.item())

    def HardSigmoid(self, stacked, alpha=0.2, beta=0.5):
        return self.clipped(alpha * stacked + beta, 0.0, 1.0)

    def HardSwish(self, stacked):
        return self.Mul(stacked, self.HardSigmoid(stacked, 1 / 6))

    def Mul(self, stacked, other):
        """Each factor gets the middle of the other's values at the image and at the baseline."""
        (a, baseline_a, u_a), (b, baseline_b, u_b) = stacked.chunk(3), other.chunk(3)
        return torch.cat([a * b, baseline_a * baseline_b, u_a * (b + baseline_b) / 2 + u_b * (a + baseline_a) / 2])

    def MaxPool(self, stacked, *, kernel_shape, strides, pads, dilations, ceil_mode):
        """The place of the maximum makes it rise from the baseline's, the place of the baseline's makes it fall."""
        assert list(dilations) == [1, 1] and not ceil_mode
        sides = pads[1], pads[3], pads[0], pads[2]
        z, baseline, u = (
            functional.pad(part, sides, value=value) for part, value in zip(stacked.chunk(3), (-torch.inf, -torch.inf, 0)))
        y, place = functional.max_pool2d(z, kernel_shape, strides, return_indices=True)
        baseline_y, baseline_place = functional.max_pool2d(baseline, kernel_shape, strides, return_indices=True)

        def taken(part, place):
            return part.flatten(2).gather(2, place.flatten(2)).reshape(place.shape)

        def share(place, change, otherwise):
            difference = taken(z, place) - taken(baseline, place)
            is_close = difference.abs() < CLOSE
            return torch.where(is_close, otherwise, change / torch.where(is_close, 1, difference))

        rise = share(place, torch.where(y > baseline_y, y - baseline_y, 0), 1)
        fall = share(baseline_place, torch.where(y > baseline_y, 0, y - baseline_y), 0)
        return torch.cat([y, baseline_y, rise * taken(u, place) + fall * taken(u, baseline_place)])


def attribution_of_one_pass(network, x, classes):
    baseline = torch.full_like(x, BASELINE) if network.interpreter == "deeplift" else x
    u = torch.zeros_like(x, requires_grad=True)
    _, _, of_u = network(torch.cat([x, baseline, u])).chunk(3)
    (gradient,) = torch.autograd.grad(of_u.gather(1, classes[:, None]).sum(), u, create_graph=True)
    return {
        "gradient-input": x * gradient, "guided-backprop": gradient, "deeplift": (x - baseline) * gradient,
        "lrp": x * gradient,
    }[network.interpreter]


def integrated_gradient(network, x, classes):
    """Integrated gradients of the probability, at the middles of equal parts of the way from the baseline."""
    total = 0
    for part in range(PARTS):
        point = BASELINE + (part + 0.5) / PARTS * (x - BASELINE)
        (gradient,) = torch.autograd.grad(
            network(point).softmax(1).gather(1, classes[:, None]).sum(), point, create_graph=True)
        total = total + gradient / PARTS
    return (x - BASELINE) * total


def smooth_gradient(network, x, classes, noise):
    """The mean gradient of the logit under each noise, the same for every image."""
    total = 0
    for offset in noise:
        point = x + offset
        (gradient,) = torch.autograd.grad(network(point).gather(1, classes[:, None]).sum(), point, create_graph=True)
        total = total + gradient / len(noise)
    return total


def attributions(path, interpreter, noise, smoothed):
    """x and classes -> attributions to the values of x."""
    if interpreter in OF_ONE_PASS:
        network = AttributedModule(path, interpreter, smoothed)
        return lambda x, classes: attribution_of_one_pass(network, x, classes)
    network = SmoothedModule(path, torch.float64) if smoothed else OnnxModule(path, torch.float64)
    if interpreter == "ig":
        return lambda x, classes: integrated_gradient(network, x, classes)
    return lambda x, classes: smooth_gradient(network, x, classes, noise)


def step(plain, attribution, x, origin, target, aim):
    """Losses at x, and where the step under each norm goes."""
    x = x.clone().requires_grad_(True)
    entropy = functional.cross_entropy(plain(x), target, reduction="none")
    distance = ((pixel_map(attribution(x, target)) - aim) ** 2).mean((1, 2))
    (of_entropy,) = torch.autograd.grad(entropy.sum(), x, retain_graph=True)
    (gradient,) = torch.autograd.grad((entropy + COEFFICIENT * distance).sum(), x)
    if (of_entropy.sign() != gradient.sign()).double().mean() < 0.1:
        raise SystemExit("the map makes no difference")
    x = x.detach()
    return {
        "crossEntropy": entropy.detach(), "mapLoss": distance.detach(),
        "next": within_box(x - ALPHA * gradient.sign(), origin), "next.l2": normalised_step(x, gradient, origin),
    }


def main():
    torch.set_num_threads(1)
    export(
        networks.network("clipped", SIZE, SEED), torch.rand(BATCH, 3, SIZE, SIZE), directory / "clipped-legacy.onnx",
        "legacy", 17, True, plain=True)
    for name in NETWORKS:
        path = directory / f"{name}-legacy.onnx"
        torch.manual_seed(12)
        # Drawn in float32, which so holds them exactly; some of the origin is far enough for its bounds to be reached.
        x = torch.rand(BATCH, 3, SIZE, SIZE)
        origin = (x + (torch.rand(x.shape) - 0.5) * 0.05).clamp(0, 1)
        noise = DEVIATION * torch.randn(NOISES, *x.shape[1:])
        x, origin, noise = x.double(), origin.double(), noise.double()
        target, other = torch.tensor([3, 7]), torch.tensor([5, 1])
        arrays = {"x": x, "origin": origin, "noise": noise, "target": target, "class": other}
        plain = OnnxModule(path, torch.float64)
        for interpreter in (*OF_ONE_PASS, *OF_SAMPLES):
            if name == WITHOUT_RELEVANCE and interpreter == "lrp":
                continue
            unchanged = attributions(path, interpreter, noise, smoothed=False)
            aim = pixel_map(unchanged(x.clone().requires_grad_(True), other)).detach()
            smoothed = attributions(path, interpreter, noise, smoothed=True)
            values = {"mapTarget": aim, **step(plain, smoothed, x, origin, target, aim)}
            arrays.update({f"{interpreter}.{key}": value for key, value in values.items()})
            print(f"{name} {interpreter}: map loss {values['mapLoss'].tolist()}")
        numpy.savez(directory / f"{name}-attributions.npz", **{key: value.numpy() for key, value in arrays.items()})


if __name__ == "__main__":
    main()

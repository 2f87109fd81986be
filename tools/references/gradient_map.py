#!/usr/bin/env python3
"""Records what PyTorch makes of one step of ADV2 against GRAD on the small networks of graphs/peers, in float64.

usage: $(tools/environment tools/references/requirements.txt)/bin/python tools/references/gradient_map.py
Writes graphs/peers/<network>-grad.npz; graphs/peers/README.md says what the arrays are.
"""
import pathlib

import numpy
import torch
from torch.nn import functional

import onnx_module
from onnx_module import OnnxModule

TAU = 1e-4
COEFFICIENT = 0.05
PROBABILITY = 0.97
directory = pathlib.Path(__file__).resolve().parent.parent.parent / "graphs" / "peers"


def smoothed_step(z):
    """h(z): z / s from 0 on, tau / (s (s - z)) below, s = sqrt(z^2 + tau)."""
    s = torch.sqrt(z * z + TAU)
    return torch.where(z < 0, TAU / (s * (s - z.clamp(max=0))), z / s)


def smoothed_slope(z, low, high):
    """h(z - low) - h(z - high); a missing bound drops its term."""
    return smoothed_step(z - low) - (0 if high is None else smoothed_step(z - high))


class SmoothedClip(torch.autograd.Function):
    """Clip with the derivative `smoothed_slope`."""

    @staticmethod
    def forward(context, z, low, high):
        context.save_for_backward(z)
        context.bounds = low, high
        return z.clamp(low, high)

    @staticmethod
    def backward(context, cotangent):
        (z,) = context.saved_tensors
        low, high = context.bounds
        return cotangent * smoothed_slope(z, low, high), None, None


def smoothed_relu(z):
    return SmoothedClip.apply(z, 0.0, None)


def smoothed_clip(z, low=None, high=None, min=None, max=None):
    bounds = [low if low is not None else min, high if high is not None else max]
    return SmoothedClip.apply(z, *(bound.item() if torch.is_tensor(bound) else bound for bound in bounds))


SMOOTHED = {
    "Relu": smoothed_relu, "Clip": smoothed_clip,
    "HardSigmoid": lambda z, alpha=0.2, beta=0.5: SmoothedClip.apply(alpha * z + beta, 0.0, 1.0),
    "HardSwish": lambda z: z * SmoothedClip.apply(z / 6 + 0.5, 0.0, 1.0),
}


class SmoothedModule(OnnxModule):
    """The same graph with h in place of the derivative of its kinks."""

    def forward(self, x):
        plain = dict(onnx_module.OPERATIONS)
        onnx_module.OPERATIONS.update(SMOOTHED)
        try:
            return super().forward(x)
        finally:
            onnx_module.OPERATIONS.update(plain)


def pixel_map(attribution):
    """|attribution|, largest over channels, pooled as PixelMap does it, from 0 to 1."""
    side = min(attribution.shape[2:])
    map = functional.avg_pool2d(attribution.abs().max(1).values, 4 if side >= 112 else 2 if side >= 32 else 1)
    map = map - map.flatten(1).min(1).values[:, None, None]
    return map / map.flatten(1).max(1).values.clamp_min(1e-30)[:, None, None]


def gradient_map(network, x, classes, create=False):
    """GRAD: the map of the gradient of the log-odds."""
    logits = network(x)
    own = logits.gather(1, classes[:, None])[:, 0]
    others = logits.scatter(1, classes[:, None], -torch.inf).logsumexp(1)
    (gradient,) = torch.autograd.grad((own - others).sum(), x, create_graph=create)
    return pixel_map(gradient)


def step(plain, smoothed, x, target, aim):
    """Losses and gradients of a step of ADV2 from x towards the classes `target` and the map `aim`."""
    x = x.detach().clone().requires_grad_(True)
    map = gradient_map(smoothed, x, target, create=True)
    logits = plain(x)
    soft = torch.full_like(logits, (1 - PROBABILITY) / (logits.shape[1] - 1)).scatter(1, target[:, None], PROBABILITY)
    entropy = -(soft * functional.log_softmax(logits, 1)).sum(1)
    distance = ((map - aim) ** 2).sum((1, 2))
    (gradient,) = torch.autograd.grad((entropy + COEFFICIENT * distance).sum(), x, retain_graph=True)
    (own,) = torch.autograd.grad(distance.sum(), x)
    values = {
        "map": gradient_map(plain, x, target), "crossEntropy": entropy, "mapLoss": distance, "gradient": gradient,
        "mapLossGradient": own,
    }
    if (map - values["map"]).abs().max() < 1e-6 or own.abs().max() < 1e-3:
        raise SystemExit("the surrogates make no difference")
    return {key: value.detach() for key, value in values.items()}


def main():
    torch.set_num_threads(1)
    for name in ("residual", "mobile", "dense"):
        path = directory / f"{name}-legacy.onnx"
        recorded = numpy.load(path.with_suffix(".npz"))
        x, target = torch.from_numpy(recorded["x"]).requires_grad_(True), torch.from_numpy(recorded["target"])
        plain, smoothed = OnnxModule(path, torch.float64), SmoothedModule(path, torch.float64)
        aim = gradient_map(plain, x, (plain(x).argmax(1) + 1) % 10)
        arrays = {"x": x.detach(), "target": target, "mapTarget": aim, **step(plain, smoothed, x, target, aim)}
        numpy.savez(directory / f"{name}-grad.npz", **{key: value.numpy() for key, value in arrays.items()})
        print(f"{name}: cross entropy {arrays['crossEntropy'].tolist()}, map loss {arrays['mapLoss'].tolist()}")


if __name__ == "__main__":
    main()

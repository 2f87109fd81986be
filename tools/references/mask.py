#!/usr/bin/env python3
"""Records what PyTorch makes of MASK and of the lookahead of the attack on it, on networks of graphs/peers, in float64.

usage: $(tools/environment tools/references/requirements.txt)/bin/python tools/references/mask.py
Writes graphs/peers/<network>-mask.npz and graphs/peers/mask-operators.npz; graphs/peers/README.md says what the arrays are.
"""
import pathlib

import numpy
import torch
from torch.nn import functional

from mask_descent import DECAYS, Version, descend, gaussian
from onnx_module import OnnxModule

SIZE, SIDE, STEPS = 16, 4, 4
OFFSETS = [(1, 0), (0, 1), (1, 1), (0, 0)]
COUNTER = 8
directory = pathlib.Path(__file__).resolve().parent.parent.parent / "graphs" / "peers"


def version(name):
    """The numbers for images of SIZE pixels: those published for 32 pixels, and the early version's scaled."""
    if name == "v2":
        image, mask = (torch.tensor(weights, dtype=torch.float64) for weights in ([1.0, 4, 6, 4, 1], [1.0, 2, 1]))
        return Version(2, image / 16, mask / 4, 1e-3 * 64 / SIDE**2, 0.1, 0.05)
    return Version(0, gaussian(3, 10 * SIZE / 224), None, 1e-2 / SIDE**2, 1e-4, 0.1)


def lookahead(network, state, x, target, aim, detach):
    x = x.detach().clone().requires_grad_(True)
    states = descend(network, version("v2"), "paired", state, x, OFFSETS, target, COUNTER, True, detach)
    distance = sum(((mask - aim) ** 2).sum((1, 2)) for mask, _, _ in states) / STEPS
    (gradient,) = torch.autograd.grad(distance.sum(), x)
    norm = gradient.flatten(1).norm(dim=1)
    return distance.detach(), gradient / norm[:, None, None, None], norm


def record(name):
    network = OnnxModule(directory / f"{name}-legacy.onnx", torch.float64)
    recorded = numpy.load(directory / f"{name}-legacy.npz")
    x, target = torch.from_numpy(recorded["x"]), torch.from_numpy(recorded["target"])
    torch.manual_seed(11)
    # Half of the places lie at a bound, and the moments push them either way, so that the clamp matters.
    mask = (torch.rand(2, SIDE, SIDE, dtype=torch.float64) * 2 - 0.5).clamp(0, 1)
    mean = 0.2 * torch.randn(2, SIDE, SIDE, dtype=torch.float64)
    state = mask, mean, 1e-2 * mean**2 * (0.5 + torch.rand(2, SIDE, SIDE, dtype=torch.float64))
    aim = torch.rand(2, SIDE, SIDE, dtype=torch.float64)
    steps = numpy.arange(COUNTER + 1, COUNTER + STEPS + 1)
    arrays = {
        "x": x, "target": target, "mask": state[0], "mean": state[1], "squares": state[2], "maskTarget": aim,
        "offsets": torch.tensor(OFFSETS), "corrections": torch.from_numpy(1 - numpy.array(DECAYS)[None] ** steps[:, None]),
    }
    for form, smoothness in (("v2", "paired"), ("v2", "transposed"), ("v1", "paired")):
        states = descend(network, version(form), smoothness, state, x, OFFSETS, target, COUNTER)
        for key, value in zip(("mask", "mean", "squares"), states[-1]):
            arrays[f"{key}.{form}.{smoothness}"] = value.detach()
    for kind, detach in (("detached", True), ("full", False)):
        distance, direction, norm = lookahead(network, state, x, target, aim, detach)
        arrays |= {f"mapLoss.{kind}": distance, f"direction.{kind}": direction, f"norm.{kind}": norm}
    cosine = (arrays["direction.detached"] * arrays["direction.full"]).flatten(1).sum(1)
    final = arrays["mask.v2.paired"]
    if not (0 < (final == 0).sum() + (final == 1).sum() < final.numel()) or cosine.max() > 1 - 1e-6:
        raise SystemExit(f"{name}: the clamp or the derivative through masks makes no difference")
    numpy.savez(directory / f"{name}-mask.npz", **{key: value.numpy() for key, value in arrays.items()})
    print(f"{name}: loss {arrays['mapLoss.full'].tolist()}, cosine of the two directions {cosine.tolist()}")


def operators():
    """What the large constants do to one column: 224 pixels to 228, to 228 blurred, and 28 places to 224 blurred."""
    pixels, places = (torch.sin(torch.arange(count, dtype=torch.float64) ** 1.5) for count in (224, 28))

    def column(x, size, kernel):
        x = functional.interpolate(x[None, None, :, None], size=[size, 1], mode="bilinear", align_corners=False)
        if kernel is None:
            return x[0, 0, :, 0]
        x = functional.pad(x, [0, 0, len(kernel) // 2, len(kernel) // 2], mode="reflect")
        return functional.conv2d(x, kernel[None, None, :, None])[0, 0, :, 0]

    kernels = gaussian(21, 0.3 * (10 - 1) + 0.8), gaussian(11, 2.0)
    if abs(kernels[1].max() - 0.200565) > 1e-6:
        raise SystemExit("the mask's filter is another")
    numpy.savez(
        directory / "mask-operators.npz", pixels=pixels, places=places, sharp=column(pixels, 228, None),
        blurred=column(pixels, 228, kernels[0]), mask=column(places, 224, kernels[1]),
        early=column(pixels, 224, gaussian(11, 10.0)))


def main():
    torch.set_num_threads(1)
    for name in ("residual", "mobile", "smooth"):
        record(name)
    operators()


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Records the attributions that captum computes for a small network in float64, where captum has the method.

usage: $(tools/environment tools/references/attributions.txt)/bin/python tools/references/attributions.py
Writes graphs/peers/attributed.onnx and .npz; graphs/peers/README.md says what the arrays are.
"""
import pathlib

import numpy
import torch
from captum.attr import LRP, DeepLift, GuidedBackprop, InputXGradient, IntegratedGradients, LayerGradCam
from captum.attr._utils.lrp_rules import EpsilonRule
from torch import nn

from exports import export

SIZE, BATCH, CLASSES = 16, 2, 10
STEPS, SAMPLES, BASELINE, NOISE = 50, 4, 0.25, 0.15
directory = pathlib.Path(__file__).resolve().parent.parent.parent / "graphs" / "peers"


class Attributed(nn.Module):
    """Every activation is a module of its own, as captum needs it; no normalisation, so that the export is exact.

    A convolution lies between ReLU and max pooling: side by side they make captum's DeepLIFT miss its own sum.
    """

    def __init__(self):
        super().__init__()
        self.first, self.firstRelu = nn.Conv2d(3, 8, 3, 1, 1), nn.ReLU()
        self.mix, self.pool = nn.Conv2d(8, 8, 1), nn.MaxPool2d(2)
        self.second, self.tanh = nn.Conv2d(8, 12, 3, 1, 1), nn.Tanh()
        self.third, self.thirdRelu, self.mean = nn.Conv2d(12, 12, 3, 1, 1), nn.ReLU(), nn.AvgPool2d(2)
        self.hidden, self.hiddenRelu = nn.Linear(192, 24), nn.ReLU()
        self.classify = nn.Linear(24, CLASSES)

    def forward(self, x):
        x = self.pool(self.mix(self.firstRelu(self.first(x))))
        x = self.mean(self.thirdRelu(self.third(self.tanh(self.second(x)))))
        return self.classify(self.hiddenRelu(self.hidden(x.flatten(1))))


def smooth_gradient(network, x, target, noise):
    """The mean over samples of the gradient of the logit at x + noise (Smilkov et al. 2017)."""
    total = torch.zeros_like(x)
    for offset in noise:
        moved = (x + offset).detach().requires_grad_(True)
        (gradient,) = torch.autograd.grad(network(moved).gather(1, target[:, None]).sum(), moved)
        total += gradient
    return total / len(noise)


def integrated_gradient(network, x, baseline, target):
    """The midpoint rule in float64; captum's weights are float32, so that it comes only as near as that."""
    total = torch.zeros_like(x)
    for step in range(STEPS):
        point = (baseline + (step + 0.5) / STEPS * (x - baseline)).detach().requires_grad_(True)
        (gradient,) = torch.autograd.grad(network(point).gather(1, target[:, None]).sum(), point)
        total += (x - baseline) * gradient / STEPS
    own = IntegratedGradients(network).attribute(x, baseline, target, n_steps=STEPS, method="riemann_middle")
    if (own - total).abs().max() > 1e-6 * total.abs().max():
        raise SystemExit("captum's integrated gradients are others")
    change = (network(x) - network(baseline)).gather(1, target[:, None])[:, 0]
    return total, total.flatten(1).sum(1) - change


def relevance(network, x, target):
    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear, nn.MaxPool2d, nn.AvgPool2d)):
            module.rule = EpsilonRule(epsilon=1e-13)
    return LRP(network).attribute(x, target=target)


def main():
    torch.set_num_threads(1)
    torch.manual_seed(11)
    network = Attributed().eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(1.6)
    x, target = torch.rand(BATCH, 3, SIZE, SIZE), torch.tensor([3, 7])
    noise = NOISE * torch.randn(SAMPLES, 3, SIZE, SIZE)
    export(network, x, directory / "attributed.onnx", "legacy", 17, True, plain=True)
    network, x, noise = network.double().requires_grad_(False), x.double(), noise.double()
    baseline = torch.full_like(x, BASELINE)
    probabilities = nn.Sequential(network, nn.Softmax(1))
    integrated, missing = integrated_gradient(probabilities, x, baseline, target)

    deep, difference = DeepLift(network).attribute(x.clone(), baseline, target, return_convergence_delta=True)
    if difference.abs().max() > 1e-12:
        raise SystemExit("captum's DeepLIFT does not add up")

    def features(layer):
        return LayerGradCam(network, layer).attribute(x, target, relu_attributions=True)[:, 0]

    arrays = {
        "x": x, "target": target, "noise": noise, "logits": network(x),
        "gradCAM": features(network.thirdRelu), "gradCAMOfFirst": features(network.firstRelu),
        "gradientTimesInput": InputXGradient(network).attribute(x.clone(), target),
        "guidedBackpropagation": GuidedBackprop(network).attribute(x.clone(), target),
        "deepLIFT": deep,
        "relevance": relevance(network, x.clone(), target), "integrated": integrated, "incompleteness": missing,
        "smooth": smooth_gradient(network, x, target, noise),
    }
    numpy.savez(
        directory / "attributed.npz", **{key: value.detach().numpy() for key, value in arrays.items()})
    for key, value in arrays.items():
        print(key, tuple(value.shape), f"{value.double().abs().max().item():.3e}")


if __name__ == "__main__":
    main()

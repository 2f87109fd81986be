#!/usr/bin/env python3
"""Records what PyTorch makes of the first step of attacks on the small networks of graphs/peers, in float64: PGD under both
norms, ADV2 against CAM and Grad-CAM, and ADV2 that evades squeezers. attribution_steps.py has ADV2 against attributions to
pixels.

usage: $(tools/environment tools/references/requirements.txt)/bin/python tools/references/attack_steps.py
Writes graphs/peers/<network>-steps.npz; graphs/peers/README.md says what the arrays are.
"""
import pathlib

import numpy
import torch
from torch.nn import functional

from onnx_module import OnnxModule

COEFFICIENT, EVASION_WEIGHT = 3.0, 0.5
ALPHA, EPS = 0.01, 0.03
ALPHA_L2, EPS_L2 = 0.4, 0.5
# Pooled into the linear layer, and an earlier feature map.
FEATURES = {
    "residual": ("/blocks/blocks.1/Relu_1_output_0", "/blocks/blocks.0/Relu_1_output_0"),
    "dense": ("/Relu_output_0", "/second/second.0/Concat_output_0"),
    "mobile": ("/blocks/blocks.2/Add_output_0", "/blocks/blocks.1/project/project.1/BatchNormalization_output_0"),
}
directory = pathlib.Path(__file__).resolve().parent.parent.parent / "graphs" / "peers"


def normalised(map, added=0):
    map = map - map.flatten(1).min(1).values[:, None, None]
    return map / (map.flatten(1).max(1).values[:, None, None] + added)


def class_map(network, x, classes):
    """CAM: the pooled features, each with the weight that the linear layer gives it for the class."""
    network(x)
    weights = network.constants["classify.weight"][classes]
    return normalised(torch.einsum("bkij,bk->bij", network.watched_value, weights), 1e-8)


def gradient_class_map(network, x, classes):
    """Grad-CAM; its weights, the mean derivatives of the logit, are numbers for the derivative of the map."""
    score = network(x).gather(1, classes[:, None]).sum()
    features = network.watched_value
    (gradient,) = torch.autograd.grad(score, features, retain_graph=True)
    weights = gradient.mean((2, 3)).detach()
    return normalised(torch.einsum("bkij,bk->bij", features, weights).relu())


def reduced(x, bits):
    """Nearest of 2^bits values, with the derivative of the identity."""
    steps = 2 ** bits - 1
    return x + (torch.round(x * steps) / steps - x).detach()


def median(x):
    """Of 3 x 3 pixels, the image mirrored with its edge repeated; the derivative goes to the selected one."""
    def mirrored(size):
        return [0, *range(size), size - 1]
    x = x[:, :, mirrored(x.shape[2])][:, :, :, mirrored(x.shape[3])]
    return x.unfold(2, 3, 1).unfold(3, 3, 1).flatten(4).median(4).values


def squeezed_loss(network, x):
    """The cross entropy of what the network says of x and of squeezed images."""
    probabilities = network(x).softmax(1)
    return sum(-(probabilities * functional.log_softmax(network(s), 1)).sum(1) for s in (reduced(x, 3), median(x)))


def within_box(x, origin):
    return torch.minimum(torch.maximum(x, origin - EPS), origin + EPS).clamp(0, 1)


def normalised_step(x, gradient, origin):
    def length(v):
        return v.flatten(1).norm(dim=1)[:, None, None, None]
    change = x - ALPHA_L2 * gradient / length(gradient) - origin
    return (origin + change * (EPS_L2 / length(change)).clamp(max=1)).clamp(0, 1)


def main():
    torch.set_num_threads(1)
    for name, (pooled, earlier) in FEATURES.items():
        path = directory / f"{name}-legacy.onnx"
        recorded = numpy.load(path.with_suffix(".npz"))
        start, target = torch.from_numpy(recorded["x"]), torch.from_numpy(recorded["target"])
        torch.manual_seed(9)
        # Exactly representable in float32; some of it reaches the bounds of a step.
        origin = (start.float() + (torch.rand(start.shape) - 0.5) * 0.05).clamp(0, 1).double()
        arrays = {"x": start, "origin": origin, "target": target}
        network = OnnxModule(path, torch.float64)
        other = (network(start).argmax(1) + 1) % 10
        other = torch.where(other == target, (other + 1) % 10, other)

        def record(case, loss, norm="linf"):
            x = start.clone().requires_grad_(True)
            entropy = functional.cross_entropy(network(x), target, reduction="none")
            terms = loss(x)
            total = entropy + sum(weight * value for weight, value in terms.values())
            (gradient,) = torch.autograd.grad(total.sum(), x)
            if gradient.abs().max() < 1e-4:
                raise SystemExit(f"{name} {case}: the gradient vanishes")
            next = (
                normalised_step(start, gradient, origin) if norm == "l2"
                else within_box(start - ALPHA * gradient.sign(), origin))
            arrays.update({f"{case}.next": next, f"{case}.crossEntropy": entropy.detach()})
            arrays.update({f"{case}.{key}": value.detach() for key, (_, value) in terms.items()})

        def distance(map_of, watched, case):
            network.watched = watched
            aim = map_of(network, start.clone().requires_grad_(True), other).detach()
            arrays[f"{case}.mapTarget"] = aim
            return lambda x: (COEFFICIENT, ((map_of(network, x, target) - aim) ** 2).mean((1, 2)))

        record("pgd", lambda x: {})
        record("pgd.l2", lambda x: {}, norm="l2")
        of_class = distance(class_map, pooled, "cam")
        record("cam", lambda x: {"mapLoss": of_class(x)})
        record("evading", lambda x: {
            "mapLoss": of_class(x), "evasionLoss": (EVASION_WEIGHT, squeezed_loss(network, x))})
        of_gradients = distance(gradient_class_map, earlier, "gradCAM")
        record("gradCAM", lambda x: {"mapLoss": of_gradients(x)})
        numpy.savez(directory / f"{name}-steps.npz", **{key: value.numpy() for key, value in arrays.items()})
        print(f"{name}: map losses {arrays['cam.mapLoss'].tolist()}, {arrays['gradCAM.mapLoss'].tolist()}")


if __name__ == "__main__":
    main()

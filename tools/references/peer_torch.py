"""PyTorch in eager mode: forward, input gradient, Hessian-vector product and step of an ONNX classifier."""
import torch
from torch.nn import functional

import onnx_module
import attack_step as step
from onnx_module import OnnxModule


def symmetric(pads):
    return pads[:2] == pads[2:]


class Eager(OnnxModule):
    """The graph with the operations that are quickest in eager mode: symmetric padding and batch norm are no nodes of their
    own, bounds are numbers."""

    def __init__(self, path):
        super().__init__(path, torch.float32)

    def Conv(self, x, weight, bias=None, *, pads=(0, 0, 0, 0), strides=(1, 1), dilations=(1, 1), group=1, **rest):
        if not symmetric(pads):
            return onnx_module.convolution(
                x, weight, bias, pads=pads, strides=strides, dilations=dilations, group=group, **rest)
        return functional.conv2d(x, weight, bias, strides, pads[:2], dilations, group)

    def MaxPool(self, x, *, kernel_shape, pads=(0, 0, 0, 0), strides=(1, 1), dilations=(1, 1), ceil_mode=0, **rest):
        if not symmetric(pads):
            return onnx_module.max_pool(
                x, kernel_shape=kernel_shape, pads=pads, strides=strides, dilations=dilations, ceil_mode=ceil_mode, **rest)
        return functional.max_pool2d(x, kernel_shape, strides, pads[:2], dilations, bool(ceil_mode))

    def BatchNormalization(self, x, scale, shift, mean, variance, epsilon=1e-5, **_):
        return functional.batch_norm(x, mean, variance, scale, shift, eps=epsilon)

    def Clip(self, x, low=None, high=None):
        return x.clamp(None if low is None else low.item(), None if high is None else high.item())


def h(z):
    """z / s + [z < 0]: the form that cancels below zero, but takes the fewest operations."""
    ratio = z / torch.sqrt(z * z + step.TAU)
    return torch.where(z < 0, 1 + ratio, ratio)


class SmoothedRelu(torch.autograd.Function):
    @staticmethod
    def forward(context, z):
        context.save_for_backward(z)
        return z.clamp_min(0)

    @staticmethod
    def backward(context, cotangent):
        (z,) = context.saved_tensors
        return cotangent * h(z)


class SmoothedClip(torch.autograd.Function):
    @staticmethod
    def forward(context, z, low, high):
        context.save_for_backward(z)
        context.bounds = low, high
        return z.clamp(low, high)

    @staticmethod
    def backward(context, cotangent):
        (z,) = context.saved_tensors
        low, high = context.bounds
        return cotangent * (h(z - low) - h(z - high)), None, None


class SmoothedEager(Eager):
    """The same graph, h in place of the derivative of its kinks."""

    def Relu(self, z):
        return SmoothedRelu.apply(z)

    def Clip(self, z, low, high):
        return SmoothedClip.apply(z, low.item(), high.item())


def attribution(logits, x, target):
    """[B, h, w]: the map of GRAD, to be differentiated."""
    own = logits.gather(1, target[:, None])[:, 0]
    others = logits.scatter(1, target[:, None], -torch.inf).logsumexp(1)
    (gradient,) = torch.autograd.grad((own - others).sum(), x, create_graph=True)
    raw = functional.avg_pool2d(gradient.abs().max(1, keepdim=True).values, step.POOL)[:, 0]
    raw = raw - raw.amin((1, 2), keepdim=True)
    return raw / raw.amax((1, 2), keepdim=True).clamp_min(1e-30)


def workload(name, path, batch, threads):
    torch.set_num_threads(threads)
    network = Eager(path)
    smoothed = SmoothedEager(path) if name.startswith("step") else None
    image, direction, aim = map(torch.from_numpy, step.inputs(batch))
    target = torch.zeros(batch, dtype=torch.int64)

    def forward():
        with torch.no_grad():
            return network(image)

    def slope(create_graph=False):
        x = image.clone().requires_grad_(True)
        loss = functional.cross_entropy(network(x), target, reduction="sum")
        return x, torch.autograd.grad(loss, x, create_graph=create_graph)[0]

    def hvp():
        x, gradient = slope(create_graph=True)
        return torch.autograd.grad((gradient * direction).sum(), x)[0]

    def attack(copies):
        x = image.clone().requires_grad_(True)
        scores = smoothed(x)
        logits = network(x) if copies == 2 else scores
        likely = torch.full_like(logits, (1 - step.PROBABILITY) / (logits.shape[1] - 1))
        likely = likely.scatter(1, target[:, None], step.PROBABILITY)
        distance = ((attribution(scores, x, target) - aim) ** 2).sum()
        loss = functional.cross_entropy(logits, likely, reduction="sum") + step.COEFFICIENT * distance
        (gradient,) = torch.autograd.grad(loss, x)
        with torch.no_grad():
            return (x - step.ALPHA * gradient.sign()).clamp(image - step.EPS, image + step.EPS).clamp(0, 1)

    return {
        "forward": forward, "gradient": lambda: slope()[1], "hvp": hvp,
        "step1": lambda: attack(1), "step2": lambda: attack(2),
    }[name]

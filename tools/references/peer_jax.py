"""JAX, compiled by XLA: forward, input gradient, Hessian-vector product and step of an ONNX classifier."""
import jax
import jax.numpy as jnp
import numpy
import onnx
from onnx import helper, numpy_helper

import attack_step as step
from caches import cache

# XLA takes up to a minute for a step; what it made is kept, as Adjoint's objects are.
jax.config.update("jax_compilation_cache_dir", str(cache / "jax"))
SPATIAL = ("NHWC", "HWIO", "NHWC")


def h(z):
    """z / s + [z < 0]: the form that cancels below zero, but takes the fewest operations."""
    ratio = z * jax.lax.rsqrt(z * z + step.TAU)
    return jnp.where(z < 0, 1 + ratio, ratio)


@jax.custom_vjp
def smoothed_relu(z):
    return jnp.maximum(z, 0)


smoothed_relu.defvjp(lambda z: (jnp.maximum(z, 0), z), lambda z, cotangent: (cotangent * h(z),))


@jax.custom_vjp
def smoothed_clip(z, low, high):
    return jnp.clip(z, low, high)


smoothed_clip.defvjp(
    lambda z, low, high: (jnp.clip(z, low, high), (z, low, high)),
    lambda saved, cotangent: (cotangent * (h(saved[0] - saved[1]) - h(saved[0] - saved[2])), None, None))


class OnnxFunction:
    """An ONNX graph as a JAX function of images [B, H, W, C].

    XLA's convolutions on processors are those of channels that lie last, so every value of rank 4 is held in that order;
    what reshapes one sees it in ONNX's order.
    """

    def __init__(self, path, smoothed=False):
        graph = onnx.load(path).graph
        self.constants = {entry.name: numpy_helper.to_array(entry) for entry in graph.initializer}
        self.nodes = [
            (node, getattr(self, node.op_type, None),
             {entry.name: helper.get_attribute_value(entry) for entry in node.attribute}) for node in graph.node]
        unknown = sorted({node.op_type for node, operation, _ in self.nodes if operation is None})
        if unknown:
            raise NotImplementedError(f"operators {', '.join(unknown)}")
        self.input = next(value.name for value in graph.input if value.name not in self.constants)
        self.output = graph.output[0].name
        self.relu, self.clip = (smoothed_relu, smoothed_clip) if smoothed else (jax.nn.relu, jnp.clip)

    def __call__(self, x):
        values = {**self.constants, self.input: x}
        for node, operation, attributes in self.nodes:
            operands = [values[name] if name else None for name in node.input]
            values[node.output[0]] = operation(*operands, **attributes)
        return values[self.output]

    def Conv(self, x, weight, bias=None, *, strides=(1, 1), pads=(0, 0, 0, 0), dilations=(1, 1), group=1, kernel_shape=None):
        padding = list(zip(pads[:2], pads[2:]))
        y = jax.lax.conv_general_dilated(
            x, weight.transpose(2, 3, 1, 0), strides, padding, rhs_dilation=dilations, dimension_numbers=SPATIAL,
            feature_group_count=group)
        return y if bias is None else y + bias

    def BatchNormalization(self, x, scale, shift, mean, variance, epsilon=1e-5, **_):
        factor = scale / numpy.sqrt(variance + numpy.float32(epsilon))
        return x * factor + (shift - mean * factor)

    def windows(self, x, initial, reduction, kernel, strides, pads):
        padding = [(0, 0), *zip(pads[:2], pads[2:]), (0, 0)]
        return jax.lax.reduce_window(x, initial, reduction, (1, *kernel, 1), (1, *strides, 1), padding)

    def MaxPool(self, x, *, kernel_shape, strides=(1, 1), pads=(0, 0, 0, 0), dilations=(1, 1), ceil_mode=0):
        assert not ceil_mode and set(dilations) == {1}
        return self.windows(x, -jnp.inf, jax.lax.max, kernel_shape, strides, pads)

    def AveragePool(self, x, *, kernel_shape, strides=(1, 1), pads=(0, 0, 0, 0), ceil_mode=0, count_include_pad=0):
        assert not ceil_mode and (count_include_pad or not any(pads))
        return self.windows(x, 0.0, jax.lax.add, kernel_shape, strides, pads) / numpy.float32(numpy.prod(kernel_shape))

    def GlobalAveragePool(self, x):
        return x.mean((1, 2), keepdims=True)

    def Relu(self, x):
        return self.relu(x)

    def Clip(self, x, low, high):
        return self.clip(x, low, high)

    def Add(self, a, b):
        return a + b

    def Identity(self, x):
        return x

    def Concat(self, *parts, axis):
        return jnp.concatenate(parts, {1: 3, 2: 1, 3: 2}.get(axis, axis) if parts[0].ndim == 4 else axis)

    def Flatten(self, x, axis=1):
        x = in_onnx_order(x)
        return x.reshape(int(numpy.prod(x.shape[:axis])), -1)

    def Reshape(self, x, shape):
        x = in_onnx_order(x)
        x = x.reshape([x.shape[axis] if size == 0 else int(size) for axis, size in enumerate(shape)])
        return x.transpose(0, 2, 3, 1) if x.ndim == 4 else x

    def Gemm(self, a, b, c=0, alpha=1.0, beta=1.0, transA=0, transB=0):
        return alpha * (a.T if transA else a) @ (b.T if transB else b) + beta * c

    def MatMul(self, a, b):
        return a @ b


def in_onnx_order(x):
    return x.transpose(0, 3, 1, 2) if x.ndim == 4 else x


def workload(name, path, batch, threads):
    """XLA takes as many threads as the process may use processors; the caller sees to it that these are `threads`."""
    network = OnnxFunction(path)
    smoothed = OnnxFunction(path, smoothed=True)
    image, direction, aim = map(jnp.asarray, step.inputs(batch))
    image, direction = image.transpose(0, 2, 3, 1), direction.transpose(0, 2, 3, 1)
    side = step.SIZE // step.POOL
    target = jnp.zeros(batch, jnp.int32)

    def own(values):
        return jnp.take_along_axis(values, target[:, None], 1)[:, 0]

    def cross_entropy(x):
        return -own(jax.nn.log_softmax(network(x))).sum()

    def log_odds(x):
        logits = smoothed(x)
        others = jnp.where(jnp.arange(logits.shape[1]) == target[:, None], -jnp.inf, logits)
        return (own(logits) - jax.nn.logsumexp(others, axis=1)).sum(), logits

    def loss(x, copies):
        slope, scores = jax.grad(log_odds, has_aux=True)(x)
        raw = jnp.abs(slope).max(-1).reshape(batch, side, step.POOL, side, step.POOL).mean((2, 4))
        raw = raw - raw.min((1, 2), keepdims=True)
        attribution = raw / jnp.maximum(raw.max((1, 2), keepdims=True), 1e-30)
        likely = jax.nn.log_softmax(network(x) if copies == 2 else scores)
        rest = (1 - step.PROBABILITY) / (likely.shape[1] - 1)
        entropy = -(rest * likely.sum(1) + (step.PROBABILITY - rest) * own(likely)).sum()
        return entropy + step.COEFFICIENT * ((attribution - aim) ** 2).sum()

    def attack(x, copies):
        moved = x - step.ALPHA * jnp.sign(jax.grad(loss)(x, copies))
        return jnp.clip(jnp.clip(moved, x - step.EPS, x + step.EPS), 0, 1)

    function = jax.jit({
        "forward": network, "gradient": jax.grad(cross_entropy),
        "hvp": lambda x: jax.jvp(jax.grad(cross_entropy), (x,), (direction,))[1],
        "step1": lambda x: attack(x, 1), "step2": lambda x: attack(x, 2),
    }[name])
    return lambda: jax.block_until_ready(function(image))

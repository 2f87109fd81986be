"""An ONNX graph as a PyTorch module in float32 or float64, so that autograd differentiates exactly what the file says.

An exported file is not the module it came from: exporters fold batch norm and round attributes to float32. References for a
graph in float64 must therefore start from the file.
"""
import math

import onnx
import torch
from onnx import helper, numpy_helper
from torch.nn import functional


class OnnxModule(torch.nn.Module):
    """Runs the graph node by node. A last Softmax is left out, so that the result is the logits.

    Of the value named `watched`, `watched_value` keeps what the last run gave it.
    """

    def __init__(self, path, dtype):
        super().__init__()
        model = onnx.load(path)
        self.dtype = dtype
        self.opset = next(entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx"))
        self.constants = {entry.name: self.tensor(entry) for entry in model.graph.initializer}
        self.nodes = list(model.graph.node)
        self.attributes = [
            {entry.name: helper.get_attribute_value(entry) for entry in node.attribute} for node in self.nodes]
        self.input = next(value.name for value in model.graph.input if value.name not in self.constants)
        self.output = model.graph.output[0].name
        if self.nodes[-1].op_type == "Softmax":
            self.output = self.nodes.pop().input[0]
        self.last_use = {name: index for index, node in enumerate(self.nodes) for name in node.input}
        self.watched, self.watched_value = None, None

    def tensor(self, proto):
        value = torch.from_numpy(numpy_helper.to_array(proto).copy())
        return value.to(self.dtype) if value.is_floating_point() else value

    def forward(self, x):
        values = {**self.constants, self.input: x}
        for index, node in enumerate(self.nodes):
            operands = [values[name] if name else None for name in node.input]
            operation = getattr(self, node.op_type, None) or OPERATIONS.get(node.op_type)
            if operation is None:
                raise NotImplementedError(f"{node.op_type} (node {node.name})")
            values[node.output[0]] = operation(*operands, **self.attributes[index])
            if node.output[0] == self.watched:
                self.watched_value = values[self.watched]
            for name in node.input:
                if self.last_use[name] == index and name != self.output:
                    values.pop(name, None)
        return values[self.output]

    def Constant(self, value=None, value_float=None, value_int=None, value_ints=None):
        if value is not None:
            return self.tensor(value)
        return torch.tensor(value_float, dtype=self.dtype) if value_float is not None else torch.tensor(
            value_int if value_int is not None else value_ints)

    def ConstantOfShape(self, shape, value=None):
        fill = torch.zeros(1, dtype=self.dtype) if value is None else self.tensor(value)
        return fill.expand(shape.tolist())

    def Cast(self, x, to):
        return x.to({1: self.dtype, 6: torch.int32, 7: torch.int64, 9: torch.bool, 11: torch.float64}[to])

    def Softmax(self, x, axis=None):
        if self.opset >= 13:
            return x.softmax(-1 if axis is None else axis)
        axis = 1 if axis is None else axis
        return x.flatten(axis).softmax(-1).reshape(x.shape)

    def Dropout(self, x, *ratio, **_):
        return x


def spatial(pads):
    """ONNX's [top, left, bottom, right] in PyTorch's order."""
    top, left, bottom, right = pads
    return left, right, top, bottom


def convolution(x, weight, bias=None, *, kernel_shape=None, strides=(1, 1), pads=(0, 0, 0, 0), dilations=(1, 1), group=1,
                auto_pad=b"NOTSET"):
    assert auto_pad == b"NOTSET" and weight.dim() == 4
    if any(pads):
        x = functional.pad(x, spatial(pads))
    return functional.conv2d(x, weight, bias, strides, 0, dilations, group)


def normalisation(x, scale, shift, mean, variance, epsilon=1e-5, momentum=0.9, spatial=1, training_mode=0):
    shape = [1, -1] + [1] * (x.dim() - 2)
    factor = scale / torch.sqrt(variance + epsilon)
    return (x - mean.reshape(shape)) * factor.reshape(shape) + shift.reshape(shape)


def max_pool(x, *, kernel_shape, strides=(1, 1), pads=(0, 0, 0, 0), dilations=(1, 1), ceil_mode=0, storage_order=0,
             auto_pad=b"NOTSET"):
    assert auto_pad == b"NOTSET"
    if any(pads):
        x = functional.pad(x, spatial(pads), value=-math.inf)
    return functional.max_pool2d(x, kernel_shape, strides, 0, dilations, bool(ceil_mode))


def average_pool(x, *, kernel_shape, strides=(1, 1), pads=(0, 0, 0, 0), ceil_mode=0, count_include_pad=0,
                 auto_pad=b"NOTSET"):
    assert auto_pad == b"NOTSET" and not ceil_mode and (count_include_pad or not any(pads))
    return functional.avg_pool2d(functional.pad(x, spatial(pads)) if any(pads) else x, kernel_shape, strides)


def reduce_mean(x, axes_input=None, axes=None, keepdims=1, noop_with_empty_axes=0):
    chosen = axes_input.tolist() if axes_input is not None else axes
    return x.mean(tuple(range(x.dim())) if chosen is None else chosen, bool(keepdims))


def gemm(a, b, c=None, alpha=1.0, beta=1.0, transA=0, transB=0):
    product = alpha * (a.T if transA else a) @ (b.T if transB else b)
    return product if c is None else product + beta * c


def reshape(x, shape, allowzero=0):
    return x.reshape([x.shape[axis] if size == 0 and not allowzero else size for axis, size in enumerate(shape.tolist())])


def slice_axes(x, starts, ends, axes=None, steps=None):
    axes = range(len(starts)) if axes is None else axes.tolist()
    steps = [1] * len(starts) if steps is None else steps.tolist()
    for axis, start, end, step in zip(axes, starts.tolist(), ends.tolist(), steps):
        kept = range(x.shape[axis])[start:end:step]
        x = torch.index_select(x, axis, torch.tensor(list(kept), dtype=torch.int64))
    return x


def unsqueeze(x, axes_input=None, axes=None):
    for axis in sorted(axes_input.tolist() if axes_input is not None else axes):
        x = x.unsqueeze(axis)
    return x


def pad(x, pads, value=None, axes=None, mode=b"constant"):
    assert mode == b"constant" and axes is None
    before, after = pads.tolist()[:x.dim()], pads.tolist()[x.dim():]
    order = [size for axis in reversed(range(x.dim())) for size in (before[axis], after[axis])]
    return functional.pad(x, order, value=0.0 if value is None else value.item())


def clip(x, low=None, high=None, min=None, max=None):
    return x.clamp(low if low is not None else min, high if high is not None else max)


OPERATIONS = {
    "Conv": convolution, "BatchNormalization": normalisation, "MaxPool": max_pool, "AveragePool": average_pool,
    "GlobalAveragePool": lambda x: x.mean((2, 3), keepdim=True), "ReduceMean": reduce_mean,
    "Gemm": gemm, "MatMul": torch.matmul,
    "Add": torch.add, "Sub": torch.sub, "Mul": torch.mul, "Div": torch.div, "Pow": torch.pow, "Sqrt": torch.sqrt,
    "Relu": torch.relu, "Clip": clip, "Sigmoid": torch.sigmoid, "Tanh": torch.tanh, "Erf": torch.erf,
    "HardSigmoid": lambda x, alpha=0.2, beta=0.5: (alpha * x + beta).clamp(0, 1),
    "HardSwish": lambda x: x * (x / 6 + 0.5).clamp(0, 1),
    "Softplus": lambda x: torch.logaddexp(x, torch.zeros_like(x)),
    "Gelu": lambda x, approximate=b"none": functional.gelu(x, approximate=approximate.decode()),
    "Greater": torch.gt, "Where": torch.where, "Identity": lambda x: x,
    "Concat": lambda *parts, axis: torch.cat(parts, axis), "Flatten": lambda x, axis=1: x.flatten(axis),
    "Reshape": reshape, "Transpose": lambda x, perm: x.permute(perm), "Slice": slice_axes, "Pad": pad,
    "Unsqueeze": unsqueeze, "Shape": lambda x: torch.tensor(x.shape),
    "Gather": lambda x, indices, axis=0: torch.index_select(x, axis, indices.reshape(-1)).reshape(
        [*x.shape[:axis], *indices.shape, *x.shape[axis + 1:]]),
}

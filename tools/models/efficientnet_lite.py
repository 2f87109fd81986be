"""EfficientNet-Lite0 to -Lite2 as ONNX: input x [N, 3, size, size] (normalised), output logits [N, 1000]; batch norm stays a
node.

Tan & Le, "EfficientNet", ICML 2019, in the Lite variant of its authors: ReLU6, no squeeze-and-excitation; stem, head, and the
depth of the first and the last stage are not scaled.
"""
import math

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper

# Factors of width and depth, and the size of the images.
VARIANTS = {0: (1.0, 1.0, 224), 1: (1.0, 1.1, 240), 2: (1.1, 1.2, 260)}
EPSILON = 1e-3
# Repeats, kernel, stride of the first block, expansion, output channels.
STAGES = [
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
]

def preprocessing(variant):
    """How a photo becomes an input: the crop keeps 7/8 of the shorter side."""
    size = VARIANTS[variant][2]
    return {
        "size": [size, size],
        "resize": {"shorterSide": round(size * 8 / 7), "interpolation": "bicubic", "crop": "center"},
        "range": [0, 1],
        "mean": [0.498, 0.498, 0.498],
        "std": [0.502, 0.502, 0.502],
        "channelOrder": "rgb",
        "layout": "nchw",
    }


def stages(variant):
    """STAGES at the variant's width, in steps of 8 channels and never less than nine tenths of the product, and depth."""
    width, depth, _ = VARIANTS[variant]
    for index, (repeats, kernel, stride, expansion, channels) in enumerate(STAGES):
        if index not in (0, len(STAGES) - 1):
            repeats = math.ceil(depth * repeats)
        scaled = width * channels
        channels = max(8, int(scaled + 4) // 8 * 8)
        yield repeats, kernel, stride, expansion, channels + 8 if channels < 0.9 * scaled else channels


class _Network:
    """Collects nodes and initialisers; every method appends a layer and returns the name of its result."""

    def __init__(self, weights, size):
        self.weights = dict(weights)
        self.nodes, self.initialisers = [], []
        self.size = size

    def constant(self, name, array):
        self.initialisers.append(numpy_helper.from_array(array, name))
        return name

    def parameter(self, name, shape):
        array = self.weights.pop(name)
        if array.shape != tuple(shape) or array.dtype != numpy.float32:
            raise ValueError(f"{name} is {array.dtype} {list(array.shape)}, expected float32 {list(shape)}")
        return self.constant(name, array)

    def node(self, operator, inputs, name, **attributes):
        self.nodes.append(helper.make_node(operator, inputs, [name], name=name, **attributes))
        return name

    def convolution(self, x, name, channels_in, channels, kernel=1, stride=1, groups=1):
        """"Same" padding in TensorFlow's sense: an odd total puts its extra row and column at the end."""
        size = -(-self.size // stride)
        total = max((size - 1) * stride + kernel - self.size, 0)
        before, after = total // 2, total - total // 2
        self.size = size
        weight = self.parameter(f"{name}.weight", [channels, channels_in // groups, kernel, kernel])
        return self.node("Conv", [x, weight], name, kernel_shape=[kernel] * 2, strides=[stride] * 2,
                         pads=[before, before, after, after], group=groups)

    def normalisation(self, x, name, channels):
        self.weights.pop(f"{name}.num_batches_tracked")
        parts = ("weight", "bias", "running_mean", "running_var")
        parameters = [self.parameter(f"{name}.{part}", [channels]) for part in parts]
        return self.node("BatchNormalization", [x, *parameters], name, epsilon=EPSILON)

    def relu6(self, x):
        return self.node("Clip", [x, "zero", "six"], f"{x}.relu6")

    def block(self, x, name, channels_in, kernel, stride, expansion, channels):
        y, wide = x, channels_in * expansion
        if expansion != 1:
            y = self.convolution(y, f"{name}._expand_conv", channels_in, wide)
            y = self.relu6(self.normalisation(y, f"{name}._bn0", wide))
        y = self.convolution(y, f"{name}._depthwise_conv", wide, wide, kernel, stride, groups=wide)
        y = self.relu6(self.normalisation(y, f"{name}._bn1", wide))
        y = self.convolution(y, f"{name}._project_conv", wide, channels)
        y = self.normalisation(y, f"{name}._bn2", channels)
        return self.node("Add", [y, x], f"{name}.add") if stride == 1 and channels == channels_in else y


def model(variant, weights):
    """The ONNX model (opset 17) of the state dictionary `weights`, which it must use up."""
    size = VARIANTS[variant][2]
    network = _Network(weights, size)
    network.constant("zero", numpy.float32(0).reshape(()))
    network.constant("six", numpy.float32(6).reshape(()))
    x = network.convolution("x", "_conv_stem", 3, 32, kernel=3, stride=2)
    x = network.relu6(network.normalisation(x, "_bn0", 32))
    index, channels_in = 0, 32
    for repeats, kernel, stride, expansion, channels in stages(variant):
        for repeat in range(repeats):
            x = network.block(x, f"_blocks.{index}", channels_in, kernel, stride if repeat == 0 else 1, expansion, channels)
            index, channels_in = index + 1, channels
    x = network.convolution(x, "_conv_head", channels_in, 1280)
    x = network.relu6(network.normalisation(x, "_bn1", 1280))
    x = network.node("GlobalAveragePool", [x], "_avg_pooling")
    x = network.node("Flatten", [x], "flatten", axis=1)
    network.node("Gemm", [x, network.parameter("_fc.weight", [1000, 1280]), network.parameter("_fc.bias", [1000])],
                 "logits", transB=1)
    if network.weights:
        raise ValueError(f"the weights hold parameters that the network does not have: {sorted(network.weights)}")
    graph = helper.make_graph(
        network.nodes, f"efficientnet_lite{variant}",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 3, size, size])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", 1000])], network.initialisers)
    result = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8, producer_name="adjoint")
    onnx.checker.check_model(result, full_check=True)
    return result

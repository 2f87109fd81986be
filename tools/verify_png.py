#!/usr/bin/env python3
"""Recompute what `adjoint attack` or `adjoint evaluate` reports, without Adjoint.

    tools/verify_png.py MODEL.onnx RESULTS_DIR [--interpreter cam|grad|grad-cam|mask[,...]] [--limit N]

Reads only the photos, the adversarial PNGs and, of results.jsonl, which photo belongs to which PNG, label, target and what is
claimed; for MASK the recorded offsets of its jitter as well. Photos are resized with Pillow; labels and probabilities come from
ONNX Runtime, and maps from PyTorch, which runs the nodes of the ONNX file (references/onnx_module.py). Prints both figures side
by side and ends with status 1 if a label differs, a PNG leaves the claimed eps, a probability differs by more than 1e-3 or a map
distance by more than 5e-3. MASK's 300 steps of descent enlarge how f32 rounds until maps differ as those of two sequences of
jitter do, so that only the mean over all images says something of its distances, and none is held against an image.

Its Python is that of `tools/environment tools/references/requirements.txt`.
"""

import argparse
import json
import pathlib
import sys

import numpy
import onnx
import onnxruntime
import torch
from PIL import Image

sys.path.insert(0, str(pathlib.Path(__file__).parent / "references"))
import mask_descent  # noqa: E402
from onnx_module import OnnxModule  # noqa: E402

INTERPOLATIONS = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}


def pixels(image, grey):
    """[1, C, H, W] in [0, 1]."""
    levels = numpy.asarray(image.convert("L" if grey else "RGB"), numpy.float32) / 255
    return levels[None, None] if grey else levels.transpose(2, 0, 1)[None]


def resized(image, description, height, width, grey):
    """The photo at the size of the model's input: Pillow's own resizing, then the centre."""
    rule = description.get("resize", {})
    resample = INTERPOLATIONS[rule.get("interpolation", "bilinear")]
    image = image.convert("RGB")
    if rule.get("exact"):
        return pixels(image.resize((width, height), resample), grey)
    side = rule.get("shorterSide", max(height, width))
    scale = side / min(image.size)
    size = tuple(round(extent * scale) for extent in image.size)
    image = image.resize(size, resample)
    left, top = (image.size[0] - width) // 2, (image.size[1] - height) // 2
    return pixels(image.crop((left, top, left + width, top + height)), grey)


def preprocessing(description, grey):
    """From pixels in [0, 1] to the model's input, for arrays and tensors alike."""
    low, high = description.get("range", [0, 1])
    mean = torch.tensor(description.get("mean", [0.0])).reshape(1, -1, 1, 1)
    std = torch.tensor(description.get("std", [1.0])).reshape(1, -1, 1, 1)

    def apply(x):
        x = low + (high - low) * x
        if not grey and description.get("channelOrder") == "bgr":
            x = x.flip(1)
        x = (x - mean) / std
        return x.permute(0, 2, 3, 1) if description.get("layout") == "nhwc" else x

    return apply


POOLING = ("GlobalAveragePool", "AveragePool", "ReduceMean")


def pooled_features(nodes):
    """The linear layer at the end, and the name of the feature map that is averaged into it."""
    linear = [node for node in nodes if node.op_type in ("Gemm", "MatMul")][-1]
    makers = {output: node for node in nodes for output in node.output}
    node = makers[linear.input[0]]
    while node.op_type not in POOLING:
        node = makers[node.input[0]]
    return linear, node.input[0]


class ClassActivation:
    """The feature map that is averaged into the linear layer, times that layer's weights: what CAM is made of.

    Margin weights are those of a class less those of the other of two.
    """

    def __init__(self, path, margin):
        self.network = OnnxModule(path, torch.float32)
        linear, features = pooled_features(self.network.nodes)
        name = next(name for name in linear.input if name in self.network.constants)
        transposed = any(item.name == "transB" and item.i for item in linear.attribute)
        weights = self.network.constants[name]
        self.weights = weights if transposed else weights.T
        if margin:
            self.weights = self.weights - self.weights.flip(0)
        self.network.output = features

    def map(self, x, label, run, prepare):
        with torch.no_grad():
            return torch.einsum("k,khw->hw", self.weights[label], self.network(prepare(x))[0])


class GradientClassActivation:
    """The positive part of the sum of feature maps, each weighted by the mean gradient of the logit (Grad-CAM)."""

    def __init__(self, path, layer):
        self.network = OnnxModule(path, torch.float32)
        self.network.watched = self.features(onnx.load(path), layer)

    def features(self, model, layer):
        """The map that is averaged into the linear layer, the last of a size (14x14), or that of a node."""
        nodes = self.network.nodes
        if layer is None:
            return pooled_features(nodes)[1]
        values = onnx.shape_inference.infer_shapes(model).graph.value_info
        extents = {value.name: [item.dim_value for item in value.type.tensor_type.shape.dim] for value in values}
        fitting = [
            node.output[0]
            for node in nodes
            if layer in (node.name, node.output[0])
            or "x".join(str(extent) for extent in extents.get(node.output[0], [])[2:]) == layer
        ]
        if not fitting:
            sys.exit(f"no feature map {layer} was found")
        return fitting[-1]

    def map(self, x, label, run, prepare):
        logits = self.network(prepare(x.clone().requires_grad_())).flatten(1)
        features = self.network.watched_value
        (gradient,) = torch.autograd.grad(logits[0, label], features)
        weights = gradient.mean((2, 3), keepdim=True)
        return (weights * features).sum(1)[0].clamp_min(0)


class Gradient:
    """The channel maximum of |d log-odds / dx|, averaged over 4 x 4, 2 x 2 or single pixels."""

    def map(self, x, label, run, prepare):
        x = x.clone().requires_grad_()
        logits = run(x)[0]
        others = torch.cat([logits[:label], logits[label + 1 :]])
        (gradient,) = torch.autograd.grad(logits[label] - torch.logsumexp(others, 0), x)
        strongest = gradient.abs().amax(1, keepdim=True)
        side = min(strongest.shape[2:])
        window = 4 if side >= 112 else 2 if side >= 32 else 1
        height, width = (extent // window * window for extent in strongest.shape[2:])
        top, left = ((extent - kept) // 2 for extent, kept in zip(strongest.shape[2:], (height, width)))
        return torch.nn.functional.avg_pool2d(strongest[:, :, top : top + height, left : left + width], window)[0, 0]


class SmallestMask:
    """1 - m after 300 steps from 0.5 everywhere under the offsets recorded in the first image's npz file (MASK)."""

    def __init__(self, arrays, options):
        if options.get("maskVersion", "v2") != "v2":
            sys.exit(f"the map of mask {options['maskVersion']} is not recomputed here; that of v2 is")
        if "jitter" not in arrays.files:
            sys.exit("the results record no jitter; the map of mask is recomputed for attacks on mask")
        self.offsets = arrays["jitter"].tolist()

    def map(self, x, label, run, prepare):
        if x.shape[2:] != (224, 224):
            sys.exit("the map of mask is recomputed for images of 224 x 224 pixels")
        mask = torch.full((1, 28, 28), 0.5)
        start = mask, torch.zeros_like(mask), torch.zeros_like(mask)
        states = mask_descent.descend(
            run, mask_descent.published(), "paired", start, x, self.offsets, torch.tensor([label]))
        return 1 - states[-1][0][0]


def normalised(raw):
    shifted = raw - raw.min()
    return shifted / shifted.max().clamp_min(1e-30)


def shown(interpreter, *arguments):
    """The map as it is compared: MASK's is not normalised."""
    raw = interpreter.map(*arguments)
    return (raw if isinstance(interpreter, SmallestMask) else normalised(raw)).detach().numpy()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("results", type=pathlib.Path)
    parser.add_argument("--interpreter")
    parser.add_argument("--limit", type=int)
    arguments = parser.parse_args()

    beside = arguments.model.with_suffix(".json")
    description = json.loads(beside.read_text()) if beside.exists() else {}
    model = onnx.load(arguments.model)
    shape = [item.dim_value for item in model.graph.input[0].type.tensor_type.shape.dim]
    channels_last = description.get("layout") == "nhwc"
    channels = shape[3] if channels_last else shape[1]
    grey = description.get("channelOrder") == "grey" or channels == 1
    height, width = description.get("size") or (shape[1:3] if channels_last else shape[2:])
    prepare = preprocessing(description, grey)
    ends_in_softmax = model.graph.node[-1].op_type == "Softmax"

    session = onnxruntime.InferenceSession(str(arguments.model), providers=["CPUExecutionProvider"])
    network = OnnxModule(arguments.model, torch.float32)

    def run(x):
        return network(prepare(x)).flatten(1)

    def scores(x):
        name = session.get_inputs()[0].name
        result = session.run(None, {name: prepare(torch.tensor(x)).numpy()})[0].reshape(-1).astype(numpy.float64)
        if ends_in_softmax:
            return result
        shifted = numpy.exp(result - result.max())
        return shifted / shifted.sum()

    records = [json.loads(line) for line in (arguments.results / "results.jsonl").read_text().splitlines()]
    records = [record for record in records if "error" not in record][: arguments.limit]
    if not records:
        sys.exit("no records to verify")
    settings = records[0]["settings"]
    name = arguments.interpreter or settings["interpreter"]
    options = settings.get("interpreterOptions", {})
    interpreters = {
        "cam": lambda: ClassActivation(arguments.model, options.get("camWeights") == "margin"),
        "grad": Gradient,
        "grad-cam": lambda: GradientClassActivation(arguments.model, options.get("layer")),
        "mask": lambda: SmallestMask(numpy.load(arguments.results / (records[0]["image"] + ".npz")), options),
    }
    names = name.split(",")
    for name in names:
        if name not in interpreters:
            sys.exit(f"the map of {name} is not recomputed here; {', '.join(interpreters)} are")
    parts = [interpreters[name]() for name in names]

    failures = 0
    theirs, ours = [], []
    columns = " ".join(f"{'L1 of ' + name:>17}" for name in names)
    print(f"{'image':34} {'label':>11} {'p here':>8} {'p there':>8} {columns} {'change':>7}")
    for record in records:
        x0 = resized(Image.open(record["path"]), description, height, width, grey)
        x = pixels(Image.open(arguments.results / (record["image"] + ".png")), grey)
        probabilities = scores(x)
        label, target, claimed = int(probabilities.argmax()), record["target"], record["png"]
        benign = [shown(part, torch.tensor(x0), record["label"], run, prepare) for part in parts]
        changed = [shown(part, torch.tensor(x), target, run, prepare) for part in parts]
        distances = [float(numpy.abs(a - b).mean()) for a, b in zip(benign, changed)]
        of_parts = {entry["interpreter"]: entry["map"]["l1"] for entry in claimed.get("maps", [])}
        stated = [of_parts.get(name, claimed["mapL1"]) for name in names]
        held = [name != "mask" and abs(a - b) > 5e-3 for name, a, b in zip(names, distances, stated)]
        change = float(numpy.abs(x - x0).max())
        settings = record["settings"]
        bound = settings.get("eps") if settings.get("options", {}).get("norm") is None else None
        problems = [
            word
            for word, wrong in [
                ("label", label != claimed["label"]),
                ("benign label", int(scores(x0).argmax()) != record["label"]),
                ("p", abs(probabilities[target] - claimed["targetProbability"]) > 1e-3),
                ("map", any(held)),
                ("eps", bound is not None and change > bound + 1e-6),
            ]
            if wrong
        ]
        failures += bool(problems)
        theirs.append(stated)
        ours.append(distances)
        columns = " ".join(f"{a:8.4f} {b:8.4f}" for a, b in zip(distances, stated))
        print(
            f"{record['image'][:34]:34} {label:5}/{claimed['label']:5} {probabilities[target]:8.4f} "
            f"{claimed['targetProbability']:8.4f} {columns} {change * 255:7.2f}"
            + ("  differs: " + ", ".join(problems) if problems else "")
        )
    means = zip(names, numpy.mean(ours, 0), numpy.mean(theirs, 0))
    words = "; ".join(f"mean map L1 of {name} {here:.4f} here, {there:.4f} there" for name, here, there in means)
    print(f"{len(records)} images, {failures} differ; {words}")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()

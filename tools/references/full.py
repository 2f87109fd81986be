#!/usr/bin/env python3
"""Exports or fetches large networks and records PyTorch's derivatives of each at batch 1.

usage: $(tools/environment tools/references/requirements.txt)/bin/python tools/references/full.py [--only NAME...]
Writes NAME.onnx and, of several photos, NAME.npz, NAME-1.npz, ... to ${XDG_CACHE_HOME:-~/.cache}/adjoint/peers, with what
record.py has of small networks; and, of one exporter's files, NAME-smoothed.npz, NAME-smoothed-1.npz, ...: a step of ADV2
against GRAD as in gradient_map.py and the Hessian-vector product with smoothed derivatives, both of the network on pixels
from 0 to 1. Needs what tools/fetch-models makes, and the photos that photos.py reads. In float32 a pre-activation next to a
kink may fall on its other side, which moves a derivative by far more than rounding; several photos show how often. Files that
exist are kept; the tests want those of --photos 24.
"""
import argparse
import shutil

import numpy
import torch

import large
import photos
from exports import export
from gradient_map import SmoothedModule, gradient_map, step
from onnx_module import OnnxModule
from references import derivatives, distance, record


def exported(name, exporter):
    def make(path):
        opset = 17 if exporter == "legacy" else 20
        export(large.calibrated(name), torch.zeros(2, 3, 224, 224), path, exporter, opset, symbolic=True)
    return make


def copied(source):
    return lambda path: shutil.copyfile(source(), path)


MODELS = {
    "resnet50-legacy": exported("resnet50", "legacy"),
    "resnet50-dynamo": exported("resnet50", "dynamo"),
    "densenet169-legacy": exported("densenet169", "legacy"),
    "densenet169-dynamo": exported("densenet169", "dynamo"),
    "open-nsfw": copied(large.open_nsfw_file),
    "efficientnet-lite0": copied(large.efficientnet_lite0_file),
}
# Rows of index.csv. On the first four no model is so sure that its plain second derivative drowns in float32's rounding;
# h has a second derivative of its own.
PHOTOS = [20, 0, 50, 150, 25, 75, 100, 125, 5, 10, 15, 30, 35, 40, 45, 55, 60, 65, 70, 80, 85, 90, 95, 105]
PLAIN_PHOTOS = 4
KINDS = ["plain", "smoothed"]


MEAN_COLOUR = [104.0, 117.0, 123.0]


def photo(name, file):
    """The photo as the model wants it: OpenNSFW takes [1, 224, 224, 3] in BGR order, 0 to 255 less the mean colour."""
    if name != "open-nsfw":
        return torch.from_numpy(photos.normalised(file))[None]
    x = photos.pixels(file)[:, :, ::-1].astype(numpy.float32) - numpy.float32(MEAN_COLOUR)
    return torch.from_numpy(x)[None]


def on_pixels(name, network):
    """The network as a function of pixels [1, 3, 224, 224] in [0, 1]."""
    if name != "open-nsfw":
        return lambda x: network((x - 0.498) / 0.502)
    return lambda x: network((255 * x.flip(1)).permute(0, 2, 3, 1) - torch.tensor(MEAN_COLOUR, dtype=x.dtype))


# float32 twice, by oneDNN's convolutions and by PyTorch's own: the order of sums decides which kinks rounding crosses.
PRECISIONS = {"": (torch.float64, True), "32": (torch.float32, True), "32native": (torch.float32, False)}


def smoothed_values(name, path, arrays, precision):
    """What h makes of the photo arrays["x"]: a step towards `target` and `mapTarget`, and the product along `v`."""
    dtype, fused = PRECISIONS[precision]
    plain, smoothed = (on_pixels(name, network(path, dtype)) for network in (OnnxModule, SmoothedModule))
    x, target, direction = arrays["x"].to(dtype), arrays["target"], arrays["v"].to(dtype)
    with torch.backends.mkldnn.flags(enabled=fused):
        values = step(plain, smoothed, x, target, arrays["mapTarget"].to(dtype))
        values["hvp"] = derivatives(smoothed, x, target, direction)["hvp"]
    return {key + precision: value for key, value in values.items()}


def record_smoothed(name, path, references, file, target):
    """Writes the values of a photo in all precisions; the map to reach is that of the predicted class."""
    x = torch.from_numpy(photos.normalised(file, 0, 1)).double()[None].requires_grad_(True)
    plain = on_pixels(name, OnnxModule(path, torch.float64))
    aim = gradient_map(plain, x, plain(x).argmax(1))
    direction = torch.randn(x.shape, dtype=torch.float32).double()
    arrays = {"x": x.detach(), "target": target, "v": direction, "mapTarget": aim}
    for precision in PRECISIONS:
        arrays |= smoothed_values(name, path, arrays, precision)
    numpy.savez(references, **{key: value.numpy() for key, value in arrays.items()})
    differences = ", ".join(
        f"{key} {distance(arrays[key], arrays[key.partition('32')[0]]):.0e}" for key in arrays if "32" in key)
    print(f"{references.name}: map loss {arrays['mapLoss'].item():.3g}; {differences}", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--photos", type=int, choices=range(1, len(PHOTOS) + 1), default=1)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    large.directory.mkdir(parents=True, exist_ok=True)
    for name in arguments.only:
        path = large.directory / f"{name}.onnx"
        if not path.exists():
            MODELS[name](path)
        for count, row in enumerate(PHOTOS[:arguments.photos]):
            file, _, target = photos.index()[row]
            suffix = f"-{count}" if count else ""
            target = torch.tensor([1 if name == "open-nsfw" else target])
            references = path.with_name(f"{name}{suffix}.npz")
            if "plain" in arguments.kinds and count < PLAIN_PHOTOS and not references.exists():
                torch.manual_seed(2 + count)
                x = photo(name, file)
                direction = torch.randn(x.shape) * (255 if name == "open-nsfw" else 1)
                record(path, references, x, target, direction)
            references = path.with_name(f"{name}-smoothed{suffix}.npz")
            if "smoothed" in arguments.kinds and not name.endswith("-dynamo") and not references.exists():
                torch.manual_seed(2 + count)
                record_smoothed(name, path, references, file, target)


if __name__ == "__main__":
    main()

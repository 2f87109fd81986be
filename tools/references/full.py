#!/usr/bin/env python3
"""Exports or fetches large networks and records PyTorch's derivatives of each at batch 1, as record.py does for small ones.

usage: $(tools/environment tools/references/requirements.txt)/bin/python tools/references/full.py [--only NAME...]
Writes NAME.onnx and, of several photos, NAME.npz, NAME-1.npz, ... to ${XDG_CACHE_HOME:-~/.cache}/adjoint/peers. Needs what
tools/fetch-models makes, and the photos that photos.py reads. In float32 a pre-activation next to a kink may fall on its
other side, which moves a derivative by far more than rounding; several photos show how often. Files that exist are kept.
"""
import argparse
import shutil

import numpy
import torch

import large
import photos
from exports import export
from references import record


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
# Rows of index.csv on which no model is so sure that its second derivative drowns in float32's rounding.
PHOTOS = [20, 0, 50, 150]


def photo(name, file):
    """The photo as the model wants it: OpenNSFW takes [1, 224, 224, 3] in BGR order, 0 to 255 less the mean colour."""
    if name != "open-nsfw":
        return torch.from_numpy(photos.normalised(file))[None]
    x = photos.pixels(file)[:, :, ::-1].astype(numpy.float32) - numpy.float32([104, 117, 123])
    return torch.from_numpy(x)[None]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--photos", type=int, choices=range(1, len(PHOTOS) + 1), default=1)
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
            references = path.with_name(f"{name}-{count}.npz" if count else f"{name}.npz")
            if references.exists():
                continue
            x = photo(name, file)
            torch.manual_seed(2 + count)
            direction = torch.randn(x.shape) * (255 if name == "open-nsfw" else 1)
            record(path, references, x, torch.tensor([1 if name == "open-nsfw" else target]), direction)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Counts how many photos EfficientNet-Lite0 classifies correctly in ONNX Runtime.

usage: $(tools/environment tools/references/requirements.txt)/bin/python tools/references/accuracy.py [--save]
--save writes efficientnet-lite0-photos.npz beside the references of full.py: x [200, 3, 224, 224] as the model takes it, the
classes, and ONNX Runtime's logits, so that another implementation can be judged on the same pixels.
"""
import argparse

import numpy
import torch

import large
import photos
from references import run


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--save", action="store_true")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    rows = photos.index()
    x = numpy.stack([photos.normalised(file) for file, _, _ in rows])
    classes = numpy.array([label for _, label, _ in rows])
    path = large.efficientnet_lite0_file()
    logits = torch.cat([run(path, part, arguments.threads) for part in torch.from_numpy(x).split(25)]).numpy()
    order = (-logits).argsort(1, kind="stable")
    first, five = (order[:, 0] == classes).sum(), (order[:, :5] == classes[:, None]).any(1).sum()
    print(f"EfficientNet-Lite0 in ONNX Runtime: {first} of {len(rows)} photos top-1, {five} top-5")
    if arguments.save:
        large.directory.mkdir(parents=True, exist_ok=True)
        numpy.savez(large.directory / "efficientnet-lite0-photos.npz", x=x, logits=logits, **{"class": classes})


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Exports a classifier of torchvision as adjoint takes it: NAME.onnx, with NAME.json (preprocessing) and labels beside it.

usage: $(tools/environment tools/references/requirements.txt)/bin/python tools/references/torchvision_classifier.py \
           [--weights IMAGENET1K_V1|FILE.pth|none] [--exporter legacy|dynamo] NAME FOLDER
NAME is that of a torchvision model, such as resnet50 or densenet169. Torchvision downloads the weights that it has a name
for; a file holds a state dictionary; none leaves them random (seed 1), for trying the way. The batch stays free.
"""
import argparse
import json
import pathlib

import torch

import large
from exports import export

PREPROCESSING = {
    "size": [224, 224],
    "resize": {"shorterSide": 256, "interpolation": "bilinear", "crop": "center"},
    "range": [0, 1],
    "mean": [0.485, 0.456, 0.406],
    "std": [0.229, 0.224, 0.225],
    "channelOrder": "rgb",
    "layout": "nchw",
    "labels": "torchvision-labels.txt",
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--weights", default="IMAGENET1K_V1")
    parser.add_argument("--exporter", choices=["legacy", "dynamo"], default="legacy")
    arguments = parser.parse_args()
    models = large.torchvision_models()
    torch.manual_seed(1)
    if arguments.weights == "none" or arguments.weights.endswith(".pth"):
        network = models.get_model(arguments.name, weights=None)
        if arguments.weights != "none":
            network.load_state_dict(torch.load(arguments.weights, weights_only=True))
    else:
        network = models.get_model(arguments.name, weights=arguments.weights)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    opset = 17 if arguments.exporter == "legacy" else 20
    path = arguments.folder / f"{arguments.name}.onnx"
    export(network.eval(), torch.zeros(2, 3, 224, 224), path, arguments.exporter, opset, symbolic=True)
    (arguments.folder / f"{arguments.name}.json").write_text(json.dumps(PREPROCESSING, indent=2) + "\n")
    categories = models._meta._IMAGENET_CATEGORIES
    (arguments.folder / PREPROCESSING["labels"]).write_text("".join(f"{name}\n" for name in categories))
    print(path)


if __name__ == "__main__":
    main()

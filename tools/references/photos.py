"""ImageNet validation photos: a folder data/imagenet with index.csv (file, wnid, class, target).

It is looked for in the folder that ADJOINT_SHARED names, or else in "shared" beside the package.
"""
import csv
import os
import pathlib

import numpy
from PIL import Image

package = pathlib.Path(__file__).resolve().parent.parent.parent
directory = pathlib.Path(os.environ.get("ADJOINT_SHARED", package.parent / "shared")) / "data" / "imagenet"


def index():
    """The rows of index.csv: file, class, target."""
    if not (directory / "index.csv").exists():
        raise SystemExit(f"there are no photos at {directory}; ADJOINT_SHARED names the folder that holds data/imagenet")
    with open(directory / "index.csv", newline="") as file:
        return [(row["file"], int(row["class"]), int(row["target"])) for row in csv.DictReader(file)]


def pixels(file):
    """[224, 224, 3] in [0, 255]: shorter side to 256 (bicubic), centre crop."""
    with Image.open(directory / file) as image:
        image = image.convert("RGB")
        scale = 256 / min(image.size)
        image = image.resize([round(side * scale) for side in image.size], Image.BICUBIC)
        left, top = ((side - 224) // 2 for side in image.size)
        return numpy.asarray(image.crop((left, top, left + 224, top + 224)))


def normalised(file, mean=0.498, deviation=0.502):
    """[3, 224, 224] float32: (pixels / 255 - mean) / deviation, by default as EfficientNet-Lite0 wants it."""
    x = pixels(file).astype(numpy.float32).transpose(2, 0, 1) / 255
    return (x - numpy.float32(mean)) / numpy.float32(deviation)

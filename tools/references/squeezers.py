#!/usr/bin/env python3
"""Records what SciPy's median filters and OpenCV's non-local means 11-3-4 make of small images.

usage: $(tools/environment tools/references/requirements-images.txt)/bin/python tools/references/squeezers.py
Writes graphs/peers/squeezers.npz; graphs/peers/README.md says what the arrays are.
"""
import pathlib

import cv2
import numpy
from scipy import ndimage

SIZE = (19, 23)
directory = pathlib.Path(__file__).resolve().parent.parent.parent / "graphs" / "peers"


def photo(random):
    """A smooth image with edges and a little noise, [H, W, 3] in RGB: non-local means finds patches that resemble."""
    height, width = SIZE
    rows, columns = numpy.mgrid[:height, :width]
    image = numpy.stack([128 + 90 * numpy.sin(rows / 3 + k) * numpy.cos(columns / (4 + k)) for k in range(3)], 2)
    image[height // 2:, width // 2:] = random.integers(0, 256, 3)
    return (image + random.normal(0, 4, image.shape)).clip(0, 255).round().astype(numpy.uint8)


def main():
    random = numpy.random.default_rng(5)
    images = [photo(random), photo(random), random.integers(0, 256, (*SIZE, 3), numpy.uint8)]
    arrays = {"images": numpy.stack([image.transpose(2, 0, 1) for image in images])}
    planes = arrays["images"].astype(numpy.float32) / 255
    for size in (2, 3):
        arrays[f"median{size}"] = ndimage.median_filter(planes, size=(1, 1, size, size), mode="reflect")
    for bits in (1, 2, 3, 5):
        steps = 2 ** bits - 1
        arrays[f"bits{bits}"] = numpy.rint(planes * numpy.float32(steps)) / numpy.float32(steps)
    grey = [[cv2.fastNlMeansDenoising(plane, None, 4, 3, 11) for plane in image] for image in arrays["images"]]
    arrays["nlmGrey"] = numpy.array(grey)
    color = [cv2.fastNlMeansDenoisingColored(image[:, :, ::-1].copy(), None, 4, 4, 3, 11)[:, :, ::-1] for image in images]
    arrays["nlm"] = numpy.stack(color).transpose(0, 3, 1, 2)
    # Every 17th level of each channel, there and back.
    levels = numpy.arange(0, 256, 17, dtype=numpy.uint8)
    cube = numpy.stack(numpy.meshgrid(levels, levels, levels, indexing="ij"), 3).reshape(-1, 1, 3)
    arrays["colors"] = cube[:, 0]
    arrays["lab"] = cv2.cvtColor(cube[:, :, ::-1].copy(), cv2.COLOR_LBGR2Lab)[:, 0]
    arrays["rgb"] = cv2.cvtColor(cube, cv2.COLOR_Lab2LBGR)[:, 0, ::-1]
    changed = [(arrays[key][:2] != arrays["images"][:2]).mean() for key in ("nlmGrey", "nlm")]
    if min(changed) < 0.2:
        raise SystemExit(f"non-local means changes too little: {changed}")
    whole = {key: value.astype(numpy.int64) if value.dtype == numpy.uint8 else value for key, value in arrays.items()}
    numpy.savez_compressed(directory / "squeezers.npz", **whole)
    print(f"OpenCV {cv2.__version__}; changed {changed}")


if __name__ == "__main__":
    main()

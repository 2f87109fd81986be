"""Makes the models that compare.py times, where they are not at hand yet, and prints the path of each.

usage: timed_models.py NAME...
ResNet-50 and DenseNet-169 have random weights and the batch norm statistics of noise, so that no photos are needed: how long
a network takes does not depend on what it has learnt, as long as nothing in it vanishes or grows without bound.
"""
import os
import sys

import torch

import large
from exports import export


def file(name):
    if name == "efficientnet-lite0":
        return large.efficientnet_lite0_file()
    path = large.directory / f"{name}-noise.onnx"
    if not path.exists():
        large.directory.mkdir(parents=True, exist_ok=True)
        noise = torch.randn(16, 3, 224, 224, generator=torch.Generator().manual_seed(1))
        unfinished = path.with_suffix(".part")
        export(large.calibrated(name, noise), noise[:2], unfinished, "legacy", 17, symbolic=True)
        os.replace(unfinished, path)
    return path


if __name__ == "__main__":
    for name in sys.argv[1:]:
        print(file(name))

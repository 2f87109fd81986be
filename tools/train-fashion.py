#!/usr/bin/env python3
"""Trains the small classifier that the repository holds: a residual network with global average pooling on Fashion-MNIST.

usage: $(tools/environment tools/references/requirements.txt)/bin/python tools/train-fashion.py [--data DIR] [--epochs N]

The images are those of Debian's package dataset-fashion-mnist (MIT licence). Writes graphs/models/fashion-resnet.onnx, its
preprocessing in fashion-resnet.json, fashion-labels.txt, and README.md with the accuracy on the 10,000 test images; and to
graphs/images a few correctly classified test images, their labels in the file names.
One thread and a fixed seed: the same processor and PyTorch version give the same weights.
"""
import argparse
import gzip
import json
import pathlib
import time

import numpy
import onnx
import onnxruntime
import torch
from PIL import Image
from torch import nn
from torch.nn import functional

SEED = 20170825
LABELS = ["T-shirt", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"]
MEAN, STANDARD_DEVIATION = 0.286, 0.353
IMAGES = {"T-shirt": 1, "Trouser": 1, "Dress": 1, "Sandal": 1, "Bag": 1, "Ankle boot": 1}
graphs = pathlib.Path(__file__).resolve().parent.parent / "graphs"


class Block(nn.Module):
    """y = relu(bn(conv(relu(bn(conv(x))))) + shortcut(x)); the shortcut is x itself where the shapes agree."""

    def __init__(self, channels_in, channels, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels)
        self.shortcut = nn.Identity()
        if stride != 1 or channels != channels_in:
            self.shortcut = nn.Sequential(nn.Conv2d(channels_in, channels, 1, stride, bias=False), nn.BatchNorm2d(channels))

    def forward(self, x):
        y = functional.relu(self.norm1(self.conv1(x)))
        return functional.relu(self.norm2(self.conv2(y)) + self.shortcut(x))


class FashionResNet(nn.Module):
    """[N, 1, 28, 28] to ten logits; the last feature map is [128, 7, 7]."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(1, 16, 3, 1, 1, bias=False)
        self.norm = nn.BatchNorm2d(16)
        self.stages = nn.Sequential(Block(16, 16, 1), Block(16, 48, 2), Block(48, 128, 2))
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classify = nn.Linear(128, len(LABELS))

    def forward(self, x):
        x = self.stages(functional.relu(self.norm(self.stem(x))))
        return self.classify(self.pool(x).flatten(1))


def read(directory, split):
    """The images in [0,1] as [count, 1, 28, 28] and their labels."""
    def values(name, offset):
        return numpy.frombuffer(gzip.decompress((directory / name).read_bytes()), numpy.uint8, offset=offset)
    images = values(f"{split}-images-idx3-ubyte.gz", 16).reshape(-1, 1, 28, 28).astype(numpy.float32) / 255
    return torch.from_numpy(images), torch.from_numpy(values(f"{split}-labels-idx1-ubyte.gz", 8).astype(numpy.int64))


def normalise(x):
    return (x - MEAN) / STANDARD_DEVIATION


def augmented(x):
    """Mirrored with probability one half, and all shifted by up to two pixels."""
    mirrored = torch.where(torch.rand(len(x), 1, 1, 1) < 0.5, x, x.flip(3))
    row, column = torch.randint(0, 5, (2,)).tolist()
    return functional.pad(mirrored, (2, 2, 2, 2))[:, :, row:row + 28, column:column + 28]


def train(network, images, labels, epochs, batch=128):
    steps = epochs * (len(images) // batch)
    optimiser = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=0.2, total_steps=steps, pct_start=0.2)
    start = time.time()
    for epoch in range(epochs):
        network.train()
        total = 0.0
        order = torch.randperm(len(images))
        for first in range(0, len(images) - batch + 1, batch):
            chosen = order[first:first + batch]
            loss = functional.cross_entropy(network(normalise(augmented(images[chosen]))), labels[chosen])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            total += loss.item() * batch
        print(f"epoch {epoch + 1} of {epochs}: loss {total / len(images):.4f}, {time.time() - start:.0f} s", flush=True)


def export(network, path):
    network = network.eval().to(memory_format=torch.contiguous_format)
    torch.onnx.export(
        network, (torch.zeros(1, 1, 28, 28),), str(path), input_names=["x"], output_names=["logits"],
        dynamic_axes={"x": {0: "N"}, "logits": {0: "N"}}, opset_version=17, dynamo=False,
        training=torch.onnx.TrainingMode.PRESERVE, do_constant_folding=False)
    onnx.checker.check_model(str(path), full_check=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=pathlib.Path, default=pathlib.Path("/usr/share/datasets/fashion-mnist"))
    parser.add_argument("--epochs", type=int, default=7)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(SEED)
    torch.use_deterministic_algorithms(True)

    network = FashionResNet().to(memory_format=torch.channels_last)
    train(network, *read(arguments.data, "train"), arguments.epochs)

    models, pictures = graphs / "models", graphs / "images"
    models.mkdir(parents=True, exist_ok=True)
    pictures.mkdir(parents=True, exist_ok=True)
    path = models / "fashion-resnet.onnx"
    export(network, path)
    (models / "fashion-labels.txt").write_text("".join(f"{label}\n" for label in LABELS))
    (models / "fashion-resnet.json").write_text(json.dumps({
        "size": [28, 28], "range": [0, 1], "mean": [MEAN], "std": [STANDARD_DEVIATION],
        "channelOrder": "grey", "layout": "nchw", "labels": "fashion-labels.txt"}, indent=2) + "\n")

    images, labels = read(arguments.data, "t10k")
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    logits = numpy.concatenate([session.run(None, {"x": normalise(part).numpy()})[0] for part in images.split(500)])
    correct = logits.argmax(1) == labels.numpy()
    parameters = sum(p.numel() for p in network.parameters())
    print(f"{correct.sum()} of {len(labels)} test images, {parameters} parameters, {path.stat().st_size} bytes")
    version = torch.__version__.split("+")[0]
    (models / "README.md").write_text(f"""# The model that the repository holds

`fashion-resnet.onnx` classifies the ten kinds of clothing of Fashion-MNIST: three residual blocks (16, 48, 128 channels),
a last feature map of 7 x 7, global average pooling and a linear layer; {parameters:,} parameters, opset 17, input `x`
[N, 1, 28, 28], output `logits` [N, 10]. `fashion-resnet.json` describes its preprocessing, `fashion-labels.txt` its classes.

It classifies **{correct.mean():.2%}** of the 10,000 test images correctly ({correct.sum():,}).

`tools/train-fashion.py` made it: {arguments.epochs} epochs on one thread, seed {SEED}, PyTorch {version}.
The images in `../images` are correctly classified images of the test split, named by their position in it and their label
(Fashion-MNIST, copyright 2017 Zalando SE, MIT licence).
""")
    confidence = numpy.exp(logits - logits.max(1, keepdims=True))
    confidence = confidence.max(1) / confidence.sum(1)
    for label, count in IMAGES.items():
        chosen = numpy.flatnonzero(correct & (labels.numpy() == LABELS.index(label)) & (confidence > 0.95))[:count]
        for index in chosen:
            pixels = (images[index, 0].numpy() * 255).round().astype(numpy.uint8)
            name = label.lower().replace(" ", "-")
            Image.fromarray(pixels).save(pictures / f"fashion-{index:05d}-{name}.png", optimize=True)


if __name__ == "__main__":
    main()

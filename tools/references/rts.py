#!/usr/bin/env python3
"""Records what PyTorch makes of RTS, in float64, on a small encoder and masking model with random weights.

usage: $(tools/environment tools/references/requirements.txt)/bin/python tools/references/rts.py
Writes graphs/peers/rts.safetensors, the weights in float32, and graphs/peers/rts.npz: x [2, 3, 64, 64], class [2], mask
[2, 16, 16], mapTarget of that shape, and gradient, of the sum over images of the mean of (mask - mapTarget)^2 with respect
to x; encoderLogits [2, 5] of the encoder's own classifier, and encoderGradient, of its cross entropy of class.
"""
import json
import pathlib
import struct

import numpy
import torch
from torch import nn
from torch.nn import functional

CLASSES, CONFIDENCE = 5, 6
directory = pathlib.Path(__file__).resolve().parent.parent.parent / "graphs" / "peers"


class Bottleneck(nn.Module):
    """Of the encoder: torchvision's, with the stride in the 3 x 3 convolution."""

    def __init__(self, channels, middle, out, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, middle, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(middle)
        self.conv2 = nn.Conv2d(middle, middle, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(middle)
        self.conv3 = nn.Conv2d(middle, out, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(out)
        self.downsample = None
        if stride != 1 or channels != out:
            self.downsample = nn.Sequential(nn.Conv2d(channels, out, 1, stride, bias=False), nn.BatchNorm2d(out))

    def forward(self, x):
        y = functional.relu(self.bn1(self.conv1(x)))
        y = self.bn3(self.conv3(functional.relu(self.bn2(self.conv2(y)))))
        return functional.relu(y + (x if self.downsample is None else self.downsample(x)))


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 4, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(4)
        self.layer1 = nn.Sequential(Bottleneck(4, 2, 6, 1), Bottleneck(6, 2, 6, 1))
        self.layer2 = nn.Sequential(Bottleneck(6, 2, 8, 2))
        self.layer3 = nn.Sequential(Bottleneck(8, 3, 8, 2))
        self.layer4 = nn.Sequential(Bottleneck(8, 3, 12, 2))
        self.fc = None

    def forward(self, x):
        x = functional.max_pool2d(functional.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        features = []
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = stage(x)
            features.append(x)
        return features


class Block(nn.Module):
    """Doubles the size, and takes in the features that are as large then."""

    def __init__(self, channels, shuffled, taken, out):
        super().__init__()
        self.upsample = nn.Conv2d(channels, 4 * shuffled, 3, 1, 1, bias=False)
        self.upsample_bn = nn.BatchNorm2d(4 * shuffled)
        joined = shuffled + taken
        middle = out // 2
        self.conv1 = nn.Conv2d(joined, middle, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(middle)
        self.conv2 = nn.Conv2d(middle, middle, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(middle)
        self.conv3 = nn.Conv2d(middle, out, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(out)
        self.project = nn.Conv2d(joined, out, 1)

    def forward(self, x, taken):
        finer = functional.relu(functional.pixel_shuffle(functional.relu(self.upsample_bn(self.upsample(x))), 2))
        x = torch.cat([finer, taken], 1)
        y = functional.relu(self.bn1(self.conv1(x)))
        y = self.bn3(self.conv3(functional.relu(self.bn2(self.conv2(y)))))
        return functional.relu(y + self.project(x))


class Saliency(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = Encoder()
        self.selector = nn.Embedding(CLASSES, 12)
        self.up2 = Block(12, 4, 8, 8)
        self.up1 = Block(8, 3, 8, 6)
        self.up0 = Block(6, 2, 6, 4)
        self.head = nn.Conv2d(4, 2, 1)

    def forward(self, x, classes):
        s2, s3, s4, s5 = self.encoder(4 * (x - 0.5))
        activation = (s5 * self.selector(classes)[:, :, None, None]).sum(1, keepdim=True)
        gated = s5 * torch.sigmoid(activation - CONFIDENCE)
        both = self.head(self.up0(self.up1(self.up2(gated, s4), s3), s2)).abs()
        return both[:, 0] / (both.sum(1) + 1e-8)


def write_safetensors(path, arrays):
    header, offset = {}, 0
    for name, array in arrays.items():
        size = array.nbytes
        header[name] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": [offset, offset + size]}
        offset += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(array.tobytes() for array in arrays.values()))


def main():
    torch.manual_seed(1)
    model = Saliency().eval()
    for name, tensor in model.state_dict().items():
        if name.endswith("running_var"):
            tensor.uniform_(0.5, 1.5)
        elif name.endswith(("running_mean", "bias")):
            tensor.uniform_(-0.3, 0.3)
        elif name == "selector.weight":
            tensor.uniform_(0, 2)
        elif name.endswith("weight") and tensor.dim() == 1:
            tensor.uniform_(0.7, 1.6)
        elif name.endswith("weight"):
            nn.init.kaiming_normal_(tensor)
    x = torch.rand(2, 3, 64, 64).double().requires_grad_()
    classes = torch.tensor([1, 4])
    with torch.random.fork_rng():
        model.encoder.fc = nn.Linear(12, CLASSES)
    weights = {k: v.numpy() for k, v in model.state_dict().items() if not k.endswith("num_batches_tracked")}
    write_safetensors(directory / "rts.safetensors", weights)
    model = model.double()
    mask = model(x, classes)
    target = torch.rand(mask.shape).double()
    loss = ((mask - target) ** 2).mean((1, 2)).sum()
    (gradient,) = torch.autograd.grad(loss, x)
    logits = model.encoder.fc(model.encoder(4 * (x - 0.5))[3].mean((2, 3)))
    (encoder_gradient,) = torch.autograd.grad(functional.cross_entropy(logits, classes, reduction="sum"), x)
    print("mask", mask.min().item(), mask.max().item(), mask.std().item(), "gradient", gradient.abs().max().item())
    numpy.savez(
        directory / "rts.npz", x=x.detach().numpy().astype(numpy.float32), **{"class": classes.numpy()},
        mask=mask.detach().numpy(), mapTarget=target.numpy(), gradient=gradient.numpy(),
        encoderLogits=logits.detach().numpy(), encoderGradient=encoder_gradient.numpy(),
    )


if __name__ == "__main__":
    main()

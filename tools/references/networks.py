"""Five small classifiers whose operators cover the families of the large ones; their weights follow from a seed."""
import torch
from torch import nn
from torch.nn import functional

CLASSES = 10


def convolution(channels_in, channels, kernel=3, stride=1, groups=1):
    return nn.Sequential(
        nn.Conv2d(channels_in, channels, kernel, stride, kernel // 2, groups=groups, bias=False), nn.BatchNorm2d(channels))


class ResidualBlock(nn.Module):
    def __init__(self, channels_in, channels, stride):
        super().__init__()
        self.first, self.second = convolution(channels_in, channels, stride=stride), convolution(channels, channels)
        plain = stride == 1 and channels == channels_in
        self.shortcut = nn.Identity() if plain else convolution(channels_in, channels, 1, stride)

    def forward(self, x):
        return functional.relu(self.second(functional.relu(self.first(x))) + self.shortcut(x))


class Residual(nn.Module):
    """A 5x5 stem of stride two, overlapping max pooling, an identity and a projected shortcut, average pooling, linear."""

    def __init__(self):
        super().__init__()
        self.stem = convolution(3, 8, 5, 2)
        self.pool = nn.MaxPool2d(3, 2, 1)
        self.blocks = nn.Sequential(ResidualBlock(8, 8, 1), ResidualBlock(8, 16, 2))
        self.classify = nn.Linear(16, CLASSES)

    def forward(self, x):
        x = self.blocks(self.pool(functional.relu(self.stem(x))))
        return self.classify(functional.adaptive_avg_pool2d(x, 1).flatten(1))


class DenseLayer(nn.Module):
    def __init__(self, channels_in, growth):
        super().__init__()
        self.norm, self.convolution = nn.BatchNorm2d(channels_in), nn.Conv2d(channels_in, growth, 3, 1, 1, bias=False)

    def forward(self, x):
        return torch.cat([x, self.convolution(functional.relu(self.norm(x)))], 1)


class Dense(nn.Module):
    """Normalisation before the convolution, concatenation, a halving transition, and 2x2 average pooling."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, 1, 1, bias=False)
        self.first = nn.Sequential(DenseLayer(8, 6), DenseLayer(14, 6), DenseLayer(20, 6))
        self.transition = nn.Sequential(nn.BatchNorm2d(26), nn.ReLU(), nn.Conv2d(26, 13, 1, bias=False), nn.AvgPool2d(2, 2))
        self.second = nn.Sequential(DenseLayer(13, 6), DenseLayer(19, 6))
        self.norm = nn.BatchNorm2d(25)
        self.classify = nn.Linear(25, CLASSES)

    def forward(self, x):
        x = functional.relu(self.norm(self.second(self.transition(self.first(self.stem(x))))))
        return self.classify(functional.adaptive_avg_pool2d(x, (1, 1)).flatten(1))


class MobileBlock(nn.Module):
    def __init__(self, channels_in, channels, kernel, stride, activation, squeeze):
        super().__init__()
        wide = 4 * channels_in
        self.activation, self.residual = activation, stride == 1 and channels == channels_in
        self.expand, self.depthwise = convolution(channels_in, wide, 1), convolution(wide, wide, kernel, stride, groups=wide)
        self.project = convolution(wide, channels, 1)
        self.squeeze = nn.ModuleList([nn.Conv2d(wide, wide // 4, 1), nn.Conv2d(wide // 4, wide, 1)]) if squeeze else None

    def forward(self, x):
        y = self.activation(self.depthwise(self.activation(self.expand(x))))
        if self.squeeze:
            s = functional.relu(self.squeeze[0](functional.adaptive_avg_pool2d(y, 1)))
            y = y * functional.hardsigmoid(self.squeeze[1](s))
        y = self.project(y)
        return x + y if self.residual else y


class Mobile(nn.Module):
    """Depthwise convolutions, ReLU6, hard swish, a squeeze-and-excitation gate, and dropout, which inference ignores."""

    def __init__(self):
        super().__init__()
        self.stem = convolution(3, 8, 3, 2)
        self.blocks = nn.Sequential(
            MobileBlock(8, 8, 3, 1, nn.ReLU6(), False), MobileBlock(8, 12, 5, 2, nn.Hardswish(), True),
            MobileBlock(12, 12, 3, 1, nn.Hardswish(), True))
        self.dropout = nn.Dropout(0.2)
        self.classify = nn.Linear(12, CLASSES)

    def forward(self, x):
        x = self.blocks(functional.hardswish(self.stem(x)))
        return self.classify(self.dropout(x.mean((2, 3))))


class Clipped(nn.Module):
    """Clip with bounds that values reach, on either side of 0 and from 0 up, ReLU, max pooling, and no product."""

    def __init__(self):
        super().__init__()
        self.stem, self.first = convolution(3, 8, 3, 2), nn.Hardtanh(-0.8, 1.2)
        self.middle, self.second = convolution(8, 12), nn.Hardtanh(0.0, 1.5)
        self.pool = nn.MaxPool2d(2)
        self.last, self.third = convolution(12, 12), nn.ReLU()
        self.classify = nn.Linear(12, CLASSES)

    def forward(self, x):
        x = self.pool(self.second(self.middle(self.first(self.stem(x)))))
        return self.classify(functional.adaptive_avg_pool2d(self.third(self.last(x)), 1).flatten(1))


class Smooth(nn.Module):
    """Only smooth activations, so that second derivatives stem from every layer: tanh, sigmoid, softplus, GELU, SiLU."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, 2, 1)
        self.second = nn.Conv2d(8, 12, 3, 1, 2, dilation=2, groups=4)
        self.third = nn.Conv2d(12, 12, 3, 2, 1)
        self.pool = nn.AvgPool2d(2, 2)
        self.hidden, self.classify = nn.Linear(48, 24), nn.Linear(24, CLASSES)

    def forward(self, x):
        x = torch.tanh(self.first(x))
        x = functional.softplus(self.second(x)) * torch.sigmoid(x.mean(1, keepdim=True))
        x = functional.silu(self.pool(self.third(x)))
        return self.classify(functional.gelu(self.hidden(x.flatten(1))))


NETWORKS = {"residual": Residual, "dense": Dense, "mobile": Mobile, "clipped": Clipped, "smooth": Smooth}


def network(name, size, seed):
    """The network in evaluation mode, its batch norm statistics those of 64 random images of `size` pixels a side."""
    torch.manual_seed(seed)
    result = NETWORKS[name]()
    with torch.no_grad():
        for parameter in result.parameters():
            if parameter.dim() > 1:
                parameter.mul_(1.6)
        for module in result.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.momentum = None
                module.weight.uniform_(0.6, 1.4)
                module.bias.uniform_(-0.4, 0.4)
        result(torch.rand(64, 3, size, size))
    return result.eval().requires_grad_(False)

#!/usr/bin/env python3
"""Exports small networks with both of PyTorch's exporters and records their logits, gradients and Hessian-vector products.

usage: $(tools/environment tools/references/requirements.txt)/bin/python tools/references/record.py
Writes graphs/peers/<network>-<exporter>.onnx and .npz; graphs/peers/README.md says what the arrays are.
"""
import pathlib

import torch

from exports import export
from networks import CLASSES, network
from references import distance, record

SEED = 4
SIZE = 16
BATCH = 2
directory = pathlib.Path(__file__).resolve().parent.parent.parent / "graphs" / "peers"
# Network, exporter, opset, whether the batch stays symbolic.
CASES = [
    ("residual", "legacy", 17, True), ("residual", "dynamo", 20, False),
    ("dense", "legacy", 17, False), ("dense", "dynamo", 18, True),
    ("mobile", "legacy", 17, True), ("mobile", "dynamo", 20, True),
    ("smooth", "legacy", 17, False), ("smooth", "dynamo", 20, False),
]


def main():
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    directory.mkdir(parents=True, exist_ok=True)
    for name, exporter, opset, symbolic in CASES:
        module = network(name, SIZE, SEED)
        torch.manual_seed(SEED + 1)
        x, direction = torch.rand(BATCH, 3, SIZE, SIZE), torch.randn(BATCH, 3, SIZE, SIZE)
        target = torch.randint(0, CLASSES, (BATCH,))
        path = directory / f"{name}-{exporter}.onnx"
        export(module, x, path, exporter, opset, symbolic, plain=True)
        reference = record(path, path.with_suffix(".npz"), x, target, direction)
        exported = distance(module(x), reference["logits"])
        if exported > 1e-5:
            raise SystemExit(f"{path.name}: the file differs from the module by {exported:.1e}")


if __name__ == "__main__":
    main()

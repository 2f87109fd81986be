#!/usr/bin/env python3
"""Times PyTorch (eager), ONNX Runtime and Adjoint on this machine, one after the other; compare within one run only.

usage: $(tools/environment tools/references/requirements.txt)/bin/python tools/references/time.py [--batch 1 8] [--json FILE]
Forward, and input gradient of the summed cross-entropy, in float32; best and median of several, in milliseconds.
Needs full.py's ResNet-50 (legacy exporter) and tools/fetch-models' EfficientNet-Lite0.
"""
import argparse
import json
import pathlib
import statistics
import subprocess
import time

import onnxruntime
import torch
from torch.nn import functional

import large


def measured(function, seconds):
    """Best and median of at least four calls after the first, for about so many seconds."""
    function()
    times, start = [], time.perf_counter()
    while len(times) < 4 or time.perf_counter() - start < seconds:
        before = time.perf_counter()
        function()
        times.append((time.perf_counter() - before) * 1e3)
    return {"best": round(min(times), 2), "median": round(statistics.median(times), 2)}


def eager(network, x):
    """PyTorch's forward pass and input gradient as functions of no arguments."""
    target = torch.zeros(len(x), dtype=torch.int64)

    def forward():
        with torch.no_grad():
            network(x)

    def gradient():
        y = x.clone().requires_grad_(True)
        torch.autograd.grad(functional.cross_entropy(network(y), target, reduction="sum"), y)

    return {"forward": forward, "gradient": gradient}


def runtime(path, x, threads):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return {"forward": lambda: session.run(None, {"x": x.numpy()})}


def adjoint(command, path, batch, threads):
    """The same of `adjoint bench`, from the times it measures itself."""
    report = json.loads(subprocess.run(
        [command, "bench", path, "--of", "forward", "gradient", "--batch", str(batch), "--threads", str(threads), "--json"],
        check=True, capture_output=True).stdout)
    return {row["of"]: {"best": round(row["bestMilliseconds"], 2), "median": round(row["medianMilliseconds"], 2)}
            for row in report["rows"]}


def load(model):
    """The PyTorch module and the ONNX file."""
    if model == "efficientnet-lite0":
        return large.efficientnet_lite0(), large.efficientnet_lite0_file()
    network = large.torchvision_models().resnet50(weights=None).eval().requires_grad_(False)
    return network, large.directory / "resnet50-legacy.onnx"


def processor():
    lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    fields = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    name, family, model = (fields.get(key, "unknown") for key in ("model name", "cpu family", "model"))
    return f"{name} (family {family}, model {model})"


def main():
    models = ["efficientnet-lite0", "resnet50"]
    parser = argparse.ArgumentParser()
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=5, help="about how long to repeat each")
    parser.add_argument("--models", nargs="+", choices=models, default=models)
    parser.add_argument("--adjoint", default=".build/release/adjoint", help="the command to time; empty for none")
    parser.add_argument("--json", type=pathlib.Path)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    rows = []
    print(f"{processor()}, {arguments.threads} threads; milliseconds, best (median)\n")
    print("| model | batch | | forward | gradient |\n|---|---|---|---|---|")

    def show(model, batch, peer, times):
        rows.append({"model": model, "batch": batch, "peer": peer, "threads": arguments.threads, **times})
        cells = [f"{entry['best']:.1f} ({entry['median']:.1f})" for entry in times.values()] + [""]
        print(f"| {model} | {batch} | {peer} | {cells[0]} | {cells[1]} |", flush=True)

    for model in arguments.models:
        network, path = load(model)
        for batch in arguments.batch:
            x = torch.rand(batch, 3, 224, 224)
            peers = {f"PyTorch {torch.__version__} eager": eager(network, x),
                     f"ONNX Runtime {onnxruntime.__version__}": runtime(path, x, arguments.threads)}
            for peer, functions in peers.items():
                show(model, batch, peer, {name: measured(f, arguments.seconds) for name, f in functions.items()})
            if arguments.adjoint:
                show(model, batch, "Adjoint", adjoint(arguments.adjoint, path, batch, arguments.threads))
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()

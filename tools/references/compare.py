"""Times Adjoint and its peers, each workload of each in a process of its own, and prints one table: see tools/peers.

Peers take turns at every workload, in one round or more, so that what else the machine does meets all of them. The first round
takes longer: XLA and Adjoint keep what they compile. Times are milliseconds of the calls after the first, best (median of the
rounds' medians); compare within one run only. Every process may use as many processors as it has threads.
"""
import argparse
import datetime
import itertools
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import time
from importlib.metadata import version

here = pathlib.Path(__file__).resolve().parent
root = here.parent.parent
MODELS = {"efficientnet-lite0": "EfficientNet-Lite0", "resnet50": "ResNet-50", "densenet169": "DenseNet-169"}
WORKLOADS = {
    "forward": "forward", "gradient": "input gradient", "hvp": "HVP", "step1": "GRAD step, one copy",
    "step2": "GRAD step, two copies",
}
# Name, the package whose version is printed, and workloads. A peer without workloads is Adjoint.
PEERS = {
    "torch": ("PyTorch {} eager", "torch", list(WORKLOADS)),
    "jax": ("JAX {}", "jax", list(WORKLOADS)),
    "onnxruntime": ("ONNX Runtime {}", "onnxruntime", ["forward"]),
    "openvino": ("OpenVINO {}", "openvino", ["forward"]),
    "onnxad": ("ONNX Runtime + onnx-ad {}", "onnx-ad", ["gradient", "hvp"]),
    "adjoint": ("**Adjoint**", None, list(WORKLOADS)),
}
NOTES = """\
ONNX Runtime and OpenVINO run graphs, but do not differentiate them. onnx-ad has no smoothed ReLU: its HVP (same sweeps)
stands beside the GRAD step with one copy. HVPs are of the plain cross entropy, onnx-ad's of the logits. The GRAD step is one
of ADV²: with two copies of the network as in the paper; with one copy the prediction goes through the smoothed network too.
Memory is the peak resident size of the process that took the GRAD step with two copies."""
ADJOINT_WORKLOADS = {
    "step1": ["step", "--interpreter", "grad", "--copies", "1"], "step2": ["step", "--interpreter", "grad", "--copies", "2"],
}


class Failure(Exception):
    """Why a cell holds no time, in a few words."""


def output(command, limit):
    """What a command prints, or a Failure."""
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=limit, cwd=here)
    except subprocess.TimeoutExpired:
        raise Failure(f"over {limit:.0f} s") from None
    except OSError as error:
        raise Failure(f"{command[0]}: {error.strerror}") from None
    if result.returncode != 0:
        lines = result.stderr.strip().splitlines() or [f"status {result.returncode}"]
        print(f"{' '.join(map(str, command))}\n{result.stderr}", file=sys.stderr)
        raise Failure("fails: " + lines[-1][:80].replace("|", "/"))
    return result.stdout


def measure(peer, path, workload, batch, arguments):
    """best, median (milliseconds) and peakResidentBytes of one workload."""
    if peer == "adjoint":
        command = [arguments.adjoint, "bench", path, "--of", *ADJOINT_WORKLOADS.get(workload, [workload]),
                   "--batch", str(batch), "--threads", str(arguments.threads), "--json"]
        (row,) = json.loads(output(command, arguments.limit))["rows"]
        return {"best": row["bestMilliseconds"], "median": row["medianMilliseconds"],
                "peakResidentBytes": row["peakResidentBytes"]}
    command = [sys.executable, here / "measured.py", peer, path, workload, str(batch), str(arguments.threads),
               str(arguments.seconds)]
    return json.loads(output(command, arguments.limit).splitlines()[-1])


def merged(entries):
    """What all rounds of one workload say; a failure if any failed."""
    for entry in entries:
        if "failure" in entry:
            return entry
    return {"best": min(entry["best"] for entry in entries),
            "median": statistics.median(entry["median"] for entry in entries),
            "peakResidentBytes": max(entry["peakResidentBytes"] for entry in entries)}


def processor():
    """Name, family and model of the processor."""
    if not pathlib.Path("/proc/cpuinfo").exists():
        return platform.processor() or platform.machine()
    lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    fields = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    name, family, model = (fields.get(key, "unknown") for key in ("model name", "cpu family", "model"))
    return f"{name} (family {family}, model {model})"


def title(peer):
    name, package, _ = PEERS[peer]
    return name.format(version(package).split("+")[0]) if package else name


def head(arguments):
    packages = ["torch", "jax", "jaxlib", "onnxruntime", "openvino", "onnx-ad", "onnx", "numpy"]
    versions = ", ".join(f"{package} {version(package)}" for package in packages)
    try:
        ours = output([arguments.adjoint, "--version"], 60).strip()
    except Failure as failure:
        ours = str(failure)
    threads = "1 thread" if arguments.threads == 1 else f"{arguments.threads} threads"
    rounds = "1 round" if arguments.rounds == 1 else f"{arguments.rounds} rounds"
    return (f"{datetime.date.today()}, {processor()}, {os.cpu_count()} cores, {threads}; adjoint {ours}, Python "
            f"{platform.python_version()}, {versions}; float32, milliseconds, best (median), {rounds}")


def heading(first, columns):
    """The first two lines of a table in Markdown."""
    return ["| " + " | ".join([first, "batch", "", *columns]) + " |", "|---" * (len(columns) + 3) + "|"]


def table(results, arguments):
    """The rows of Markdown."""
    workloads = arguments.workloads
    memory = "step2" in workloads
    lines = heading("model", [WORKLOADS[workload] for workload in workloads] + ["memory, MB"] * memory)
    for model in arguments.models:
        for batch in arguments.batch:
            for peer in arguments.peers:
                entries = [results.get((model, batch, workload, peer), {}) for workload in workloads]
                cells = [MODELS[model], str(batch), title(peer), *map(cell, entries)]
                if memory:
                    peak = entries[workloads.index("step2")].get("peakResidentBytes")
                    cells.append(f"{peak / 1e6:.0f}" if peak else "")
                if any(entries):
                    lines.append("| " + " | ".join(cells) + " |")
    return lines


def cell(entry):
    if "failure" in entry:
        return entry["failure"]
    return f"{entry['best']:.1f} ({entry['median']:.1f})" if entry else ""


def ratios(results, arguments):
    """The best times of peers as multiples of Adjoint's, as Markdown; onnx-ad's HVP stands for the step with one copy."""
    workloads = arguments.workloads
    lines = heading("time of a peer / Adjoint's", [WORKLOADS[workload] for workload in workloads])
    others = [peer for peer in arguments.peers if peer != "adjoint"]
    rows = {"fastest peer": others, "PyTorch eager": ["torch"], "JAX": ["jax"], "ONNX Runtime": ["onnxruntime"],
            "OpenVINO": ["openvino"], "ONNX Runtime + onnx-ad": ["onnxad"]}
    for model in arguments.models:
        for batch in arguments.batch:
            def best(peer, workload):
                if peer == "onnxad" and workload == "step1":
                    workload = "hvp"
                return results.get((model, batch, workload, peer), {}).get("best")

            for name, peers in rows.items():
                cells = []
                for workload in workloads:
                    times = [time for peer in peers if (time := best(peer, workload))]
                    ours = best("adjoint", workload)
                    cells.append(f"{min(times) / ours:.2f}" if times and ours else "")
                if any(cells):
                    lines.append(f"| {MODELS[model]} | {batch} | {name} | " + " | ".join(cells) + " |")
    return lines


def parsed():
    parser = argparse.ArgumentParser(prog="tools/peers", description="Times Adjoint beside its peers; prints Markdown.")
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=list(PEERS))
    parser.add_argument("--workloads", nargs="+", choices=WORKLOADS, default=list(WORKLOADS))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=1, help="how often to measure all in turn (default: 1)")
    parser.add_argument("--seconds", type=float, default=2,
                        help="about how long to repeat each workload of a peer (default: 2, as Adjoint's)")
    parser.add_argument("--limit", type=float, default=180, help="seconds after which a process is given up (default: 180)")
    parser.add_argument("--adjoint", type=pathlib.Path, default=root / ".build" / "release" / "adjoint", metavar="COMMAND",
                        help="what to time as Adjoint (default: .build/release/adjoint)")
    parser.add_argument("--json", type=pathlib.Path, help="also write every number to this file")
    arguments = parser.parse_args()
    usable = sorted(os.sched_getaffinity(0))
    if not 1 <= arguments.threads <= len(usable):
        parser.error(f"--threads is {arguments.threads}; 1 to {len(usable)} are usable")
    if arguments.rounds < 1:
        parser.error(f"--rounds is {arguments.rounds}; 1 is the least")
    # XLA has no other measure of how many threads to take.
    os.sched_setaffinity(0, usable[:arguments.threads])
    return arguments


def main():
    arguments = parsed()
    making = [sys.executable, here / "timed_models.py", *arguments.models]
    made = subprocess.run(making, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    paths = dict(zip(arguments.models, made[-len(arguments.models):]))
    entries, start = {}, time.monotonic()
    turns = itertools.product(range(arguments.rounds), arguments.models, arguments.batch, arguments.workloads, arguments.peers)
    for _, model, batch, workload, peer in turns:
        if workload not in PEERS[peer][2]:
            continue
        try:
            entry = measure(peer, paths[model], workload, batch, arguments)
        except Failure as failure:
            entry = {"failure": str(failure)}
        entries.setdefault((model, batch, workload, peer), []).append(entry)
        print(f"{time.monotonic() - start:4.0f} s  {model}, batch {batch}, {workload}, {peer}: {cell(entry)}",
              file=sys.stderr, flush=True)
    results = {key: merged(rounds) for key, rounds in entries.items()}
    about = head(arguments)
    print("\n".join([about, "", *table(results, arguments), "", NOTES, "", *ratios(results, arguments)]))
    if arguments.json:
        rows = [{"model": model, "batch": batch, "workload": workload, "peer": title(peer).strip("*"), **entry}
                for (model, batch, workload, peer), entry in results.items()]
        arguments.json.write_text(json.dumps({"about": about, "rows": rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()

"""Times one workload of one model in one peer, in a process of its own, and prints one line of JSON.

usage: measured.py PEER MODEL.onnx WORKLOAD BATCH THREADS SECONDS
PEER is a module peer_*.py beside this file, without the prefix; its `workload(name, path, batch, threads)` returns a
function of no arguments that does the work once and waits for it. The line holds the best and the median of the calls after
the first, in milliseconds, and the peak resident bytes of the process.
"""
import importlib
import json
import resource
import statistics
import sys
import time


def measured(function, seconds):
    """Milliseconds of each call after the first, for about so many seconds; at least three, or two if they take over two."""
    function()
    times, start = [], time.perf_counter()
    while len(times) < (2 if min(times, default=0) > 2000 else 3) or time.perf_counter() - start < seconds:
        before = time.perf_counter()
        function()
        times.append((time.perf_counter() - before) * 1e3)
    return times


def main():
    peer, path, workload, batch, threads, seconds = sys.argv[1:]
    function = importlib.import_module(f"peer_{peer}").workload(workload, path, int(batch), int(threads))
    times = measured(function, float(seconds))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"best": min(times), "median": statistics.median(times), "peakResidentBytes": peak}))


if __name__ == "__main__":
    main()

"""ONNX Runtime, which runs a classifier forward."""
import onnxruntime

import attack_step as step


def session(model, threads, batch=None):
    """An inference session of a file, or of a model's bytes, on the processor."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    if batch is not None:
        options.add_free_dimension_override_by_name("N", batch)
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def workload(name, path, batch, threads):
    assert name == "forward"
    x, _, _ = step.inputs(batch)
    running = session(path, threads, batch)
    return lambda: running.run(None, {running.get_inputs()[0].name: x})

"""OpenVINO, which runs a classifier forward."""
import openvino

import attack_step as step


def workload(name, path, batch, threads):
    assert name == "forward"
    shape = [batch, 3, step.SIZE, step.SIZE]
    core = openvino.Core()
    model = core.read_model(path)
    model.reshape(shape)
    settings = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32"}
    request = core.compile_model(model, "CPU", settings).create_infer_request()
    x, _, _ = step.inputs(batch)
    return lambda: request.infer([x])

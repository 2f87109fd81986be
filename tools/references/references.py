"""The values that recorded references hold: derivatives of the cross-entropy summed over the batch, taken by PyTorch."""
import numpy
import onnxruntime
import torch
from torch.nn import functional

from onnx_module import OnnxModule


def derivatives(network, x, target, direction):
    """Logits, input gradient and Hessian-vector product of L(x) = - sum_n log softmax(network(x_n))[target_n]."""
    x = x.detach().clone().requires_grad_(True)
    logits = network(x)
    loss = -functional.log_softmax(logits, 1).gather(1, target[:, None]).sum()
    (gradient,) = torch.autograd.grad(loss, x, create_graph=True)
    (product,) = torch.autograd.grad((gradient * direction).sum(), x)
    return {"logits": logits.detach(), "gradient": gradient.detach(), "hvp": product}


def distance(a, b):
    """max |a - b| / max |b|"""
    return ((a.double() - b.double()).abs().max() / b.double().abs().max()).item()


def run(path, x, threads=1):
    """ONNX Runtime's first output."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return torch.from_numpy(session.run(None, {session.get_inputs()[0].name: x.numpy()})[0])


def record(path, references, x, target, direction):
    """Writes the references of the ONNX file `path`, and returns the float64 ones; x and direction are float32.

    The file itself is what PyTorch differentiates, in float64 and in float32. Its logits, or their softmax where it ends
    with one, must be ONNX Runtime's, and no reference may vanish.
    """
    reference = derivatives(OnnxModule(path, torch.float64), x.double(), target, direction.double())
    rounded = derivatives(OnnxModule(path, torch.float32), x, target, direction)
    output = run(path, x)
    logits = reference["logits"]
    runtime = min(distance(output, logits), distance(output, logits.softmax(1)))
    if runtime > 1e-4 or min(value.abs().max() for value in reference.values()) < 1e-6:
        raise SystemExit(f"{path.name}: ONNX Runtime differs by {runtime:.1e}, or a reference vanishes")
    distances = {key: distance(rounded[key], value) for key, value in reference.items()}
    arrays = {"x": x.double(), "target": target, "v": direction.double(), "output": output, **reference}
    arrays |= {f"{key}32": value for key, value in rounded.items()}
    numpy.savez(references, **{key: value.numpy() for key, value in arrays.items()})
    differences = ", ".join(f"{key} {value:.0e}" for key, value in distances.items())
    print(f"{references.name}: {path.name} in ONNX Runtime {runtime:.0e}; float32: {differences}", flush=True)
    return reference

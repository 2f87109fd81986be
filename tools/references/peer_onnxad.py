"""onnx-ad, which makes of an ONNX graph those of its derivatives, run by ONNX Runtime.

The derivatives are those of a fixed combination of the logits: the sweeps of convolutions are those of a loss.
"""
import numpy
import onnx
import onnx_ad
from onnx import shape_inference

from peer_onnxruntime import session


def with_batch(path, batch):
    """The model with its batch size fixed, which onnx-ad wants."""
    model = onnx.load(path)
    del model.graph.value_info[:]
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_value = batch
    return shape_inference.infer_shapes(model)


def workload(name, path, batch, threads):
    model = with_batch(path, batch)
    image, logits = model.graph.input[0].name, model.graph.output[0].name
    derived = onnx_ad.reverse(model, inputs=[image], layout="onnx")
    adjoints = [output.name for output in derived.graph.output if output.name != logits]
    if name == "hvp":
        derived = onnx_ad.forward(derived, inputs=[image], outputs=adjoints, layout="onnx")
    running = session(derived.SerializeToString(), threads)
    wanted = [output.name for output in running.get_outputs() if output.name != logits]
    random = numpy.random.default_rng(0)
    # One direction: the dimension that counts them is the only free one.
    inputs = {
        port.name: random.random([size if isinstance(size, int) else 1 for size in port.shape], numpy.float32)
        for port in running.get_inputs()}
    return lambda: running.run(wanted, inputs)

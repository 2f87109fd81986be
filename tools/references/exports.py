"""ONNX files from PyTorch modules by either exporter, without traces of the machine that wrote them."""
import onnx
import torch


def export(module, x, path, exporter, opset, symbolic, plain=False):
    """Writes `module` with input `x` and output `logits`; `symbolic` leaves the batch free as N.

    `plain` makes the legacy exporter write the module as it stands, with batch norm as nodes and no constants folded.
    """
    names = {"input_names": ["x"], "output_names": ["logits"], "opset_version": opset}
    if exporter == "legacy":
        axes = {"x": {0: "N"}, "logits": {0: "N"}} if symbolic else None
        mode = {"do_constant_folding": False, "training": torch.onnx.TrainingMode.PRESERVE} if plain else {}
        torch.onnx.export(module, (x,), str(path), dynamo=False, dynamic_axes=axes, **mode, **names)
    else:
        shapes = ({0: torch.export.Dim("N", min=1, max=64)},) if symbolic else None
        torch.onnx.export(module, (x,), str(path), dynamo=True, dynamic_shapes=shapes, external_data=False, verbose=False,
                          **names)
    model = onnx.load(path)
    strip(model)
    onnx.save(model, path)
    onnx.checker.check_model(str(path), full_check=True)


def strip(model):
    """Removes documentation and metadata: the dynamo exporter puts source paths of the machine there."""
    model.ClearField("doc_string")
    model.ClearField("metadata_props")
    del model.functions[:]
    graph = model.graph
    for part in (graph, *graph.node, *graph.initializer, *graph.input, *graph.output, *graph.value_info):
        part.ClearField("doc_string")
        part.ClearField("metadata_props")

import TensorTypes

/// The initialisers of an ONNX file, by name, whatever its graph does with them.
/// - Throws: `ImportError`.
public func importInitialisers(path: String) throws(ImportError) -> [(name: String, tensor: HostTensor)] {
  let bytes: ModelBytes
  do { bytes = try ModelBytes(mapping: path) } catch { throw .unreadable(path: printable(path), reason: error.description) }
  let model = try ONNXModel(bytes, directory: folder(of: path))
  var tensors: [(name: String, tensor: HostTensor)] = []
  for tensor in model.graph.initialisers { tensors.append((tensor.name, try tensor.hostTensor(from: model.elements))) }
  return tensors
}

import Files

/// The files that a model consists of: its own, then those of the external data that it names, in the order of their names.
///
/// Only the structure of the model is read, which takes milliseconds. Files that importing the model would refuse are left
/// out, so that importing it says why.
/// - Throws: `ImportError` when the model's own file cannot be read or is no model.
public func modelFiles(path: String) throws(ImportError) -> [MappedFile] {
  let bytes: ModelBytes
  do { bytes = try ModelBytes(mapping: path) } catch {
    throw .unreadable(path: printable(path), reason: error.description)
  }
  let model = try ONNXModel(bytes, directory: folder(of: path))
  let attributes = model.graph.nodes.flatMap(\.attributes).compactMap { attribute -> ONNXTensor? in
    if case .tensor(let tensor) = attribute.value { tensor } else { nil }
  }
  let locations = (model.graph.initialisers + attributes).compactMap { tensor -> String? in
    guard case .external(let entries) = tensor.storage else { return nil }
    return entries.first { $0.key == "location" }?.value
  }
  return [bytes.file].compactMap { $0 } + Set(locations).sorted().compactMap(model.elements.file)
}

/// The folder of a path, for external data.
func folder(of path: String) -> String { path.lastIndex(of: "/").map { String(path[...$0]) } ?? "." }

import TensorTypes

/// Why an attack stops.
public enum AttackError: Error, Sendable, Equatable, CustomStringConvertible {
  case notFinite(graph: String, step: Int)
  case mapNotFinite
  case stepNotFinite(graph: String, step: Int)
  case missingOutput(graph: String, name: String)
  /// ADV² against MASK has no such form.
  case notAgainstMask(String)

  public var description: String {
    switch self {
    case .notFinite(let graph, let step):
      "the model's scores are not finite at step \(step) (program \(graph)): "
        + "it overflows on an image, or its weights are not finite"
    case .mapNotFinite: "the map of an image is not finite: the model's derivatives or features overflow on it"
    case .stepNotFinite(let graph, let step):
      "the gradient of an image is not finite at step \(step) (program \(graph))"
    case .missingOutput(let graph, let name): "program \(graph) has no output \(name)"
    case .notAgainstMask(let option):
      "ADV² against MASK has no \(option): it goes for a target within eps of each value, once, from the image itself"
    }
  }
}

extension [String: HostTensor] {
  /// - Throws: `AttackError.missingOutput`.
  func required(_ name: String, of graph: String) throws(AttackError) -> HostTensor {
    guard let tensor = self[name] else { throw .missingOutput(graph: graph, name: name) }
    return tensor
  }
}

import IR
import TensorTypes

/// The tensors of a trained network by name, read with the shapes that its architecture expects.
public struct NamedWeights: Sendable {
  /// What errors call it: the file.
  public let source: String
  private let tensors: [String: HostTensor]

  public init(source: String, _ tensors: [(name: String, tensor: HostTensor)]) {
    self.source = source
    self.tensors = Dictionary(tensors.map { ($0.name, $0.tensor) }) { first, _ in first }
  }

  public func holds(_ name: String) -> Bool { tensors[name] != nil }

  /// - Parameter shape: nil entries accept any extent.
  /// - Throws: `InterpreterError.weights` for a tensor that is missing, of integers, not finite, or of another shape.
  public func tensor(_ name: String, _ shape: [Int?]) throws(InterpreterError) -> HostTensor {
    guard let tensor = tensors[name] else { throw .weights(source: source, problem: "it lacks the tensor \(name)") }
    let expected = shape.map { $0.map { "\($0)" } ?? "?" }.joined(separator: ",")
    guard tensor.type.element.isFloatingPoint, tensor.shape.rank == shape.count,
      zip(tensor.shape.extents, shape).allSatisfy({ extent, wanted in extent > 0 && wanted.map { $0 == extent } ?? true })
    else {
      throw .weights(source: source, problem: "the tensor \(name) is \(tensor.type); floats [\(expected)] are expected")
    }
    guard tensor.isFinite else { throw .weights(source: source, problem: "the tensor \(name) is not finite everywhere") }
    return tensor
  }

  /// The filter [O, I, k, k] and the bias [O] of a convolution without bias that a batch normalisation follows in inference.
  /// - Parameters:
  ///   - convolution, normalisation: what names begin with: `.weight`; `.weight`, `.bias`, `.running_mean`, `.running_var`.
  ///   - channels: I.
  ///   - epsilon: added to the variance.
  func folded(_ convolution: String, _ normalisation: String, channels: Int?, epsilon: Double = 1e-5)
    throws(InterpreterError) -> (filter: HostTensor, bias: HostTensor)
  {
    let filter = try tensor(convolution + ".weight", [nil, channels, nil, nil])
    let count = filter.shape[0]
    func vector(_ name: String) throws(InterpreterError) -> [Double] { try tensor(normalisation + name, [count]).doubles }
    let (weight, bias) = (try vector(".weight"), try vector(".bias"))
    let (mean, variance) = (try vector(".running_mean"), try vector(".running_var"))
    let scale: [Double] = zip(weight, variance).map { $0 / ($1 + epsilon).squareRoot() }
    guard scale.allSatisfy(\.isFinite) else {
      throw .weights(source: source, problem: "\(normalisation).running_var has no root")
    }
    let size = filter.shape.elementCount / count
    let elements: [Double] = filter.doubles.enumerated().map { index, element in element * scale[index / size] }
    let shift: [Double] = bias.indices.map { bias[$0] - mean[$0] * scale[$0] }
    return (
      HostTensor(TensorType(.float32, filter.shape), .double(elements)),
      HostTensor(TensorType(.float32, [count]), .double(shift))
    )
  }
}

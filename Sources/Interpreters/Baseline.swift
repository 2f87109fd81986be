import IR
import Operators
import TensorTypes

/// An image of one colour that attributions compare with.
public struct Baseline: Sendable, Equatable {
  /// In [0, 1]: one for all channels, or one for each.
  public let values: [Double]

  /// - Precondition: there is a value.
  public init(_ values: [Double]) {
    precondition(!values.isEmpty)
    self.values = values
  }

  public static let black: Baseline = 0

  /// Its pixels, [C, H, W].
  /// - Precondition: one value, or `shape[0]` of them.
  public func pixels(_ shape: Shape) -> [Double] {
    precondition(values.count == 1 || values.count == shape[0])
    let area = shape[1] * shape[2]
    return (0..<shape[0]).flatMap { [Double](repeating: values[values.count == 1 ? 0 : $0], count: area) }
  }
}

extension Baseline: ExpressibleByFloatLiteral, ExpressibleByIntegerLiteral {
  public init(floatLiteral value: Double) { self.init([value]) }
  public init(integerLiteral value: Int) { self.init([Double(value)]) }
}

extension GraphBuilder {
  /// The baseline in place of every image of x, [B, C, H, W].
  func baseline(_ baseline: Baseline, like x: Value) throws(TypeError) -> Value {
    let type = type(of: x)
    guard baseline.values.count > 1 else {
      return try broadcast(scalar(baseline.values[0], like: x), to: type.shape)
    }
    let channels = HostTensor(TensorType(type.element, [baseline.values.count]), .double(baseline.values))
    return try broadcast(constant(channels, name: "baseline"), to: type.shape, axes: [1])
  }
}

/// A tensor held in host memory, row-major.
///
/// The storage may be wider than the type says: the reference evaluator keeps every floating-point value in f64, so that an
/// f32 graph can be judged without f32 rounding, while imported weights stay in f32.
public struct HostTensor: Sendable, Equatable {
  public enum Storage: Sendable, Equatable {
    case float([Float])
    case double([Double])
    case integer([Int64])
    case boolean([Bool])

    public var count: Int {
      switch self {
      case .float(let elements): elements.count
      case .double(let elements): elements.count
      case .integer(let elements): elements.count
      case .boolean(let elements): elements.count
      }
    }
  }

  public let type: TensorType
  public let storage: Storage

  /// - Precondition: the storage has as many elements as the shape, of the kind that the element type asks for.
  public init(_ type: TensorType, _ storage: Storage) {
    precondition(storage.count == type.shape.elementCount, "\(storage.count) elements for \(type)")
    switch storage {
    case .float: precondition(type.element == .float32)
    case .double: precondition(type.element.isFloatingPoint)
    case .integer: precondition(type.element.isInteger)
    case .boolean: precondition(type.element == .boolean)
    }
    self.type = type
    self.storage = storage
  }

  public init(_ shape: Shape, _ elements: [Float]) { self.init(TensorType(.float32, shape), .float(elements)) }
  public init(_ shape: Shape, _ elements: [Int64]) { self.init(TensorType(.int64, shape), .integer(elements)) }

  public static func scalar(_ value: Double, _ element: ElementType = .float32) -> HostTensor {
    filled(TensorType(element, .scalar), with: value)
  }

  /// A tensor of one repeated value, converted to the element type.
  public static func filled(_ type: TensorType, with value: Double) -> HostTensor {
    let count = type.shape.elementCount
    switch type.element {
    case .float32, .float64: return HostTensor(type, .double([Double](repeating: value, count: count)))
    case .int32, .int64: return HostTensor(type, .integer([Int64](repeating: Int64(value), count: count)))
    case .boolean: return HostTensor(type, .boolean([Bool](repeating: value != 0, count: count)))
    }
  }

  public var shape: Shape { type.shape }

  /// The elements as f64; integers and booleans are converted.
  public var doubles: [Double] {
    switch storage {
    case .float(let elements): elements.map(Double.init)
    case .double(let elements): elements
    case .integer(let elements): elements.map(Double.init)
    case .boolean(let elements): elements.map { $0 ? 1 : 0 }
    }
  }

  /// The elements rounded to f32.
  public var floats: [Float] {
    if case .float(let elements) = storage { return elements }
    return doubles.map(Float.init)
  }

  /// The elements of an integer or boolean tensor.
  /// - Precondition: the element type is not floating-point.
  public var integers: [Int64] {
    switch storage {
    case .integer(let elements): return elements
    case .boolean(let elements): return elements.map { $0 ? 1 : 0 }
    case .float, .double: preconditionFailure("\(type) has no integer elements")
    }
  }

  /// The same elements under another shape of equal size.
  public func reshaped(_ shape: Shape) -> HostTensor { HostTensor(TensorType(type.element, shape), storage) }
}

import TensorTypes

/// The element type codes of the ONNX format (`TensorProto.DataType`).
public struct TensorElementCode: RawRepresentable, Sendable, Hashable {
  public let rawValue: Int32
  public init(rawValue: Int32) { self.rawValue = rawValue }

  public static let float32 = TensorElementCode(rawValue: 1)
  public static let int32 = TensorElementCode(rawValue: 6)
  public static let int64 = TensorElementCode(rawValue: 7)
  public static let string = TensorElementCode(rawValue: 8)
  public static let boolean = TensorElementCode(rawValue: 9)
  public static let float16 = TensorElementCode(rawValue: 10)
  public static let float64 = TensorElementCode(rawValue: 11)
  public static let bfloat16 = TensorElementCode(rawValue: 16)

  private static let names: [String] = [
    "undefined", "float32", "uint8", "int8", "uint16", "int16", "int32", "int64", "string", "bool", "float16", "float64",
    "uint32", "uint64", "complex64", "complex128", "bfloat16", "float8e4m3fn", "float8e4m3fnuz", "float8e5m2",
    "float8e5m2fnuz", "uint4", "int4", "float4e2m1", "float8e8m0", "uint2", "int2",
  ]

  public static let acceptedNames =
    "float32, float64, float16, bfloat16 (the last two computed in float32), int32, int64 and bool"

  /// The name in the words of NumPy.
  public var name: String {
    Self.names.indices.contains(Int(rawValue)) ? Self.names[Int(rawValue)] : "element type \(rawValue)"
  }

  /// The type of the graph that holds such elements; nil when there is none. The 16-bit floating-point types are held, and
  /// computed, in f32.
  public var elementType: ElementType? {
    switch self {
    case .float32, .float16, .bfloat16: .float32
    case .float64: .float64
    case .int32: .int32
    case .int64: .int64
    case .boolean: .boolean
    default: nil
    }
  }

  /// Bytes of one element as raw data, of the accepted types.
  var storedByteCount: Int {
    switch self {
    case .float64, .int64: 8
    case .float32, .int32: 4
    case .float16, .bfloat16: 2
    default: 1
    }
  }
}

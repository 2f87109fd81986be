/// The element types a graph may hold, spelt as in the text IR.
public enum ElementType: String, Sendable, Hashable, Codable, CaseIterable {
  case float32 = "f32"
  case float64 = "f64"
  case int32 = "i32"
  case int64 = "i64"
  case boolean = "bool"

  public var isFloatingPoint: Bool { self == .float32 || self == .float64 }
  public var isInteger: Bool { self == .int32 || self == .int64 }

  /// Bytes of one element in compiled code.
  public var byteCount: Int {
    switch self {
    case .float32, .int32: 4
    case .float64, .int64: 8
    case .boolean: 1
    }
  }
}

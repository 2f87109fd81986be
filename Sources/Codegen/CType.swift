import TensorTypes

extension ElementType {
  /// The C type in memory.
  var cType: String {
    switch self {
    case .float32: "float"
    case .float64: "double"
    case .int32: "int"
    case .int64: "long"
    case .boolean: "unsigned char"
    }
  }

  /// A literal of the type.
  func cLiteral(_ value: Double) -> String {
    switch self {
    case .float32, .float64:
      let suffix = self == .float32 ? "f" : ""
      if value.isNaN { return "__builtin_nan\(suffix)(\"\")" }
      if value.isInfinite || (self == .float32 && Float(value).isInfinite) {
        return "(\(value < 0 ? "-" : "")__builtin_inf\(suffix)())"
      }
      let digits = self == .float32 ? "\(Float(value))" : "\(value)"
      return "(\(digits)\(suffix))"
    case .int32: return "(\(Int64(value)))"
    case .int64: return "(\(Int64(value))L)"
    case .boolean: return value != 0 ? "1" : "0"
    }
  }
}

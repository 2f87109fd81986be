import IR
import TensorTypes

extension ScalarFunction {
  /// The C expression on scalars of one element type. `select` takes a truth value first.
  func scalarText(_ x: [String], _ element: ElementType) -> String {
    let prefix = element == .float32 ? "s_" : element == .float64 ? "d_" : "i_"
    let function = "\(prefix)\(rawValue)(\(x.joined(separator: ", ")))"
    switch self {
    case .stopGradient: return x[0]
    case .negate: return "(-\(x[0]))"
    case .add: return "(\(x[0]) + \(x[1]))"
    case .subtract: return "(\(x[0]) - \(x[1]))"
    case .multiply: return "(\(x[0]) * \(x[1]))"
    case .divide: return element.isFloatingPoint ? "(\(x[0]) / \(x[1]))" : "i_divide(\(x[0]), \(x[1]))"
    case .equal: return "(\(x[0]) == \(x[1]))"
    case .less: return "(\(x[0]) < \(x[1]))"
    case .lessOrEqual: return "(\(x[0]) <= \(x[1]))"
    case .logicalAnd: return "(\(x[0]) && \(x[1]))"
    case .logicalOr: return "(\(x[0]) || \(x[1]))"
    case .logicalNot: return "(!\(x[0]))"
    case .select: return "(\(x[0]) ? \(x[1]) : \(x[2]))"
    default: return function
    }
  }

  /// The C expression on vectors of 16 floats; truth values are vectors of all-ones or all-zeros integers.
  func vectorText(_ x: [String]) -> String {
    switch self {
    case .stopGradient: x[0]
    case .negate, .add, .subtract, .multiply, .divide, .equal, .less, .lessOrEqual: scalarText(x, .float32)
    case .logicalAnd: "(\(x[0]) & \(x[1]))"
    case .logicalOr: "(\(x[0]) | \(x[1]))"
    case .logicalNot: "(~\(x[0]))"
    default: "v_\(rawValue)(\(x.joined(separator: ", ")))"
    }
  }
}

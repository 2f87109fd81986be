import IR
import Operators
import TensorTypes

extension ImportRule {
  /// f(b, a) for operands a and b.
  private static func swapped(_ function: ScalarFunction) -> ImportRule {
    ImportRule(2...2) { try $0.builder.elementwise(function, $0.operand(1), $0.operand(0)) }
  }

  static let comparisons: [String: ImportRule] = [
    "Equal": binary(.equal),
    "Less": binary(.less),
    "LessOrEqual": binary(.lessOrEqual),
    "Greater": swapped(.less),
    "GreaterOrEqual": swapped(.lessOrEqual),
    "And": binary(.logicalAnd),
    "Or": binary(.logicalOr),
    "Xor": ImportRule(2...2) { node in
      try node.builder.elementwise(.logicalNot, try node.builder.elementwise(.equal, node.operand(0), node.operand(1)))
    },
    "Not": unary(.logicalNot),
    "IsNaN": ImportRule(1...1) { node in
      let x = try node.operand(0)
      try node.requireFloat(x)
      return try node.builder.elementwise(.logicalNot, try node.builder.elementwise(.equal, x, x))
    },
    "Where": ImportRule(3...3) { try $0.builder.elementwise(.select, $0.operand(0), $0.operand(1), $0.operand(2)) },
  ]
}

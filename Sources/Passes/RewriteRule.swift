import IR
import Operators
import TensorTypes

/// One algebraic rewrite: its law, and the value that an operation is replaced by where the law applies.
struct RewriteRule: Sendable {
  let law: String
  let rewrite: @Sendable (RewriteSite) throws(TypeError) -> Value?

  init(_ law: String, _ rewrite: @escaping @Sendable (RewriteSite) throws(TypeError) -> Value?) {
    self.law = law
    self.rewrite = rewrite
  }
}

/// An operation that is about to be appended to a graph under construction.
struct RewriteSite {
  let operation: any Operator
  let operands: [Value]
  let type: TensorType
  let builder: GraphBuilder

  var shape: Shape { type.shape }
  var function: ScalarFunction? { (operation as? Elementwise)?.function }

  func shape(of value: Value) -> Shape { builder.shape(of: value) }

  /// The operator of the given kind that an operand is the result of, with its operands.
  func definition<Kind: Operator>(_ value: Value, _ kind: Kind.Type) -> (operation: Kind, operands: [Value])? {
    let node = builder.nodes[value.index]
    guard let operation = node.operation as? Kind else { return nil }
    return (operation, node.operands)
  }

  /// The operand of an elementwise function that `value` is the result of.
  func argument(of function: ScalarFunction, _ value: Value) -> Value? {
    guard let (operation, operands) = definition(value, Elementwise.self), operation.function == function else { return nil }
    return operands[0]
  }

  /// The number that a constant, perhaps broadcast, is everywhere.
  func uniform(_ value: Value) -> Double? { BroadcastConstant(value, in: builder.nodes)?.tensor.uniformElement }

  func isUniform(_ value: Value, _ number: Double) -> Bool { uniform(value) == number }

  /// The operand beside a uniform one, for a function of two operands in either order.
  func operand(beside number: Double) -> Value? {
    if isUniform(operands[1], number) { return operands[0] }
    return isUniform(operands[0], number) ? operands[1] : nil
  }

  func filled(_ number: Double, _ shape: Shape) throws(TypeError) -> Value {
    try builder.broadcast(builder.scalar(number, type.element), to: shape)
  }
}

extension Shape {
  /// The axes whose extent is not 1, which a reshape that only inserts and drops 1s keeps in their order.
  var significantAxes: [Int] { extents.indices.filter { extents[$0] != 1 } }

  func differsByUnitsOnly(from other: Shape) -> Bool {
    extents.filter { $0 != 1 } == other.extents.filter { $0 != 1 }
  }
}

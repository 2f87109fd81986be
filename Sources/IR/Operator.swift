import TensorTypes

/// What an operation means: its type rule, value, derivative and plain loops, each defined once.
///
/// Conforming types are values; two operators are the same when mnemonic and attributes are.
public protocol Operator: Sendable {
  /// The name in the text IR.
  var mnemonic: String { get }
  /// Everything beside the operands that decides the result, in printing order.
  var attributes: Attributes { get }
  /// How derivatives pass through the operator.
  var derivative: Derivative { get }
  /// The type of the result.
  /// - Throws: the constraint that the operands violate.
  func resultType(of operands: [TensorType]) throws(TypeError) -> TensorType
  /// The definition: plain loops, floating-point values in f64, integers in Int64.
  func evaluate(_ operands: [HostTensor], type: TensorType) throws(EvaluationError) -> HostTensor
  /// The plain loops for compiled code.
  func loopForm(of operands: [TensorType], type: TensorType) -> LoopForm
}

/// The one derivative rule of an operator, from which both the pushforward and the pullback are derived.
public enum Derivative: Sendable {
  /// ∂result/∂operand i, element by element; nil where it is zero everywhere.
  case elementwise([ScalarExpression?])
  /// The same, but in reverse mode the positive part of the result's cotangent takes the place of the cotangent. That is not
  /// linear in it, so that forward mode has no counterpart.
  case guided([ScalarExpression?])
  /// Linear in each operand alone while the others are fixed.
  case multilinear(any Multilinear)
  /// Linear in all operands together.
  case linear(any Multilinear)
  /// Zero wherever it exists.
  case zero
  /// None: the operator only appears after the last differentiation.
  case undefined
}

/// An operator that is linear in some of its operands.
public protocol Multilinear: Operator {
  /// Whether the operator is linear in this operand; the others (indices) have no derivative.
  func isLinear(inOperand index: Int) -> Bool
  /// The cotangent of operand `index`: the adjoint of `operands[index] ↦ result` applied to `cotangent`.
  func transpose(_ cotangent: Value, operand index: Int, of operands: [Value], in graph: GraphBuilder)
    throws(TypeError) -> Value
}

extension Multilinear {
  public func isLinear(inOperand index: Int) -> Bool { true }
}

/// Operands that an operator does not accept.
public struct TypeError: Error, Sendable, CustomStringConvertible {
  public let mnemonic: String
  /// What is wrong, and what would be accepted.
  public let problem: String
  public let operands: [TensorType]

  public init(_ mnemonic: String, _ problem: String, _ operands: [TensorType]) {
    self.mnemonic = mnemonic
    self.problem = problem
    self.operands = operands
  }

  public var description: String {
    "\(mnemonic)(\(operands.map(\.description).joined(separator: ", "))): \(problem)"
  }
}

/// A value that the reference evaluator cannot compute.
public enum EvaluationError: Error, Sendable, CustomStringConvertible {
  case integerOverflow(mnemonic: String)
  case divisionByZero(mnemonic: String)
  case indexOutOfRange(mnemonic: String, index: Int64, extent: Int)
  case missingInput(name: String)
  case wrongInputType(name: String, expected: TensorType, found: TensorType)

  public var description: String {
    switch self {
    case .integerOverflow(let mnemonic): "\(mnemonic): integer overflow"
    case .divisionByZero(let mnemonic): "\(mnemonic): integer division by zero"
    case .indexOutOfRange(let mnemonic, let index, let extent):
      "\(mnemonic): index \(index) is outside 0 ..< \(extent)"
    case .missingInput(let name): "no value for input \(name)"
    case .wrongInputType(let name, let expected, let found): "input \(name) is \(expected), got \(found)"
    }
  }
}

extension Operator {
  /// Throws a type error of this operator unless the condition holds.
  public func require(_ condition: Bool, _ operands: [TensorType], _ problem: @autoclosure () -> String) throws(TypeError) {
    if !condition { throw TypeError(mnemonic, problem(), operands) }
  }
}

import IR
import TensorTypes

/// The elements converted to another type: floating-point to integer rounds toward zero, to boolean compares with zero.
///
/// Constraint: (C1) one operand.
public struct Convert: Multilinear {
  public let element: ElementType

  public init(to element: ElementType) { self.element = element }

  public var mnemonic: String { "convert" }
  public var attributes: Attributes { ["to": .word(element.rawValue)] }
  public var derivative: Derivative { element.isFloatingPoint ? .linear(self) : .zero }

  public func resultType(of operands: [TensorType]) throws(TypeError) -> TensorType {
    try require(operands.count == 1, operands, "takes one operand")
    return TensorType(element, operands[0].shape)
  }

  public func transpose(_ cotangent: Value, operand index: Int, of operands: [Value], in graph: GraphBuilder)
    throws(TypeError) -> Value
  {
    try graph.append(Convert(to: graph.type(of: operands[0]).element), [cotangent])
  }

  public func loopForm(of operands: [TensorType], type: TensorType) -> LoopForm {
    .map(.convert(.load(operand: 0, variables(0..<type.shape.rank)), to: element))
  }

  public func evaluate(_ operands: [HostTensor], type: TensorType) throws(EvaluationError) -> HostTensor {
    let x = operands[0]
    if element.isFloatingPoint { return HostTensor(type, .double(x.doubles)) }
    if element == .boolean { return HostTensor(type, .boolean(x.doubles.map { $0 != 0 })) }
    if !x.type.element.isFloatingPoint { return HostTensor(type, .integer(x.integers)) }
    var integers: [Int64] = []
    for value in x.doubles {
      guard let integer = Int64(exactly: value.rounded(.towardZero)) else { throw .integerOverflow(mnemonic: mnemonic) }
      integers.append(integer)
    }
    return HostTensor(type, .integer(integers))
  }
}

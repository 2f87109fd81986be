import IR
import TensorTypes

/// The operands one behind the other along `axis`.
///
/// Constraints: (C1) at least one operand; (C2) one element type and equal extents along the other axes.
public struct Concatenate: Multilinear {
  public let axis: Int

  public init(axis: Int) { self.axis = axis }

  public var mnemonic: String { "concatenate" }
  public var attributes: Attributes { ["axis": .integer(axis)] }
  public var derivative: Derivative { .linear(self) }

  public func resultType(of operands: [TensorType]) throws(TypeError) -> TensorType {
    try require(!operands.isEmpty, operands, "takes at least one operand")
    let first = operands[0]
    try require((0..<first.shape.rank).contains(axis), operands, "axis \(axis) is not in \(first.shape)")
    var extents = first.shape.extents
    extents[axis] = 0
    for operand in operands {
      var others = operand.shape.extents
      try require(
        others.count == extents.count && operand.element == first.element, operands, "operands differ in rank or type")
      extents[axis] += others[axis]
      others[axis] = extents[axis]
      try require(others == extents, operands, "extents beside axis \(axis) differ")
    }
    return TensorType(first.element, Shape(extents))
  }

  public func transpose(_ cotangent: Value, operand index: Int, of operands: [Value], in graph: GraphBuilder)
    throws(TypeError) -> Value
  {
    let before = operands[..<index].reduce(0) { $0 + graph.shape(of: $1)[axis] }
    return try graph.slice(cotangent, axis: axis, from: before, to: before + graph.shape(of: operands[index])[axis])
  }

  public func loopForm(of operands: [TensorType], type: TensorType) -> LoopForm { .concatenate(axis: axis) }

  public func evaluate(_ operands: [HostTensor], type: TensorType) -> HostTensor {
    let shape = type.shape
    let inner = shape.extents[(axis + 1)...].reduce(1, *)
    let outer = shape.extents[..<axis].reduce(1, *)
    func joined<Element>(_ parts: [[Element]]) -> [Element] {
      var result: [Element] = []
      result.reserveCapacity(shape.elementCount)
      for i in 0..<outer {
        for (part, operand) in zip(parts, operands) {
          let run = operand.shape[axis] * inner
          result.append(contentsOf: part[i * run..<(i + 1) * run])
        }
      }
      return result
    }
    if type.element.isFloatingPoint { return HostTensor(type, .double(joined(operands.map(\.doubles)))) }
    let integers = joined(operands.map(\.integers))
    if type.element == .boolean { return HostTensor(type, .boolean(integers.map { $0 != 0 })) }
    return HostTensor(type, .integer(integers))
  }
}

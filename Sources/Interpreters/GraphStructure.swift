import IR
import Operators
import TensorTypes

// Reading the structure of a graph, whatever operators of a model it came from.
extension Graph {
  func elementwise(_ value: Value, _ function: ScalarFunction) -> [Value]? {
    guard let operation = self[value].operation as? Elementwise, operation.function == function else { return nil }
    return self[value].operands
  }

  /// The value behind reshapes.
  func strippingReshapes(_ value: Value) -> Value {
    var value = value
    while self[value].operation is Reshape { value = self[value].operands[0] }
    return value
  }

  /// The value behind reshapes and broadcasts.
  func strippingBroadcasts(_ value: Value) -> Value {
    var value = value
    while self[value].operation is Reshape || self[value].operation is Broadcast { value = self[value].operands[0] }
    return value
  }

  /// Whether constants alone decide the value.
  func isConstantExpression(_ value: Value) -> Bool {
    var seen: Set<Value> = [], pending = [value]
    while let next = pending.popLast() {
      guard seen.insert(next).inserted else { continue }
      if case .input = self[next].content { return false }
      pending += self[next].operands
    }
    return true
  }

  /// The number that all elements of a constant have, behind reshapes and broadcasts.
  func uniformConstant(_ value: Value) -> Double? {
    guard let tensor = self[strippingBroadcasts(value)].constant else { return nil }
    let elements = tensor.doubles
    guard let first = elements.first, elements.allSatisfy({ $0 == first }) else { return nil }
    return first
  }

  /// x and s where the value is s · x or x / s⁻¹ with a constant number s.
  func scaled(_ value: Value) -> (Value, by: Double)? {
    if let operands = elementwise(value, .multiply) {
      if let scale = uniformConstant(operands[1]) { return (operands[0], scale) }
      if let scale = uniformConstant(operands[0]) { return (operands[1], scale) }
    }
    if let operands = elementwise(value, .divide), let divisor = uniformConstant(operands[1]), divisor != 0 {
      return (operands[0], 1 / divisor)
    }
    return nil
  }

  /// x where the value is x plus what constants alone decide.
  func withoutConstantTerm(_ value: Value) -> Value? {
    guard let operands = elementwise(value, .add) ?? elementwise(value, .subtract) else { return nil }
    if isConstantExpression(operands[1]) { return operands[0] }
    if elementwise(value, .add) != nil, isConstantExpression(operands[0]) { return operands[1] }
    return nil
  }

  /// x where the value, behind reshapes, is the softmax or log-softmax of x over all axes but the first.
  public func operandOfSoftmax(_ value: Value) -> (x: Value, name: String)? {
    let value = strippingReshapes(value)
    let rows = self[value].type.shape.extents.first ?? 1
    func sumOperand(_ value: Value) -> Value? {
      let sum = strippingBroadcasts(value)
      return self[sum].operation is Sum && self[sum].type.shape.elementCount == rows ? self[sum].operands[0] : nil
    }
    if let operands = elementwise(value, .divide), let exponent = elementwise(operands[0], .exponential)?[0],
      sumOperand(operands[1]) == operands[0]
    {
      return (withoutShift(exponent), "softmax")
    }
    // log softmax(x) = x − (log Σ exp(x − shift) + shift)
    if let operands = elementwise(value, .subtract),
      let terms = elementwise(strippingBroadcasts(operands[1]), .add),
      let sum = elementwise(strippingBroadcasts(terms[0]), .logarithm)?[0], let exponentials = sumOperand(sum),
      let exponent = elementwise(exponentials, .exponential)?[0], withoutShift(exponent) == operands[0]
    {
      return (operands[0], "log-softmax")
    }
    return nil
  }

  /// x of x − stopGradient(...), the shift that keeps exponentials from overflowing.
  private func withoutShift(_ value: Value) -> Value {
    guard let operands = elementwise(value, .subtract),
      elementwise(strippingBroadcasts(operands[1]), .stopGradient) != nil
    else { return value }
    return operands[0]
  }

  /// What a value is, for messages: its ONNX node and its operator.
  func words(for value: Value) -> String {
    let node = self[value]
    let place = node.location.node.map { " (node \($0))" } ?? ""
    switch node.content {
    case .input(let name): return "the input \(name)"
    case .constant(let constant): return "the constant \(constant.name)"
    case .operation(let operation): return "\(operation.mnemonic)\(place) of type \(node.type)"
    }
  }
}

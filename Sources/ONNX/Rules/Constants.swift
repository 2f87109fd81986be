import IR
import Operators
import TensorTypes

extension ImportRule {
  static let constants: [String: ImportRule] = [
    "Constant": ImportRule(0...0, constant),
    "ConstantOfShape": ImportRule(1...1) { node in
      let shape = try node.checked(try node.knownIntegers(0, "the shape"))
      let value = try node.tensor("value") ?? .scalar(0)
      guard value.storage.count == 1 else {
        throw ImportProblem("attribute value is \(value.type); one element is expected")
      }
      let scalar = node.builder.constant(value.reshaped(.scalar), name: node.node.outputs[0])
      return try node.builder.broadcast(scalar, to: shape)
    },
    "Shape": ImportRule(1...1) { node in
      let shape = node.shape(try node.operand(0))
      func bound(_ position: Int) -> Int { min(max(position < 0 ? position + shape.rank : position, 0), shape.rank) }
      let start = bound(try node.integer("start", default: 0))
      let end = bound(try node.integer("end", default: shape.rank))
      return node.integers(shape.extents[start..<max(start, end)].map(Int64.init))
    },
    "Size": ImportRule(1...1) { node in
      let count = node.shape(try node.operand(0)).elementCount
      return node.builder.constant(
        HostTensor(TensorType(.int64, .scalar), .integer([Int64(count)])), name: node.node.outputs[0])
    },
    "Cast": ImportRule(1...1) { node in
      node.ignore("saturate")
      node.ignore("round_mode")
      guard let code = try node.integer("to") else { throw ImportProblem("attribute to is missing") }
      let element = TensorElementCode(rawValue: Int32(truncatingIfNeeded: code))
      guard let type = element.elementType else {
        throw ImportProblem("it converts to \(element.name); \(TensorElementCode.acceptedNames) are accepted")
      }
      return try node.builder.convert(try node.operand(0), to: type)
    },
    "CastLike": ImportRule(2...2) { node in
      node.ignore("saturate")
      node.ignore("round_mode")
      return try node.builder.convert(try node.operand(0), to: node.element(try node.operand(1)))
    },
    "Range": ImportRule(3...3, range),
  ]

  private static func constant(_ node: NodeImport) throws -> Value {
    let tensor: HostTensor
    if let value = try node.tensor("value") {
      tensor = value
    } else if let value = try node.float("value_float") {
      tensor = HostTensor(.scalar, [Float(value)])
    } else if let values = try node.floats("value_floats") {
      tensor = HostTensor([values.count], values)
    } else if let value = try node.integer("value_int") {
      tensor = HostTensor(.scalar, [Int64(value)])
    } else if let values = try node.integers("value_ints") {
      tensor = HostTensor([values.count], values.map(Int64.init))
    } else {
      throw ImportProblem("it holds no tensor, number or list of numbers")
    }
    return node.builder.constant(tensor, name: node.node.outputs.first ?? "constant")
  }

  /// start, start + delta, ... below (or above) limit; all three known.
  private static func range(_ node: NodeImport) throws -> Value {
    node.ignore("stash_type")
    let type = node.element(try node.operand(0))
    guard node.element(try node.operand(1)) == type, node.element(try node.operand(2)) == type else {
      throw ImportProblem("start, limit and delta differ in type")
    }
    let start = try node.knownScalar(0, "start")
    let limit = try node.knownScalar(1, "limit")
    let delta = try node.knownScalar(2, "delta")
    let count = max(0, ((limit - start) / delta).rounded(.up))
    guard delta != 0, count <= Double(1 << 24), start.magnitude < 0x1p52, delta.magnitude < 0x1p52 else {
      throw ImportProblem("from \(start) to \(limit) by \(delta) it has no elements, too large ones, or more than 2^24")
    }
    let elements = (0..<Int(count)).map { start + Double($0) * delta }
    let storage: HostTensor.Storage = type.isFloatingPoint ? .double(elements) : .integer(elements.map { Int64($0) })
    return node.builder.constant(HostTensor(TensorType(type, [elements.count]), storage), name: node.node.outputs[0])
  }
}

extension NodeImport {
  /// A constant vector of integers named like the first output.
  fileprivate func integers(_ elements: [Int64]) -> Value {
    builder.constant(HostTensor([elements.count], elements), name: node.outputs.first ?? "constant")
  }
}

import IR
import Operators

/// concatenate(a, b, c) where concatenate(a, b) exists → concatenate(concatenate(a, b), c)
///
/// Dense networks concatenate all earlier layers anew at every layer; nested, each layer copies two operands and passes back
/// two cotangents instead of as many as there are layers. Takes the longest such beginning. Value and derivative stay.
public enum NestConcatenations: Pass {
  private struct Beginning: Hashable {
    let axis: Int
    let operands: ArraySlice<Value>
  }

  public static func run(_ graph: Graph) throws(TypeError) -> Graph {
    var known: [Beginning: Value] = [:]
    return try graph.rewritten { node, _, operands, builder throws(TypeError) in
      guard let concatenation = node.operation as? Concatenate else { return nil }
      let axis = concatenation.axis
      var result: Value?
      for count in stride(from: operands.count - 1, through: 2, by: -1) {
        guard let beginning = known[Beginning(axis: axis, operands: operands[..<count])] else { continue }
        result = try builder.append(concatenation, [beginning] + operands[count...])
        break
      }
      let value: Value
      if let result { value = result } else { value = try builder.append(concatenation, operands) }
      known[Beginning(axis: axis, operands: operands[...])] = value
      return value
    }
  }
}

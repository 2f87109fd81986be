import IR
import Operators
import TensorTypes

/// Products with several tensors that are older than one of the factors → that factor, times the product of the older ones;
/// sums and differences of multiples of one tensor → that tensor, times the sum or difference.
///
/// Second derivatives multiply a cotangent c that has just come with tensors of sweeps before it, one after the other:
/// (c · δ) · h'(z) − (c · δ) · h'(z − 6). In c · (δ · (h'(z) − h'(z − 6))) one factor follows from δ and z alone, so that it
/// can be computed and stored where both are at hand (`Fuse` does that), and neither of them lives on. Pays where code is
/// generated; the value stays up to rounding.
public enum GatherEarlyFactors: Pass {
  public static func run(_ graph: Graph) throws(TypeError) -> Graph {
    var multiples = Multiples()
    let gathered = try graph.rewritten { (node, _, operands, builder) throws(TypeError) -> Value? in
      guard let function = (node.operation as? Elementwise)?.function, node.type.element.isFloatingPoint else { return nil }
      switch function {
      case .multiply: return try multiples.product(operands[0], operands[1], builder)
      case .negate: return try multiples.negation(operands[0], builder)
      case .add, .subtract: return try multiples.combined(function, operands[0], operands[1], builder)
      default: return nil
      }
    }
    return try RemoveDeadNodes.run(gathered)
  }
}

/// What is known of the values of a graph under construction.
private struct Multiples {
  /// ± newest · factor; a missing factor is 1.
  struct Multiple {
    let newest: Value
    let factor: Value?
    let isNegative: Bool
  }

  /// The values that stand in other loops than those of the value itself.
  enum Sources: Equatable {
    case none, several
    case one(Value)

    func union(_ other: Sources) -> Sources {
      switch (self, other) {
      case (.none, _): other
      case (_, .none): self
      default: self == other ? self : .several
      }
    }
  }

  private var known: [Value: Multiple] = [:]
  private var ages = TensorAges()
  private var sources: [Sources] = []

  private func multiple(_ value: Value) -> Multiple {
    known[value] ?? Multiple(newest: value, factor: nil, isNegative: false)
  }

  /// Takes in the nodes that the builder has got.
  private mutating func look(at builder: GraphBuilder) {
    ages.extend(by: builder.nodes)
    for index in sources.count..<builder.nodes.count {
      let node = builder.nodes[index]
      switch node.operation {
      case is Broadcast: sources.append(.none)
      case is Elementwise, is Convert: sources.append(node.operands.reduce(.none) { $0.union(sources[$1.index]) })
      default: sources.append(node.constant != nil ? .none : .one(Value(index)))
      }
    }
  }

  mutating func product(_ x: Value, _ y: Value, _ builder: GraphBuilder) throws(TypeError) -> Value {
    look(at: builder)
    guard ages[x] != ages[y] else { return try builder.multiply(x, y) }
    let (newer, older) = ages[x] > ages[y] ? (x, y) : (y, x)
    let inner = multiple(newer)
    let factor: Value
    if let others = inner.factor { factor = try product(others, older, builder) } else { factor = older }
    return try append(Multiple(newest: inner.newest, factor: factor, isNegative: inner.isNegative), builder) {
      () throws(TypeError) in try builder.multiply(x, y)
    }
  }

  mutating func negation(_ x: Value, _ builder: GraphBuilder) throws(TypeError) -> Value {
    let inner = multiple(x)
    let result = try builder.elementwise(.negate, x)
    known[result] = Multiple(newest: inner.newest, factor: inner.factor, isNegative: !inner.isNegative)
    return result
  }

  mutating func combined(_ function: ScalarFunction, _ x: Value, _ y: Value, _ builder: GraphBuilder) throws(TypeError)
    -> Value
  {
    let (left, right) = (multiple(x), multiple(y))
    guard left.newest == right.newest, let first = left.factor, let second = right.factor else {
      return try builder.elementwise(function, x, y)
    }
    let isDifference = (left.isNegative != right.isNegative) != (function == .subtract)
    // −a + b is b − a, which needs no negation.
    let isSwapped = isDifference && left.isNegative
    let factor = try combined(
      isDifference ? .subtract : .add, isSwapped ? second : first, isSwapped ? first : second, builder)
    let result = Multiple(newest: left.newest, factor: factor, isNegative: left.isNegative && !isSwapped)
    return try append(result, builder) { () throws(TypeError) in try builder.elementwise(function, x, y) }
  }

  /// Appends the multiple itself where its factor joins tensors, otherwise what it was before.
  private mutating func append(
    _ multiple: Multiple, _ builder: GraphBuilder, before: () throws(TypeError) -> Value
  ) throws(TypeError) -> Value {
    look(at: builder)
    let result: Value
    if let factor = multiple.factor, sources[factor.index] == .several {
      let product = try builder.multiply(multiple.newest, factor)
      result = multiple.isNegative ? try builder.elementwise(.negate, product) : product
    } else {
      result = try before()
    }
    known[result] = multiple
    return result
  }
}

import IR
import Operators
import TensorTypes

/// An operator with concrete operands at which its laws are checked.
public struct Sample: Sendable, CustomStringConvertible {
  public let operation: any Operator
  public let operands: [HostTensor]
  /// What this sample is about, beside the attributes.
  public let note: String

  public init(_ operation: any Operator, _ operands: [HostTensor], _ note: String = "") {
    self.operation = operation
    self.operands = operands
    self.note = note
  }

  public var description: String {
    let types = operands.map(\.type.description).joined(separator: ", ")
    let attributes = operation is Fused ? "" : " " + operation.attributes.description
    return "\(operation.mnemonic)(\(types))\(attributes)\(note.isEmpty ? "" : ", \(note)")"
  }

  /// A graph of this operation alone; its operands are the inputs x0, x1, ...
  public func graph() throws(TypeError) -> Graph {
    let builder = GraphBuilder()
    let inputs = operands.enumerated().map { builder.input("x\($0.offset)", $0.element.type) }
    let result = try builder.append(operation, inputs)
    return builder.finish(name: operation.mnemonic, outputs: [("y", result)])
  }

  /// Whether the derivative laws say anything: operands and result are floating-point, and the derivative is defined and
  /// declared to be that of the value.
  public var isDifferentiable: Bool {
    if case .undefined = operation.derivative { return false }
    let result = try? operation.resultType(of: operands.map(\.type))
    return operands.contains { $0.type.element.isFloatingPoint } && result?.element.isFloatingPoint == true && !isSurrogate
  }

  public var isSurrogate: Bool { (operation as? Elementwise)?.isSurrogate ?? false }
}

/// Samples of every operator of the catalogue.
public enum Samples {
  public static let all: [Sample] = elementwise + shapes + selections + windows + products + regions

  public static let differentiable: [Sample] = all.filter(\.isDifferentiable)

  static let shapes: [Sample] = {
    var g = SeededGenerator(seed: 11)
    return [
      Sample(Broadcast(shape: [2, 3, 4], axes: [1]), [g.tensor([3])]),
      Sample(Broadcast(shape: [2, 3, 4], axes: [0, 2]), [g.tensor([2, 4])]),
      Sample(Broadcast(shape: [3, 2], axes: []), [g.tensor([])], "scalar"),
      Sample(Broadcast(shape: [2, 1, 2], axes: [0, 1]), [g.tensor([2, 1], .float64)], "unit axis"),
      Sample(Broadcast(shape: [2, 3], axes: [1]), [g.integers([3], in: -5..<5)]),
      Sample(Broadcast(shape: [2, 2], axes: [0]), [g.booleans([2])]),
      Sample(Sum(axes: [1]), [g.tensor([2, 3, 4])]),
      Sample(Sum(axes: [0, 2]), [g.tensor([2, 3, 4], .float64)]),
      Sample(Sum(axes: [0, 1]), [g.tensor([3, 2])], "to a scalar"),
      Sample(Sum(axes: []), [g.tensor([2, 2])]),
      Sample(Sum(axes: [1]), [g.integers([2, 3], in: -9..<9)]),
      Sample(Reshape(shape: [3, 4]), [g.tensor([2, 6])]),
      Sample(Reshape(shape: [2, 1, 3]), [g.tensor([2, 3], .float64)]),
      Sample(Reshape(shape: []), [g.tensor([1, 1])]),
      Sample(Reshape(shape: [4]), [g.integers([2, 2], in: 0..<9, .int32)]),
      Sample(Reorder(to: .blocked), [g.tensor([2, 17, 3, 2])]),
      Sample(Reorder(to: .plain), [g.tensor([1, 3, 4, 5])]),
      Sample(Permute(order: [0, 2, 3, 1]), [g.tensor([2, 3, 2, 4])]),
      Sample(Permute(order: [2, 0, 1]), [g.tensor([2, 3, 4], .float64)], "not its own inverse"),
      Sample(Permute(order: [1, 0]), [g.integers([2, 3], in: 0..<9)]),
      Sample(Pad(low: [1, 0], high: [2, 3], interior: [0, 0]), [g.tensor([2, 3])]),
      Sample(Pad(low: [0, 1], high: [1, 0], interior: [2, 1]), [g.tensor([2, 3], .float64)], "interior"),
      Sample(Pad(low: [1], high: [1], interior: [0]), [g.integers([3], in: 1..<9)]),
      Sample(Slice(start: [0, 1], limit: [2, 4], stride: [1, 1]), [g.tensor([3, 5])]),
      Sample(Slice(start: [1, 0], limit: [4, 5], stride: [2, 3]), [g.tensor([5, 6], .float64)], "strided"),
      Sample(Slice(start: [1], limit: [1], stride: [1]), [g.tensor([3])], "empty"),
      Sample(Slice(start: [1], limit: [3], stride: [1]), [g.integers([4], in: 0..<9)]),
      Sample(Concatenate(axis: 1), [g.tensor([2, 1]), g.tensor([2, 3]), g.tensor([2, 2])]),
      Sample(Concatenate(axis: 0), [g.tensor([2, 2], .float64), g.tensor([1, 2], .float64)]),
      Sample(Concatenate(axis: 0), [g.tensor([3])], "one operand"),
      Sample(Concatenate(axis: 0), [g.integers([2], in: 0..<9), g.integers([1], in: 0..<9)]),
      Sample(Convert(to: .float64), [g.tensor([2, 3])]),
      Sample(Convert(to: .float32), [g.tensor([3], .float64)]),
      Sample(Convert(to: .int64), [g.tensor([5])]),
      Sample(Convert(to: .float32), [g.integers([4], in: -9..<9)]),
      Sample(Convert(to: .boolean), [g.integers([4], in: 0..<2)]),
    ]
  }()

  static let selections: [Sample] = {
    var g = SeededGenerator(seed: 12)
    return [
      Sample(Gather(axis: 1), [g.tensor([2, 4, 3]), g.integers([5], in: 0..<4)]),
      Sample(Gather(axis: 0), [g.tensor([3, 2], .float64), g.integers([2, 2], in: 0..<3)], "matrix of indices"),
      Sample(Gather(axis: 0), [g.tensor([4]), g.integers([], in: 0..<4, .int32)], "scalar index"),
      Sample(Gather(axis: 0), [g.integers([4], in: 0..<100), g.integers([3], in: 0..<4)]),
      Sample(Scatter(axis: 1, extent: 4), [g.tensor([2, 5, 3]), g.integers([5], in: 0..<4)], "collisions"),
      Sample(Scatter(axis: 0, extent: 3), [g.tensor([2, 2, 2], .float64), g.integers([2, 2], in: 0..<3)]),
      Sample(Scatter(axis: 0, extent: 4), [g.tensor([2]), g.integers([], in: 0..<4)], "scalar index"),
      Sample(Take(batchRank: 1), [g.tensor([2, 3, 2]), g.integers([2, 4], in: 0..<6)]),
      Sample(Take(batchRank: 2), [g.tensor([2, 3, 2, 2], .float64), g.integers([2, 3, 2], in: 0..<4)]),
      Sample(Take(batchRank: 0), [g.tensor([2, 3]), g.integers([], in: 0..<6)]),
      Sample(Untake(batchRank: 1, inner: [3, 2]), [g.tensor([2, 8]), g.integers([2, 8], in: 0..<6)], "collisions"),
      Sample(Untake(batchRank: 0, inner: [4]), [g.tensor([2, 3], .float64), g.integers([2, 3], in: 0..<4)]),
      Sample(IndexOfMaximum(batchRank: 1), [g.tensor([2, 3, 4])]),
      Sample(IndexOfMaximum(batchRank: 0), [g.tensor([6], .float64)]),
      Sample(IndexOfMaximum(batchRank: 1), [g.integers([3, 4], in: 0..<3)], "ties"),
    ]
  }()

  static let windows: [Sample] = {
    var g = SeededGenerator(seed: 13)
    let square = Window(kernel: [3, 2], strides: [2, 1], pads: [1, 0], dilations: [1, 2], extents: [3, 3])
    let line = Window(kernel: [3], strides: [1], pads: [1], dilations: [1], extents: [6])
    let gaps = Window(kernel: [2], strides: [3], pads: [0], dilations: [1], extents: [2])
    let cube = Window(kernel: [2, 2, 2], strides: [1, 2, 1], pads: [0, 1, 0], dilations: [1, 1, 1], extents: [2, 2, 1])
    return [
      Sample(WindowIndexOfMaximum(window: square), [g.tensor([2, 2, 5, 5])]),
      Sample(WindowIndexOfMaximum(window: line), [g.tensor([1, 2, 6], .float64)]),
      Sample(WindowSum(window: square), [g.tensor([2, 2, 5, 5])]),
      Sample(WindowSum(window: line), [g.tensor([1, 2, 6], .float64)], "1-D"),
      Sample(WindowSum(window: gaps), [g.tensor([2, 1, 7])], "gaps between windows"),
      Sample(WindowSum(window: cube), [g.tensor([1, 2, 3, 3, 2])], "3-D"),
      Sample(WindowSpread(window: square, spatial: [5, 5]), [g.tensor([2, 2, 3, 3])]),
      Sample(WindowSpread(window: gaps, spatial: [7]), [g.tensor([2, 1, 2], .float64)]),
      Sample(WindowSpread(window: cube, spatial: [3, 3, 2]), [g.tensor([1, 2, 2, 2, 1])], "3-D"),
    ]
  }()

  static let products: [Sample] = {
    var g = SeededGenerator(seed: 14)
    var samples: [Sample] = []
    for (left, right) in [(false, false), (false, true), (true, false), (true, true)] {
      let product = MatrixProduct(transposeLeft: left, transposeRight: right)
      samples.append(Sample(product, [g.tensor(left ? [3, 2] : [2, 3]), g.tensor(right ? [4, 3] : [3, 4])]))
      samples.append(
        Sample(
          product,
          [
            g.tensor(left ? [2, 2, 3, 1] : [2, 2, 1, 3], .float64),
            g.tensor(right ? [2, 2, 2, 3] : [2, 2, 3, 2], .float64),
          ],
          "batch"))
    }
    return samples + Convolution.Role.allCases.flatMap { convolutions(solving: $0, &g) }
  }()

  /// The same trilinear forms solved for each of their three operands.
  private static func convolutions(solving role: Convolution.Role, _ g: inout SeededGenerator) -> [Sample] {
    let forms: [(note: String, input: Shape, filter: Shape, output: Shape, [Int], [Int], [Int], groups: Int)] = [
      ("plain", [2, 3, 4, 4], [2, 3, 3, 3], [2, 2, 2, 2], [1, 1], [0, 0], [1, 1], 1),
      ("padded, strided", [1, 2, 5, 6], [3, 2, 3, 2], [1, 3, 3, 4], [2, 2], [1, 1], [1, 1], 1),
      ("more padding behind", [1, 1, 4, 4], [1, 1, 3, 3], [1, 1, 2, 2], [2, 2], [0, 0], [1, 1], 1),
      ("dilated", [1, 2, 6, 5], [2, 2, 2, 3], [1, 2, 5, 3], [1, 2], [1, 1], [3, 1], 1),
      ("grouped", [2, 4, 3, 3], [6, 2, 2, 2], [2, 6, 2, 2], [1, 1], [0, 0], [1, 1], 2),
      ("depthwise, strided", [1, 3, 5, 5], [3, 1, 3, 3], [1, 3, 3, 3], [2, 2], [1, 1], [1, 1], 3),
      ("depthwise, two filters a channel", [1, 2, 4, 4], [4, 1, 3, 3], [1, 4, 4, 4], [1, 1], [1, 1], [1, 1], 2),
      ("pointwise", [2, 3, 2, 2], [4, 3, 1, 1], [2, 4, 2, 2], [1, 1], [0, 0], [1, 1], 1),
      ("pointwise, strided past the end", [1, 2, 4, 4], [2, 2, 1, 1], [1, 2, 2, 2], [2, 2], [0, 0], [1, 1], 1),
      ("1-D", [2, 2, 7], [3, 2, 3], [2, 3, 4], [2], [1], [1], 1),
      ("1-D, dilated", [1, 1, 8], [2, 1, 3], [1, 2, 6], [1], [1], [2], 1),
      ("3-D", [1, 2, 3, 3, 4], [2, 2, 2, 2, 2], [1, 2, 2, 3, 2], [1, 1, 2], [0, 1, 0], [1, 1, 1], 1),
    ]
    return forms.map { form in
      let element: ElementType = form.note.contains("1-D") ? .float64 : .float32
      let shapes: [Convolution.Role: Shape] = [.input: form.input, .filter: form.filter, .output: form.output]
      let convolution = Convolution(
        solving: role, strides: form.4, pads: form.5, dilations: form.6, groups: form.groups, shape: shapes[role] ?? [])
      return Sample(convolution, convolution.operandRoles.map { g.tensor(shapes[$0] ?? [], element) }, form.note)
    }
  }

  static let regions: [Sample] = {
    var g = SeededGenerator(seed: 15)
    func body(_ shape: Shape, _ build: (GraphBuilder, Value, Value) throws -> Value) rethrows -> Graph {
      let builder = GraphBuilder()
      let x = builder.input("a", TensorType(.float32, shape))
      let y = builder.input("b c", TensorType(.float32, shape))
      return builder.finish(name: "region", outputs: [("result", try build(builder, x, y))])
    }
    let bodies = [
      try? body([2, 3]) { graph, x, y in try graph.elementwise(.relu, try graph.add(try graph.multiply(x, y), 0.5)) },
      try? body([4]) { graph, x, y in try graph.sum(try graph.elementwise(.hyperbolicTangent, graph.add(x, y)), axes: [0]) },
    ]
    return bodies.compactMap { $0 }.map { body in
      Sample(Fused(body: body), body.inputs.map { g.tensor(body[$0].type.shape) })
    }
  }()
}

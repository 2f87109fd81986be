import IR
import Operators
import TensorTypes
import Testing

/// Operands that break one numbered constraint of an operator.
struct BrokenConstraint: Sendable, CustomStringConvertible {
  let constraint: String
  let operation: any Operator
  let operands: [TensorType]
  let problem: String

  init(_ constraint: String, _ operation: any Operator, _ operands: [TensorType], _ problem: String) {
    self.constraint = constraint
    self.operation = operation
    self.operands = operands
    self.problem = problem
  }

  var description: String { "\(operation.mnemonic) \(constraint): \(operands.map(\.description))" }
}

@Suite struct ConstraintTests {
  private static func f32(_ extents: Int...) -> TensorType { TensorType(.float32, Shape(extents)) }
  private static func f64(_ extents: Int...) -> TensorType { TensorType(.float64, Shape(extents)) }
  private static func i64(_ extents: Int...) -> TensorType { TensorType(.int64, Shape(extents)) }
  private static func bool(_ extents: Int...) -> TensorType { TensorType(.boolean, Shape(extents)) }

  private static func window(_ kernel: [Int], strides: [Int] = [1], pads: [Int] = [0], extents: [Int]) -> Window {
    Window(kernel: kernel, strides: strides, pads: pads, dilations: kernel.map { _ in 1 }, extents: extents)
  }

  private static func convolution(
    strides: [Int] = [1], pads: [Int] = [0], groups: Int = 1, shape: Shape = [1, 2, 3]
  ) -> Convolution {
    Convolution(
      solving: .output, strides: strides, pads: pads, dilations: strides.map { _ in 1 }, groups: groups, shape: shape)
  }

  static let broken: [BrokenConstraint] = [
    BrokenConstraint("C1", Elementwise(.add), [f32(2)], "takes 2 operands"),
    BrokenConstraint("C2", Elementwise(.add), [f32(2), f32(3)], "operands need equal shapes"),
    BrokenConstraint("C2", Elementwise(.select), [bool(3), f32(2), f32(2)], "operands need equal shapes"),
    BrokenConstraint("C3", Elementwise(.add), [f32(2), f64(2)], "operands need one element type"),
    BrokenConstraint("C3", Elementwise(.select), [bool(2), f32(2), f64(2)], "operands need one element type"),
    BrokenConstraint("C3", Elementwise(.select), [f32(2), f32(2), f32(2)], "the first operand needs to be boolean"),
    BrokenConstraint("C4", Elementwise(.add), [bool(2), bool(2)], "operands need to be numbers"),
    BrokenConstraint("C4", Elementwise(.exponential), [i64(2)], "operands need to be floating-point"),
    BrokenConstraint("C4", Elementwise(.logicalNot), [f32(2)], "operands need to be boolean"),
    BrokenConstraint(
      "C5", Elementwise(.hyperbolicTangent, declaring: .smoothed), [f32(2)],
      "only relu, clip and leakyRelu can have a smoothed derivative"),
    BrokenConstraint(
      "C5", Elementwise(.floor, declaring: .guided), [f32(2)],
      "only relu, clip and leakyRelu can have a guided derivative"),
    BrokenConstraint(
      "C5", Elementwise(.relu, declaring: .softplus(sharpness: 0)), [f32(2)],
      "only relu, clip and leakyRelu can have a softplus derivative, of a positive sharpness; it is 0.0"),
    BrokenConstraint(
      "C5", Elementwise(.relu, declaring: .straightThrough), [f32(2)],
      "only roundHalfEven, floor and ceiling can have a straight-through derivative"),
    BrokenConstraint(
      "C1", Broadcast(shape: [2, 3], axes: [1, 0]), [f32(3, 2)],
      "axes [1, 0] need to ascend within [2,3], one for each operand axis"),
    BrokenConstraint(
      "C1", Broadcast(shape: [2, 3], axes: [2]), [f32(3)],
      "axes [2] need to ascend within [2,3], one for each operand axis"),
    BrokenConstraint(
      "C1", Broadcast(shape: [2, 3], axes: []), [f32(3)],
      "axes [] need to ascend within [2,3], one for each operand axis"),
    BrokenConstraint("C2", Broadcast(shape: [2, 3], axes: [0]), [f32(3)], "extents along [0] differ from [2,3]"),
    BrokenConstraint("C1", Sum(axes: [1, 0]), [f32(2, 3)], "axes [1, 0] need to ascend within [2,3]"),
    BrokenConstraint("C1", Sum(axes: [2]), [f32(2, 3)], "axes [2] need to ascend within [2,3]"),
    BrokenConstraint("C2", Sum(axes: [0]), [bool(2)], "the operand needs to be a number"),
    BrokenConstraint("C1", Reshape(shape: [5]), [f32(2, 3)], "[5] holds 5 elements"),
    BrokenConstraint("C1", Reorder(to: .blocked), [f32(2, 16, 3)], "the operand needs to be an f32 image"),
    BrokenConstraint("C1", Permute(order: [0, 0]), [f32(2, 3)], "[0, 0] is no permutation of its 2 axes"),
    BrokenConstraint("C1", Permute(order: [0]), [f32(2, 3)], "[0] is no permutation of its 2 axes"),
    BrokenConstraint(
      "C1", Pad(low: [1], high: [1], interior: [0]), [f32(2, 3)],
      "low, high and interior need one entry for each axis, none negative"),
    BrokenConstraint(
      "C1", Pad(low: [-1], high: [1], interior: [0]), [f32(2)],
      "low, high and interior need one entry for each axis, none negative"),
    BrokenConstraint(
      "C1", Slice(start: [0], limit: [1], stride: [1]), [f32(2, 3)],
      "start, limit and stride need one entry for each axis"),
    BrokenConstraint(
      "C2", Slice(start: [0], limit: [4], stride: [1]), [f32(3)],
      "start [0], limit [4], stride [1] reach outside of [3]"),
    BrokenConstraint(
      "C2", Slice(start: [2], limit: [1], stride: [1]), [f32(3)],
      "start [2], limit [1], stride [1] reach outside of [3]"),
    BrokenConstraint(
      "C3", Slice(start: [0], limit: [3], stride: [0]), [f32(3)],
      "start [0], limit [3], stride [0] reach outside of [3]"),
    BrokenConstraint("C1", Concatenate(axis: 0), [], "takes at least one operand"),
    BrokenConstraint("C2", Concatenate(axis: 2), [f32(2, 3)], "axis 2 is not in [2,3]"),
    BrokenConstraint("C2", Concatenate(axis: 0), [f32(2), f64(2)], "operands differ in rank or type"),
    BrokenConstraint("C2", Concatenate(axis: 0), [f32(2), f32(2, 1)], "operands differ in rank or type"),
    BrokenConstraint("C2", Concatenate(axis: 0), [f32(2, 3), f32(2, 4)], "extents beside axis 0 differ"),
    BrokenConstraint("C1", Gather(axis: 1), [f32(2), i64(2)], "axis 1 is not in [2]"),
    BrokenConstraint("C2", Gather(axis: 0), [f32(2), f32(2)], "indices need to be integers"),
    BrokenConstraint(
      "C1", Scatter(axis: 0, extent: 3), [f32(2), i64(3)],
      "extents from axis 0 on need to begin with those of the indices"),
    BrokenConstraint("C2", Scatter(axis: 0, extent: 3), [f32(2), f32(2)], "indices need to be integers"),
    BrokenConstraint("C1", Take(batchRank: 1), [f32(2, 3), i64(3)], "the first 1 axes need to agree"),
    BrokenConstraint("C2", Take(batchRank: 0), [f32(2), bool(2)], "indices need to be integers"),
    BrokenConstraint("C1", Untake(batchRank: 0, inner: [2]), [f32(2), i64(3)], "operands need equal shapes"),
    BrokenConstraint("C1", Untake(batchRank: 2, inner: [2]), [f32(2), i64(2)], "batch rank 2 exceeds the rank"),
    BrokenConstraint("C2", Untake(batchRank: 0, inner: [2]), [f32(2), f32(2)], "indices need to be integers"),
    BrokenConstraint("C1", IndexOfMaximum(batchRank: 3), [f32(2, 3)], "batch rank 3 exceeds the rank"),
    BrokenConstraint("C2", IndexOfMaximum(batchRank: 1), [f32(2, 0)], "there is nothing to choose from"),
    BrokenConstraint("C3", IndexOfMaximum(batchRank: 0), [bool(2)], "the operand needs to be a number"),
    BrokenConstraint(
      "C1", WindowIndexOfMaximum(window: window([2], extents: [2])), [f32(1, 1, 3, 3)],
      "the window has 1 spatial axes"),
    BrokenConstraint(
      "C1", WindowIndexOfMaximum(window: window([2], extents: [2])), [i64(1, 1, 3)],
      "the operand needs to be floating-point"),
    BrokenConstraint(
      "C2", WindowIndexOfMaximum(window: window([1], pads: [1], extents: [3])), [f32(1, 1, 3)],
      "window 0 along spatial axis 0 lies in the padding"),
    BrokenConstraint(
      "C1", WindowSum(window: window([2, 2], extents: [2, 2])), [f32(1, 1, 3)],
      "the window has 2 spatial axes"),
    BrokenConstraint(
      "C1", WindowSum(window: window([2], strides: [0], extents: [2])), [f32(1, 1, 3)],
      "the window has 1 spatial axes"),
    BrokenConstraint(
      "C1", WindowSum(window: window([2], extents: [2])), [i64(1, 1, 3)],
      "the operand needs to be floating-point"),
    BrokenConstraint(
      "C1", WindowSpread(window: window([2], extents: [2]), spatial: [3]), [f32(1, 1, 3)],
      "the operand needs to be [N, C] and [2]"),
    BrokenConstraint(
      "C1", WindowSpread(window: window([2], extents: [2]), spatial: [3]), [i64(1, 1, 2)],
      "the operand needs to be floating-point"),
    BrokenConstraint("C1", MatrixProduct(), [f32(2), f32(2)], "operands need one type, one rank and equal batch axes"),
    BrokenConstraint(
      "C1", MatrixProduct(), [f32(2, 2, 3), f32(3, 3, 2)],
      "operands need one type, one rank and equal batch axes"),
    BrokenConstraint(
      "C1", MatrixProduct(), [f32(2, 2), f64(2, 2)],
      "operands need one type, one rank and equal batch axes"),
    BrokenConstraint(
      "C1", MatrixProduct(), [i64(2, 2), i64(2, 2)],
      "operands need one type, one rank and equal batch axes"),
    BrokenConstraint("C2", MatrixProduct(), [f32(2, 3), f32(2, 3)], "inner extents 3 and 2 differ"),
    BrokenConstraint("C1", convolution(), [i64(1, 1, 4), i64(2, 1, 2)], "operands need one floating-point type"),
    BrokenConstraint(
      "C1", convolution(), [f32(1, 3, 4), f32(2, 1, 2)],
      "input [1,3,4], filter [2,1,2] and output [1,2,3] do not fit with 1 groups"),
    BrokenConstraint(
      "C2", convolution(strides: [1, 1]), [f32(1, 1, 4), f32(2, 1, 2)],
      "strides, pads and dilations need one entry for each of the operands' spatial axes"),
    BrokenConstraint(
      "C2", convolution(strides: [0]), [f32(1, 1, 4), f32(2, 1, 2)],
      "strides, pads and dilations need one entry for each of the operands' spatial axes"),
    BrokenConstraint("C3", convolution(groups: 2), [f32(1, 1, 4), f32(2, 1, 2)], "2 groups do not divide the channels"),
    BrokenConstraint(
      "C4", convolution(shape: [1, 3, 3]), [f32(1, 1, 4), f32(2, 1, 2)],
      "input [1,1,4], filter [2,1,2] and output [1,3,3] do not fit with 1 groups"),
    BrokenConstraint("C1", Convert(to: .int64), [f32(2), f32(2)], "takes one operand"),
    BrokenConstraint("C1", Fused(body: region(outputs: 1)), [f32(3)], "operands differ from the body's inputs"),
    BrokenConstraint("C2", Fused(body: region(outputs: 2)), [f32(2)], "the body needs one output"),
  ]

  private static func region(outputs: Int) -> Graph {
    let builder = GraphBuilder()
    let x = builder.input("x", f32(2))
    return builder.finish(name: "region", outputs: (0..<outputs).map { ("y\($0)", x) })
  }

  @Test(arguments: broken)
  func aBrokenConstraintIsNamed(example: BrokenConstraint) throws {
    let error = try #require(throws: TypeError.self) { try example.operation.resultType(of: example.operands) }
    #expect(error.problem == example.problem)
    let operands = example.operands.map(\.description).joined(separator: ", ")
    #expect(error.description == "\(example.operation.mnemonic)(\(operands)): \(example.problem)")
  }

  @Test(arguments: Catalog.operators.keys.sorted())
  func everyOperatorRefusesSomething(mnemonic: String) {
    let isFunction = ScalarFunction(rawValue: mnemonic) != nil
    #expect(Self.broken.contains { $0.operation.mnemonic == mnemonic || isFunction && $0.operation is Elementwise })
  }
}

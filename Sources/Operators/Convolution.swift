import IR
import TensorTypes

/// The trilinear form behind every convolution,
///
///     T(x, w, u) = Σ x[n, g·C/G + c, o·stride + f·dilation − pad] · w[g·K/G + k, c, f] · u[n, g·K/G + k, o],
///
/// x zero outside, over images n, groups g, channels c and k, filter positions f, output positions o. `solving` names the
/// absent operand; the result is the derivative of T with respect to it. Forward convolution solves for the output,
/// backward-data for the input, backward-filter for the filter, and each transpose is again one of the three.
///
/// Constraints: (C1) x [N, C, I...], w [K, C/G, F...], u [N, K, O...] of one floating-point type; (C2) one stride, pad and
/// dilation for each spatial axis; (C3) G divides C and K; (C4) `shape` is the shape of the result.
public struct Convolution: Multilinear {
  public enum Role: String, Sendable, Hashable, CaseIterable { case input, filter, output }

  public let solving: Role
  public let strides: [Int]
  /// Zeros before the first element of each spatial axis.
  public let pads: [Int]
  public let dilations: [Int]
  public let groups: Int
  public let shape: Shape

  public init(solving: Role, strides: [Int], pads: [Int], dilations: [Int], groups: Int, shape: Shape) {
    self.solving = solving
    self.strides = strides
    self.pads = pads
    self.dilations = dilations
    self.groups = groups
    self.shape = shape
  }

  public var mnemonic: String { "convolution" }
  public var attributes: Attributes {
    [
      "solving": .word(solving.rawValue), "strides": .integers(strides), "pads": .integers(pads),
      "dilations": .integers(dilations), "groups": .integer(groups), "shape": .integers(shape.extents),
    ]
  }
  public var derivative: Derivative { .multilinear(self) }

  /// The roles of the operands in their order.
  public var operandRoles: [Role] { Role.allCases.filter { $0 != solving } }

  /// The shapes of input, filter and output, given those of the operands.
  public func shapes(_ operands: [Shape]) -> (input: Shape, filter: Shape, output: Shape) {
    switch solving {
    case .input: (shape, operands[0], operands[1])
    case .filter: (operands[0], shape, operands[1])
    case .output: (operands[0], operands[1], shape)
    }
  }

  public func resultType(of operands: [TensorType]) throws(TypeError) -> TensorType {
    try require(operands.count == 2, operands, "takes two operands")
    try require(
      operands[0].element == operands[1].element && operands[0].element.isFloatingPoint, operands,
      "operands need one floating-point type")
    let (x, w, u) = shapes(operands.map(\.shape))
    let spatial = strides.count
    try require(
      x.rank == spatial + 2 && w.rank == spatial + 2 && u.rank == spatial + 2 && pads.count == spatial
        && dilations.count == spatial && (strides + dilations).allSatisfy { $0 >= 1 } && pads.allSatisfy { $0 >= 0 },
      operands,
      "strides, pads and dilations need one entry for each of the operands' spatial axes")
    try require(
      groups >= 1 && x[1] % groups == 0 && w[0] % groups == 0, operands, "\(groups) groups do not divide the channels")
    try require(
      x[0] == u[0] && w[0] == u[1] && w[1] == x[1] / groups, operands,
      "input \(x), filter \(w) and output \(u) do not fit with \(groups) groups")
    return TensorType(operands[0].element, shape)
  }

  public func transpose(_ cotangent: Value, operand index: Int, of operands: [Value], in graph: GraphBuilder)
    throws(TypeError) -> Value
  {
    let role = operandRoles[index]
    let known = [operandRoles[1 - index]: operands[1 - index], solving: cotangent]
    let adjoint = Convolution(
      solving: role, strides: strides, pads: pads, dilations: dilations, groups: groups,
      shape: graph.shape(of: operands[index]))
    return try graph.append(adjoint, adjoint.operandRoles.compactMap { known[$0] })
  }

  public func loopForm(of operands: [TensorType], type: TensorType) -> LoopForm {
    let (x, w, u) = shapes(operands.map(\.shape))
    let spatial = strides.count
    let rank = spatial + 2
    let perGroupInput = x[1] / groups
    let perGroupOutput = w[0] / groups
    let kernel = Array(w.extents[2...])
    let window = Window(kernel: kernel, strides: strides, pads: pads, dilations: dilations, extents: Array(u.extents[2...]))
    func group(_ channel: IndexExpression, _ size: Int) -> IndexExpression {
      groups == 1 ? .constant(0) : .floorDivide(channel, size)
    }
    func within(_ channel: IndexExpression, _ size: Int) -> IndexExpression {
      groups == 1 ? channel : .modulo(channel, size)
    }
    switch solving {
    case .output:
      // Variables: n, k, o...; reduction: c, f...
      let positions = window.positions(firstReduction: rank + 1)
      let channel = group(.variable(1), perGroupOutput) * perGroupInput + .variable(rank)
      let product = LoopExpression.apply(
        .multiply,
        [
          .load(operand: 0, [.variable(0), channel] + positions),
          .load(operand: 1, [.variable(1), .variable(rank)] + variables(rank + 1..<rank + 1 + spatial)),
        ])
      return .sum(
        extents: [perGroupInput] + kernel, window.guarded(product, positions, Array(x.extents[2...]), otherwise: 0))
    case .input:
      // Variables: n, c, i...; reduction: k within the group, f...
      let (windows, conditions) = window.covering(firstReduction: rank + 1)
      let channel = group(.variable(1), perGroupInput) * perGroupOutput + .variable(rank)
      let product = LoopExpression.apply(
        .multiply,
        [
          .load(
            operand: 0, [channel, within(.variable(1), perGroupInput)] + variables(rank + 1..<rank + 1 + spatial)),
          .load(operand: 1, [.variable(0), channel] + windows),
        ])
      return .sum(extents: [perGroupOutput] + kernel, .guarded(conditions, product, otherwise: 0))
    case .filter:
      // Variables: k, c within the group, f...; reduction: n, o...
      let positions = strides.indices.map { axis in
        IndexExpression.variable(rank + 1 + axis) * strides[axis] + .variable(2 + axis) * dilations[axis] + -pads[axis]
      }
      let channel = group(.variable(0), perGroupOutput) * perGroupInput + .variable(1)
      let product = LoopExpression.apply(
        .multiply,
        [
          .load(operand: 0, [.variable(rank), channel] + positions),
          .load(operand: 1, [.variable(rank), .variable(0)] + variables(rank + 1..<rank + 1 + spatial)),
        ])
      return .sum(
        extents: [x[0]] + u.extents[2...], window.guarded(product, positions, Array(x.extents[2...]), otherwise: 0))
    }
  }

  /// Cost: one multiplication and addition for each term of T.
  public func evaluate(_ operands: [HostTensor], type: TensorType) -> HostTensor {
    let (x, w, u) = shapes(operands.map(\.shape))
    let window = Window(
      kernel: Array(w.extents[2...]), strides: strides, pads: pads, dilations: dilations, extents: Array(u.extents[2...]))
    let inputPlane = x.extents[2...].reduce(1, *)
    let outputPlane = u.extents[2...].reduce(1, *)
    let taps = w.extents[2...].reduce(1, *)
    let perGroupInput = x[1] / groups
    let perGroupOutput = w[0] / groups
    // For each filter position, the pairs of input and output offsets within a plane.
    let pairs = window.pairsByTap(Shape(Array(x.extents[2...])))
    let a = operands[0].doubles
    let b = operands[1].doubles
    var result = [Double](repeating: 0, count: shape.elementCount)
    result.withUnsafeMutableBufferPointer { result in
      a.withUnsafeBufferPointer { a in
        b.withUnsafeBufferPointer { b in
          for n in 0..<x[0] {
            for k in 0..<w[0] {
              let output = (n * w[0] + k) * outputPlane
              for c in 0..<perGroupInput {
                let input = (n * x[1] + k / perGroupOutput * perGroupInput + c) * inputPlane
                for tap in 0..<taps {
                  let filter = (k * perGroupInput + c) * taps + tap
                  pairs[tap].withUnsafeBufferPointer { pairs in
                    switch solving {
                    case .output: for (i, o) in pairs { result[output + o] += a[input + i] * b[filter] }
                    case .input: for (i, o) in pairs { result[input + i] += a[filter] * b[output + o] }
                    case .filter: for (i, o) in pairs { result[filter] += a[input + i] * b[output + o] }
                    }
                  }
                }
              }
            }
          }
        }
      }
    }
    return HostTensor(type, .double(result))
  }
}

extension Window {
  /// For each kernel element, the flat offsets of every position inside `spatial` and of its window.
  func pairsByTap(_ spatial: Shape) -> [[(position: Int, window: Int)]] {
    var pairs: [[(position: Int, window: Int)]] = []
    Shape(kernel).forEachIndex { k in
      var list: [(position: Int, window: Int)] = []
      var target = 0
      Shape(extents).forEachIndex { o in
        let index = o.indices.map { position(o[$0], k[$0], $0) }
        if zip(index, spatial.extents).allSatisfy({ $0 >= 0 && $0 < $1 }) {
          list.append((spatial.offset(of: index), target))
        }
        target += 1
      }
      pairs.append(list)
    }
    return pairs
  }
}

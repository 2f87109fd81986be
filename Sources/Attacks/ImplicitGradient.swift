import Autodiff
import IR
import Operators
import TensorTypes

/// A function f(x, y) whose minimiser in y is a function g of x, as the mask of MASK is one of the image; what Proposition 2
/// of the paper says about it, with every derivative of f by the rules of the operators it is made of.
///
///     ∇ ½‖g(x) − g₀‖² = −f_xy (f_yy)⁻¹ (g(x) − g₀)    (equation 17),    f_xy[i, j] = ∂²f / ∂x_i ∂y_j
///
/// Evaluated in f64; for few dimensions, as every solution of linear equations costs the cube of them.
public struct ImplicitGradient: Sendable {
  public let inputCount: Int
  public let minimiserCount: Int
  /// x, y → gradient f_y
  private let gradient: Graph
  /// x, y, direction → product f_yy · direction
  private let hessianProduct: Graph
  /// x, y, direction → product f_xy · direction
  private let mixedProduct: Graph
  /// x, y, inverse [n, n], step, goal → gradient of ½‖y − step · inverse · f_y − goal‖² with respect to x
  private let lookahead: Graph

  /// - Parameter f: appends f32[] of x f32[m] and y f32[n].
  public init(
    inputCount: Int, minimiserCount: Int, _ f: (_ builder: GraphBuilder, _ x: Value, _ y: Value) throws(TypeError) -> Value
  ) throws(TypeError) {
    self.inputCount = inputCount
    self.minimiserCount = minimiserCount
    let (xType, yType) = (TensorType(.float32, [inputCount]), TensorType(.float32, [minimiserCount]))

    func graph(
      _ body: (_ builder: GraphBuilder, _ x: Value, _ y: Value, _ slope: Value) throws(TypeError) -> (String, Value)
    ) throws(TypeError) -> Graph {
      let builder = GraphBuilder()
      let (x, y) = (builder.input("x", xType), builder.input("y", yType))
      let value = try f(builder, x, y)
      let slope = try builder.pullback([(value, builder.scalar(1, like: value))], to: [y])[0]
      return builder.finish(name: "implicit", outputs: [try body(builder, x, y, slope)])
    }
    gradient = try graph { _, _, _, slope throws(TypeError) in ("gradient", slope) }
    hessianProduct = try graph { builder, _, y, slope throws(TypeError) in
      let direction = builder.input("direction", yType)
      guard let product = try builder.pushforward([slope], along: [y: direction])[0] else {
        return ("product", try builder.multiply(y, 0))
      }
      return ("product", product)
    }
    mixedProduct = try graph { builder, x, _, slope throws(TypeError) in
      let direction = builder.input("direction", yType)
      return ("product", try builder.pullback([(slope, direction)], to: [x])[0])
    }
    lookahead = try graph { builder, x, y, slope throws(TypeError) in
      let inverse = builder.input("inverse", TensorType(.float32, [minimiserCount, minimiserCount]))
      let step = builder.input("step", TensorType(.float32, .scalar))
      let goal = builder.input("goal", yType)
      let column = try builder.reshape(slope, [minimiserCount, 1])
      let move = try builder.reshape(try builder.matrixMultiply(inverse, column), [minimiserCount])
      let ahead = try builder.subtract(y, try builder.multiply(move, step))
      let rest = try builder.subtract(ahead, goal)
      let half = try builder.multiply(try builder.sum(try builder.multiply(rest, rest), axes: [0]), 0.5)
      return ("gradient", try builder.pullback([(half, builder.scalar(1, like: half))], to: [x])[0])
    }
  }

  private func run(_ graph: Graph, _ inputs: [String: [Double]]) throws -> [Double] {
    var tensors: [String: HostTensor] = [:]
    for value in graph.inputs {
      let name = graph.name(ofInput: value)
      tensors[name] = inputs[name].map { HostTensor(graph[value].type, .double($0)) }
    }
    return try graph.evaluate(tensors)[graph.outputs[0].name]?.doubles ?? []
  }

  /// f_y
  public func slope(_ x: [Double], _ y: [Double]) throws -> [Double] { try run(gradient, ["x": x, "y": y]) }

  /// f_yy, row by row.
  public func hessian(_ x: [Double], _ y: [Double]) throws -> SquareMatrix {
    let columns = try (0..<minimiserCount).map { column in
      try run(hessianProduct, ["x": x, "y": y, "direction": SquareMatrix.unit(column, of: minimiserCount)])
    }
    return SquareMatrix(columns: columns)
  }

  /// f_xy · direction
  public func mixed(_ x: [Double], _ y: [Double], times direction: [Double]) throws -> [Double] {
    try run(mixedProduct, ["x": x, "y": y, "direction": direction])
  }

  /// g(x), where |f_y| ≤ 1e-12 · max(1, |y|), by Newton's method.
  /// - Throws: `ImplicitGradientError` where that is not reached, or f_yy is singular on the way.
  public func minimiser(_ x: [Double], from start: [Double]) throws -> [Double] {
    var y = start
    for _ in 0..<100 {
      let slope = try slope(x, y)
      let scale: Double = max(1, norm(y))
      if norm(slope) <= 1e-12 * scale { return y }
      let move = try hessian(x, y).solving(slope)
      y = zip(y, move).map { $0 - $1 }
    }
    throw ImplicitGradientError.noMinimiser(slope: norm(try slope(x, y)))
  }

  /// Equation 17 at a minimiser.
  public func equation17(_ x: [Double], minimiser y: [Double], goal: [Double]) throws -> [Double] {
    let rest = zip(y, goal).map { $0 - $1 }
    return try mixed(x, y, times: try hessian(x, y).solving(rest)).map { -$0 }
  }

  /// The gradient of ½‖g(x) − goal‖² by central differences.
  public func centralDifference(_ x: [Double], minimiser y: [Double], goal: [Double], step: Double = 1e-4) throws -> [Double]
  {
    func half(_ x: [Double]) throws -> Double {
      let rest = zip(try minimiser(x, from: y), goal).map { $0 - $1 }
      return 0.5 * rest.reduce(0) { $0 + $1 * $1 }
    }
    return try x.indices.map { index in
      var (above, below) = (x, x)
      above[index] += step
      below[index] -= step
      return (try half(above) - half(below)) / (2 * step)
    }
  }

  /// The gradient with respect to x of ½‖ỹ − goal‖², where ỹ = y − step · inverse · f_y(x, y), y and inverse held constant.
  public func lookaheadGradient(
    _ x: [Double], _ y: [Double], goal: [Double], step: Double, inverse: SquareMatrix
  ) throws -> [Double] {
    try run(
      lookahead, ["x": x, "y": y, "inverse": inverse.elements, "step": [step], "goal": goal])
  }
}

func norm(_ vector: [Double]) -> Double { vector.reduce(0) { $0 + $1 * $1 }.squareRoot() }

public enum ImplicitGradientError: Error, Sendable, Equatable, CustomStringConvertible {
  case singular(dimension: Int)
  case noMinimiser(slope: Double)

  public var description: String {
    switch self {
    case .singular(let dimension):
      "a matrix of \(dimension) x \(dimension) is singular; second derivatives that are not degenerate are needed"
    case .noMinimiser(let slope): "a hundred steps of Newton's method leave a slope of \(slope); at most 1e-12 is accepted"
    }
  }
}

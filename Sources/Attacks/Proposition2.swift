import Foundation
import IR
import Operators
import TensorTypes

/// Proposition 2 of the paper on random functions: the gradient of the distance between a minimiser and a goal, by equation
/// 17, and what of it is left in the lookahead of the attack on MASK.
///
///     f(x, y) = ½ yᵀ A y − yᵀ B x                          (quadratic)
///     f(x, y) = ½ yᵀ A y − yᵀ sin(B x) + ¼ Σ y_j⁴          (quartic)
///
/// with A positive definite. Derivatives of f are those of the graph; what they are held against is written out or
/// differenced.
public struct Proposition2: Sendable {
  public struct Check: Sendable, Equatable {
    public let name: String
    public let statement: String
    /// max |a − b| / max |b|
    public let error: Double
    public let bound: Double
    public var holds: Bool { error <= bound }
  }

  private let a: SquareMatrix
  /// [n, m], row by row.
  private let b: [[Double]]
  private let x: [Double]
  private let goal: [Double]
  private let start: [Double]

  /// - Parameters:
  ///   - inputCount: m, the values of x.
  ///   - minimiserCount: n, those of y.
  ///   - seed: decides A, B, x and the goal.
  public init(inputCount: Int = 5, minimiserCount: Int = 4, seed: UInt64) {
    let random = KeyedRandom(seed: seed)
    func numbers(_ count: Int, _ image: UInt64) -> [Double] {
      (0..<count).map { 2 * random.unit(image: image, draw: $0) - 1 }
    }
    let (n, m) = (minimiserCount, inputCount)
    let root = numbers(n * n, 1)
    a = SquareMatrix(
      dimension: n,
      (0..<n * n).map { index in
        let (row, column) = (index / n, index % n)
        let product: Double = (0..<n).reduce(0) { $0 + root[$1 * n + row] * root[$1 * n + column] }
        return product + (row == column ? 1 : 0)
      })
    let flat = numbers(n * m, 2)
    b = (0..<n).map { Array(flat[$0 * m..<($0 + 1) * m]) }
    x = numbers(m, 3)
    goal = numbers(n, 4)
    start = numbers(n, 5)
  }

  /// - Throws: what evaluating and solving throw.
  public func checks() throws -> [Check] {
    var checks: [Check] = []
    func check(_ name: String, _ statement: String, _ found: [Double], _ expected: [Double], within bound: Double) {
      let scale = expected.reduce(0) { max($0, abs($1)) }
      let difference = zip(found, expected).reduce(0) { max($0, abs($1.0 - $1.1)) }
      checks.append(
        Check(name: name, statement: statement, error: scale > 0 ? difference / scale : .infinity, bound: bound))
    }

    let quadratic = try problem(a, isQuartic: false)
    let y = try quadratic.minimiser(x, from: start)
    let rest = zip(y, goal).map { $0 - $1 }
    check(
      "a", "quadratic: equation 17 is B^T A^-1 (g - g0)", try quadratic.equation17(x, minimiser: y, goal: goal),
      transposedB(times: try a.solving(rest)), within: 1e-10)

    let quartic = try problem(a, isQuartic: true)
    let g = try quartic.minimiser(x, from: start)
    let exact = try quartic.equation17(x, minimiser: g, goal: goal)
    check(
      "b", "quartic: equation 17 is the central difference, at minimisers by Newton to 1e-12", exact,
      try quartic.centralDifference(x, minimiser: g, goal: goal), within: 1e-5)

    let inverse = try quartic.hessian(x, g).inverse()
    for step in [1, 0.1] {
      check(
        "c", "quartic: a lookahead of \(step) H^-1 f_y has \(step) times the gradient of equation 17",
        try quartic.lookaheadGradient(x, g, goal: goal, step: step, inverse: inverse), exact.map { step * $0 },
        within: 1e-10)
    }

    let plain = SquareMatrix.identity(goal.count)
    let step = 0.3
    let slope = try quartic.slope(x, start)
    let ahead = zip(start, slope).map { $0 - step * $1 }
    check(
      "d", "quartic: a lookahead of \(step) f_y has the gradient -\(step) f_xy (y~ - g0)",
      try quartic.lookaheadGradient(x, start, goal: goal, step: step, inverse: plain),
      mixedOfQuartic(times: zip(ahead, goal).map { -step * ($0 - $1) }), within: 1e-10)

    let round = try problem(
      SquareMatrix(dimension: goal.count, plain.elements.map { 2 * $0 }), isQuartic: false)
    let bottom = try round.minimiser(x, from: start)
    let along = try round.lookaheadGradient(x, bottom, goal: goal, step: step, inverse: plain)
    let whole = try round.equation17(x, minimiser: bottom, goal: goal)
    check(
      "d", "H = 2 I: that gradient has the direction of equation 17", along.map { $0 / norm(along) },
      whole.map { $0 / norm(whole) }, within: 1e-10)
    return checks
  }

  private func problem(_ a: SquareMatrix, isQuartic: Bool) throws(TypeError) -> ImplicitGradient {
    let (n, m) = (goal.count, x.count)
    return try ImplicitGradient(inputCount: m, minimiserCount: n) { builder, x, y throws(TypeError) in
      func matrix(_ elements: [Double], _ columns: Int) -> Value {
        builder.constant(HostTensor(TensorType(.float32, [n, columns]), .double(elements)))
      }
      func product(_ matrix: Value, _ vector: Value) throws(TypeError) -> Value {
        let column = try builder.reshape(vector, [builder.shape(of: vector)[0], 1])
        return try builder.reshape(try builder.matrixMultiply(matrix, column), [n])
      }
      let bent = try builder.multiply(try product(matrix(a.elements, n), y), 0.5)
      let drive = try product(matrix(b.flatMap(\.self), m), x)
      let pull = isQuartic ? try builder.elementwise(.sine, drive) : drive
      var slope = try builder.subtract(bent, pull)
      if isQuartic {
        let cube = try builder.multiply(try builder.multiply(y, y), y)
        slope = try builder.add(slope, try builder.multiply(cube, 0.25))
      }
      return try builder.sum(try builder.multiply(y, slope), axes: [0])
    }
  }

  /// Bᵀ v
  private func transposedB(times v: [Double]) -> [Double] {
    x.indices.map { column in v.indices.reduce(0) { $0 + b[$1][column] * v[$1] } }
  }

  /// f_xy v of the quartic: −Σ_j B[j, i] cos((B x)_j) v_j
  private func mixedOfQuartic(times v: [Double]) -> [Double] {
    let drive = b.map { row in zip(row, x).reduce(0) { $0 + $1.0 * $1.1 } }
    return transposedB(times: zip(v, drive).map { -$0 * cos($1) })
  }
}

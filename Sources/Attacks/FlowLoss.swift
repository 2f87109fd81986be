import IR
import Operators
import TensorTypes

extension GraphBuilder {
  /// How roughly a flow [B, 2, H, W] moves an image, f32[B] (Xiao et al. 2018, equation 4, with the neighbours and the
  /// constant of their code):
  ///
  ///     Σ_p Σ_q √(‖flow(p) − flow(q)‖² + 1e-8)
  ///
  /// over the four diagonal neighbours q of p, the pixels at the edge continuing beyond it.
  public func flowLoss(_ flow: Value) throws(TypeError) -> Value {
    let shape = shape(of: flow)
    let continued = try continued(flow, by: 1, .replicate)
    var sum: Value?
    for (row, column) in [(0, 0), (0, 2), (2, 0), (2, 2)] {
      let neighbours = try slice(
        try slice(continued, axis: 2, from: row, to: row + shape[2]), axis: 3, from: column, to: column + shape[3])
      let difference = try subtract(flow, neighbours)
      let squares = try self.sum(try multiply(difference, difference), axes: [1])
      let term = try elementwise(.squareRoot, try add(squares, 1e-8))
      if let known = sum { sum = try add(known, term) } else { sum = term }
    }
    return try self.sum(sum ?? flow, axes: [1, 2])
  }
}

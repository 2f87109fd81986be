import IR
import Operators
import TensorTypes

extension Graph {
  /// The derivative of the floating-point outputs along a direction of the inputs, by central differences of order four:
  /// (f(x − 2h) − 8 f(x − h) + 8 f(x + h) − f(x + 2h)) / 12h.
  ///
  /// - Parameter directions: one for each floating-point input, in order.
  public func centralDifferences(at inputs: [HostTensor], along directions: [HostTensor], step h: Double = 1e-3) throws
    -> [HostTensor]
  {
    // In this order a constant cancels exactly.
    let weights: [(offset: Double, weight: Double)] = [(-1, -8), (1, 8), (-2, 1), (2, -1)]
    var sums = outputs.filter { self[$0.value].type.element.isFloatingPoint }.map { HostTensor.zeros(self[$0.value].type) }
    for (offset, weight) in weights {
      var remaining = directions.makeIterator()
      let moved = inputs.map { input -> HostTensor in
        guard input.type.element.isFloatingPoint, let direction = remaining.next() else { return input }
        return input.adding(offset * h, direction)
      }
      let results: [HostTensor] = try evaluate(moved)
      let values = results.filter { $0.type.element.isFloatingPoint }
      sums = zip(sums, values).map { $0.adding(weight / (12 * h), $1) }
    }
    return sums
  }
}

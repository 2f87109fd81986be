import Foundation
import IR
import Operators
import TensorTypes

/// A linear map along one axis of images: y[i] = Σ_k rows[i, k] · x[k]. Resizing and blurring are of this kind.
public struct AxisOperator: Sendable, Equatable {
  public let inputCount: Int
  public let outputCount: Int
  /// Row-major, `outputCount` × `inputCount`.
  public let rows: [Double]

  init(inputCount: Int, outputCount: Int, _ fill: (_ add: (_ row: Int, _ column: Int, _ weight: Double) -> Void) -> Void) {
    self.inputCount = inputCount
    self.outputCount = outputCount
    var rows = [Double](repeating: 0, count: inputCount * outputCount)
    fill { rows[$0 * inputCount + $1] += $2 }
    self.rows = rows
  }

  /// Bilinear interpolation between half-pixel centres, clamped at the borders and without antialiasing: PyTorch's
  /// `interpolate` with `align_corners=False`.
  public static func resize(from inputCount: Int, to outputCount: Int) -> AxisOperator {
    AxisOperator(inputCount: inputCount, outputCount: outputCount) { add in
      for row in 0..<outputCount {
        let position: Double = (Double(row) + 0.5) * Double(inputCount) / Double(outputCount) - 0.5
        let source: Double = min(max(position, 0), Double(inputCount - 1))
        let low = Int(source)
        let part: Double = source - Double(low)
        add(row, low, 1 - part)
        if part > 0 { add(row, min(low + 1, inputCount - 1), part) }
      }
    }
  }

  /// A filter of an odd number of taps, the image mirrored at its borders without repeating them (reflect-101).
  /// - Precondition: more elements than half of the taps.
  public static func blur(_ kernel: [Double], count: Int) -> AxisOperator {
    let reach = kernel.count / 2
    precondition(kernel.count % 2 == 1 && reach < count)
    return AxisOperator(inputCount: count, outputCount: count) { add in
      for row in 0..<count {
        for (tap, weight) in kernel.enumerated() {
          let position = abs(row + tap - reach)
          add(row, position < count ? position : 2 * (count - 1) - position, weight)
        }
      }
    }
  }

  /// The normalised taps of a Gaussian: k_i ∝ exp(−(i − (n − 1) / 2)² / 2σ²).
  public static func gaussian(taps: Int, sigma: Double) -> [Double] {
    let weights: [Double] = (0..<taps).map { tap in
      let distance: Double = (Double(tap) - Double(taps - 1) / 2) / sigma
      return exp(-distance * distance / 2)
    }
    let sum: Double = weights.reduce(0, +)
    return weights.map { $0 / sum }
  }

  /// First the other, then this one.
  public func after(_ first: AxisOperator) -> AxisOperator {
    precondition(first.outputCount == inputCount)
    return AxisOperator(inputCount: first.inputCount, outputCount: outputCount) { add in
      for row in 0..<outputCount {
        for inner in 0..<inputCount where rows[row * inputCount + inner] != 0 {
          let weight: Double = rows[row * inputCount + inner]
          for column in 0..<first.inputCount {
            let product: Double = weight * first.rows[inner * first.inputCount + column]
            if product != 0 { add(row, column, product) }
          }
        }
      }
    }
  }

  /// [inputCount, outputCount], so that x · matrix applies the operator to the rows of x.
  var transposedMatrix: HostTensor {
    var elements = [Double](repeating: 0, count: rows.count)
    for row in 0..<outputCount {
      for column in 0..<inputCount { elements[column * outputCount + row] = rows[row * inputCount + column] }
    }
    return HostTensor(TensorType(.float32, [inputCount, outputCount]), .double(elements))
  }
}

extension GraphBuilder {
  /// Applies one operator along the last axis but one, and another along the last, as two matrix products.
  func applied(_ vertical: AxisOperator, _ horizontal: AxisOperator, to x: Value, name: String) throws(TypeError) -> Value {
    let rank = shape(of: x).rank
    let swapped = Array(0..<rank - 2) + [rank - 1, rank - 2]
    let wide = try matrixMultiply(x, constant(horizontal.transposedMatrix, name: "\(name).horizontal"))
    let turned = try permute(wide, swapped)
    let tall = try matrixMultiply(turned, constant(vertical.transposedMatrix, name: "\(name).vertical"))
    return try permute(tall, swapped)
  }
}

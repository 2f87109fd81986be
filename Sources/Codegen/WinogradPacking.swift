/// Filters as `WinogradKernel` reads them: G g Gᵀ, [result block][place][source channel][16].
struct WinogradPacking: WeightOrder {
  let weights: WeightPositions
  let resultBlocks: Int
  /// The filter's index at each of the offsets -1, 0, 1.
  let filterRows: [Int]
  let filterColumns: [Int]

  func pack(_ values: [Float]) -> [Float] {
    let lanes = Buffer.lanes
    let channels = weights.sourceChannels
    let place = channels * lanes
    var packed = [Float](repeating: 0, count: resultBlocks * 16 * place)
    packed.withUnsafeMutableBufferPointer { packed in
      values.withUnsafeBufferPointer { values in
        for result in 0..<weights.resultChannels {
          for channel in 0..<channels {
            let origin: Int = result * weights.resultStride + channel * weights.sourceStride
            func row(_ number: Int) -> SIMD4<Double> {
              let start: Int = origin + filterRows[number] * 3
              func tap(_ column: Int) -> Double { Double(values[start + filterColumns[column]]) }
              let (a, b, c): (Double, Double, Double) = (tap(0), tap(1), tap(2))
              return SIMD4(a, (a + b + c) / 2, (a - b + c) / 2, c)
            }
            let (a, b, c): (SIMD4<Double>, SIMD4<Double>, SIMD4<Double>) = (row(0), row(1), row(2))
            let start: Int = result / lanes * 16 * place + channel * lanes + result % lanes
            for j in 0..<4 {
              packed[start + j * place] = Float(a[j])
              packed[start + (4 + j) * place] = Float((a[j] + b[j] + c[j]) / 2)
              packed[start + (8 + j) * place] = Float((a[j] - b[j] + c[j]) / 2)
              packed[start + (12 + j) * place] = Float(c[j])
            }
          }
        }
      }
    }
    return packed
  }
}

/// Filters as `WinogradKernel` reads them: G g Gᵀ, [result block][place][source channel][16].
struct WinogradPacking: Hashable {
  let weights: WeightPositions
  let resultBlocks: Int
  /// The filter's index at each of the offsets -1, 0, 1.
  let filterRows: [Int]
  let filterColumns: [Int]

  private var place: Int { weights.sourceChannels * Buffer.lanes }

  var elementCount: Int { resultBlocks * 16 * place }

  func pack(_ values: UnsafeBufferPointer<Float>, into packed: UnsafeMutableBufferPointer<Float>) {
    let lanes = Buffer.lanes
    let place = place
    for result in 0..<weights.resultChannels {
      for channel in 0..<weights.sourceChannels {
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

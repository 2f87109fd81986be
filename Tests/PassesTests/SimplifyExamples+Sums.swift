extension SimplifyExample {
  static let sums: [SimplifyExample] = [
    SimplifyExample(
      "sum(x) over no or unit axes = reshape(x)", "%x: f32[2,1]",
      """
      %1 = sum(%x) {axes = [1]} : f32[2]
      return %1
      """,
      """
      %1 = reshape(%x) {shape = [2]} : f32[2]
      return %1
      """),
    SimplifyExample(
      "sum(sum(x)) = sum(x)", "%x: f32[2,3,4,5]",
      """
      %1 = sum(%x) {axes = [1]} : f32[2,4,5]
      %2 = sum(%1) {axes = [0, 2]} : f32[4]
      return %2
      """,
      """
      %1 = sum(%x) {axes = [0, 1, 3]} : f32[4]
      return %1
      """),
    SimplifyExample(
      "sum(broadcast(x)) = count · broadcast(sum(x))", xy,
      """
      %2 = broadcast(%x) {shape = [2, 4, 5, 3], axes = [0, 3]} : f32[2,4,5,3]
      %3 = sum(%2) {axes = [1, 3]} : f32[2,5]
      return %3
      """,
      """
      %2 = sum(%x) {axes = [1]} : f32[2]
      %3 = constant @scalar [4.0] : f32[]
      %4 = broadcast(%3) {shape = [2], axes = []} : f32[2]
      %5 = multiply(%2, %4) : f32[2]
      %6 = broadcast(%5) {shape = [2, 5], axes = [0]} : f32[2,5]
      return %6
      """),
    SimplifyExample(
      "sum(reshape(x)) that inserts or drops 1s = reshape(sum(x))", "%x: f32[2,1,3,4]",
      """
      %1 = reshape(%x) {shape = [2, 3, 4, 1]} : f32[2,3,4,1]
      %2 = sum(%1) {axes = [0, 2]} : f32[3,1]
      return %2
      """,
      """
      %1 = sum(%x) {axes = [0, 3]} : f32[1,3]
      %2 = reshape(%1) {shape = [3, 1]} : f32[3,1]
      return %2
      """),
    SimplifyExample(
      "sum(permute(x)) = permute(sum(x))", "%x: f32[2,3,4]",
      """
      %1 = permute(%x) {order = [2, 1, 0]} : f32[4,3,2]
      %2 = sum(%1) {axes = [1]} : f32[4,2]
      return %2
      """,
      """
      %1 = sum(%x) {axes = [1]} : f32[2,4]
      %2 = permute(%1) {order = [1, 0]} : f32[4,2]
      return %2
      """),
    SimplifyExample(
      "windowSum(x) over the whole plane = sum(x)", "%x: f32[2,3,4]",
      """
      %1 = windowSum(%x) {kernel = [4], strides = [1], pads = [0], dilations = [1], extents = [1]} : f32[2,3,1]
      return %1
      """,
      """
      %1 = sum(%x) {axes = [2]} : f32[2,3]
      %2 = reshape(%1) {shape = [2, 3, 1]} : f32[2,3,1]
      return %2
      """),
    SimplifyExample(
      "windowSum(pad(x)) = windowSum(x) with more padding", "%x: f32[1,2,4]",
      """
      %1 = pad(%x) {low = [0, 0, 1], high = [0, 0, 2], interior = [0, 0, 0]} : f32[1,2,7]
      %2 = windowSum(%1) {kernel = [3], strides = [2], pads = [1], dilations = [1], extents = [4]} : f32[1,2,4]
      return %2
      """,
      """
      %1 = windowSum(%x) {kernel = [3], strides = [2], pads = [2], dilations = [1], extents = [4]} : f32[1,2,4]
      return %1
      """),
    SimplifyExample(
      "windowSum(0) = 0", "%x: f32[2]",
      """
      %1 = constant @c [0] : f32[]
      %2 = broadcast(%1) {shape = [1, 1, 4], axes = []} : f32[1,1,4]
      %3 = windowSum(%2) {kernel = [3], strides = [1], pads = [1], dilations = [1], extents = [4]} : f32[1,1,4]
      return %3
      """,
      """
      %1 = constant @scalar [0.0] : f32[]
      %2 = broadcast(%1) {shape = [1, 1, 4], axes = []} : f32[1,1,4]
      return %2
      """),
    SimplifyExample(
      "convolution(pad(x), w) = convolution(x, w) with more padding", "%x: f32[1,2,5], %w: f32[3,2,3]",
      """
      %2 = pad(%x) {low = [0, 0, 2], high = [0, 0, 1], interior = [0, 0, 0]} : f32[1,2,8]
      %3 = convolution(%2, %w)\
       {solving = output, strides = [2], pads = [1], dilations = [1], groups = 1, shape = [1, 3, 4]} : f32[1,3,4]
      return %3
      """,
      """
      %2 = convolution(%x, %w)\
       {solving = output, strides = [2], pads = [3], dilations = [1], groups = 1, shape = [1, 3, 4]} : f32[1,3,4]
      return %2
      """),
    SimplifyExample(
      "matrixProduct(transpose x, transpose y) = matrixProduct(x, y) with flags", xy,
      """
      %2 = permute(%y) {order = [1, 0]} : f32[3,2]
      %3 = matrixProduct(%x, %2) {transposeLeft = false, transposeRight = false} : f32[2,2]
      return %3
      """,
      """
      %2 = matrixProduct(%x, %y) {transposeLeft = false, transposeRight = true} : f32[2,2]
      return %2
      """),
  ]
}

extension SimplifyExample {
  static let rearrangements: [SimplifyExample] = [
    SimplifyExample(
      "reshape(x) to its own shape = x", xy,
      """
      %2 = reshape(%x) {shape = [2, 3]} : f32[2,3]
      return %2
      """,
      "return %x"),
    SimplifyExample(
      "reshape(reshape(x)) = reshape(x)", xy,
      """
      %2 = reshape(%x) {shape = [6]} : f32[6]
      %3 = reshape(%2) {shape = [3, 2]} : f32[3,2]
      return %3
      """,
      """
      %2 = reshape(%x) {shape = [3, 2]} : f32[3,2]
      return %2
      """),
    SimplifyExample(
      "reshape(broadcast(scalar)) = broadcast(scalar)", "%s: f32[]",
      """
      %1 = broadcast(%s) {shape = [2, 3], axes = []} : f32[2,3]
      %2 = reshape(%1) {shape = [6]} : f32[6]
      return %2
      """,
      """
      %1 = broadcast(%s) {shape = [6], axes = []} : f32[6]
      return %1
      """),
    SimplifyExample(
      "reshape(broadcast(x)) that inserts or drops 1s = broadcast(reshape(x))", "%x: f32[1,3]",
      """
      %1 = broadcast(%x) {shape = [2, 1, 3], axes = [1, 2]} : f32[2,1,3]
      %2 = reshape(%1) {shape = [2, 3, 1]} : f32[2,3,1]
      return %2
      """,
      """
      %1 = reshape(%x) {shape = [3]} : f32[3]
      %2 = broadcast(%1) {shape = [2, 3, 1], axes = [1]} : f32[2,3,1]
      return %2
      """),
    SimplifyExample(
      "permute(x) in its own order = x", xy,
      """
      %2 = permute(%x) {order = [0, 1]} : f32[2,3]
      return %2
      """,
      "return %x"),
    SimplifyExample(
      "permute(permute(x)) = permute(x)", "%x: f32[2,3,4]",
      """
      %1 = permute(%x) {order = [1, 2, 0]} : f32[3,4,2]
      %2 = permute(%1) {order = [1, 0, 2]} : f32[4,3,2]
      return %2
      """,
      """
      %1 = permute(%x) {order = [2, 1, 0]} : f32[4,3,2]
      return %1
      """),
    SimplifyExample(
      "permute(x) that only moves 1s = reshape(x)", "%x: f32[2,1,3]",
      """
      %1 = permute(%x) {order = [1, 0, 2]} : f32[1,2,3]
      return %1
      """,
      """
      %1 = reshape(%x) {shape = [1, 2, 3]} : f32[1,2,3]
      return %1
      """),
    SimplifyExample(
      "permute(broadcast(x)) = broadcast(permute(x))", xy,
      """
      %2 = broadcast(%x) {shape = [2, 4, 3], axes = [0, 2]} : f32[2,4,3]
      %3 = permute(%2) {order = [2, 0, 1]} : f32[3,2,4]
      return %3
      """,
      """
      %2 = permute(%x) {order = [1, 0]} : f32[3,2]
      %3 = broadcast(%2) {shape = [3, 2, 4], axes = [0, 1]} : f32[3,2,4]
      return %3
      """),
    SimplifyExample(
      "broadcast(x) to its own shape = x", xy,
      """
      %2 = broadcast(%x) {shape = [2, 3], axes = [0, 1]} : f32[2,3]
      return %2
      """,
      "return %x"),
    SimplifyExample(
      "broadcast(broadcast(x)) = broadcast(x)", "%x: f32[3]",
      """
      %1 = broadcast(%x) {shape = [2, 3], axes = [1]} : f32[2,3]
      %2 = broadcast(%1) {shape = [2, 4, 3], axes = [0, 2]} : f32[2,4,3]
      return %2
      """,
      """
      %1 = broadcast(%x) {shape = [2, 4, 3], axes = [2]} : f32[2,4,3]
      return %1
      """),
    SimplifyExample(
      "broadcast(reshape(x)) that inserts 1s = broadcast(x)", xy,
      """
      %2 = reshape(%x) {shape = [2, 1, 3]} : f32[2,1,3]
      %3 = broadcast(%2) {shape = [4, 2, 1, 3], axes = [1, 2, 3]} : f32[4,2,1,3]
      return %3
      """,
      """
      %2 = broadcast(%x) {shape = [4, 2, 1, 3], axes = [1, 3]} : f32[4,2,1,3]
      return %2
      """),
    SimplifyExample(
      "pad(x) by nothing = x", xy,
      """
      %2 = pad(%x) {low = [0, 0], high = [0, 0], interior = [0, 0]} : f32[2,3]
      return %2
      """,
      "return %x"),
    SimplifyExample(
      "pad(pad(x)) = pad(x)", "%x: f32[2]",
      """
      %1 = pad(%x) {low = [1], high = [2], interior = [0]} : f32[5]
      %2 = pad(%1) {low = [3], high = [0], interior = [1]} : f32[12]
      return %2
      """,
      """
      %1 = pad(%x) {low = [5], high = [4], interior = [1]} : f32[12]
      return %1
      """),
    SimplifyExample(
      "pad(0) = 0", "%x: f32[2]",
      """
      %1 = constant @c [0] : f32[]
      %2 = broadcast(%1) {shape = [2], axes = []} : f32[2]
      %3 = pad(%2) {low = [1], high = [1], interior = [0]} : f32[4]
      return %3
      """,
      """
      %1 = constant @scalar [0.0] : f32[]
      %2 = broadcast(%1) {shape = [4], axes = []} : f32[4]
      return %2
      """),
    SimplifyExample(
      "slice(x) of everything = x", xy,
      """
      %2 = slice(%x) {start = [0, 0], limit = [2, 3], stride = [1, 1]} : f32[2,3]
      return %2
      """,
      "return %x"),
    SimplifyExample(
      "slice(slice(x)) = slice(x)", "%x: f32[20]",
      """
      %1 = slice(%x) {start = [1], limit = [18], stride = [3]} : f32[6]
      %2 = slice(%1) {start = [1], limit = [6], stride = [2]} : f32[3]
      return %2
      """,
      """
      %1 = slice(%x) {start = [4], limit = [17], stride = [6]} : f32[3]
      return %1
      """),
    SimplifyExample(
      "slice(concatenate(x, y)) within x = slice(x)", xy,
      """
      %2 = concatenate(%x, %y) {axis = 1} : f32[2,6]
      %3 = slice(%2) {start = [0, 4], limit = [2, 6], stride = [1, 1]} : f32[2,2]
      return %3
      """,
      """
      %2 = slice(%y) {start = [0, 1], limit = [2, 3], stride = [1, 1]} : f32[2,2]
      return %2
      """),
    SimplifyExample(
      "slice(broadcast(x)) = broadcast(slice(x))", "%x: f32[3]",
      """
      %1 = broadcast(%x) {shape = [4, 3], axes = [1]} : f32[4,3]
      %2 = slice(%1) {start = [1, 0], limit = [4, 2], stride = [2, 1]} : f32[2,2]
      return %2
      """,
      """
      %1 = slice(%x) {start = [0], limit = [2], stride = [1]} : f32[2]
      %2 = broadcast(%1) {shape = [2, 2], axes = [1]} : f32[2,2]
      return %2
      """),
    SimplifyExample(
      "slice(pad(x)) within x = slice(x)", "%x: f32[4]",
      """
      %1 = pad(%x) {low = [2], high = [1], interior = [0]} : f32[7]
      %2 = slice(%1) {start = [3], limit = [6], stride = [1]} : f32[3]
      return %2
      """,
      """
      %1 = slice(%x) {start = [1], limit = [4], stride = [1]} : f32[3]
      return %1
      """),
    SimplifyExample(
      "concatenate(x) = x", xy,
      """
      %2 = concatenate(%x) {axis = 0} : f32[2,3]
      return %2
      """,
      "return %x"),
    SimplifyExample(
      "gather(x, start + i · stride) = slice(x)", "%x: f32[2,9]",
      """
      %1 = constant @i [1, 4, 7] : i64[3]
      %2 = gather(%x, %1) {axis = 1} : f32[2,3]
      return %2
      """,
      """
      %1 = slice(%x) {start = [0, 1], limit = [2, 8], stride = [1, 3]} : f32[2,3]
      return %1
      """),
    SimplifyExample(
      "scatter(0) = untake(0) = windowSpread(0) = 0", "%i: i64[2]",
      """
      %1 = constant @c [0] : f32[]
      %2 = broadcast(%1) {shape = [2], axes = []} : f32[2]
      %3 = untake(%2, %i) {batchRank = 0, inner = [4]} : f32[4]
      return %3
      """,
      """
      %1 = constant @scalar [0.0] : f32[]
      %2 = broadcast(%1) {shape = [4], axes = []} : f32[4]
      return %2
      """),
  ]
}

/// For each law of Simplify a graph that it applies to.
struct SimplifyExample: Sendable, CustomStringConvertible {
  let law: String
  let inputs: String
  let before: String
  let after: String
  var description: String { law }

  init(_ law: String, _ inputs: String, _ before: String, _ after: String) {
    self.law = law
    self.inputs = inputs
    self.before = before
    self.after = after
  }

  static let all: [SimplifyExample] = elementwise + rearrangements + sums

  static let xy = "%x: f32[2,3], %y: f32[2,3]"

  private static func constant(_ number: Double, _ use: String) -> String {
    """
    %2 = constant @c [\(number)] : f32[]
    %3 = broadcast(%2) {shape = [2, 3], axes = []} : f32[2,3]
    %4 = \(use)
    return %4
    """
  }

  static let elementwise: [SimplifyExample] = [
    SimplifyExample(
      "x + 0 = x", xy,
      constant(0, "add(%3, %x) : f32[2,3]"),
      "return %x"),
    SimplifyExample(
      "x - 0 = x", xy,
      constant(0, "subtract(%x, %3) : f32[2,3]"),
      "return %x"),
    SimplifyExample(
      "0 - x = -x", xy,
      constant(0, "subtract(%3, %x) : f32[2,3]"),
      """
      %2 = negate(%x) : f32[2,3]
      return %2
      """),
    SimplifyExample(
      "x · 1 = x", xy,
      constant(1, "multiply(%x, %3) : f32[2,3]"),
      "return %x"),
    SimplifyExample(
      "x · -1 = -x", xy,
      constant(-1, "multiply(%3, %x) : f32[2,3]"),
      """
      %2 = negate(%x) : f32[2,3]
      return %2
      """),
    SimplifyExample(
      "x / 1 = x", xy,
      constant(1, "divide(%x, %3) : f32[2,3]"),
      "return %x"),
    SimplifyExample(
      "-(-x) = x", xy,
      """
      %2 = negate(%x) : f32[2,3]
      %3 = negate(%2) : f32[2,3]
      return %3
      """,
      "return %x"),
    SimplifyExample(
      "-(x - y) = y - x", xy,
      """
      %2 = subtract(%x, %y) : f32[2,3]
      %3 = negate(%2) : f32[2,3]
      return %3
      """,
      """
      %2 = subtract(%y, %x) : f32[2,3]
      return %2
      """),
    SimplifyExample(
      "x + -y = x - y", xy,
      """
      %2 = negate(%x) : f32[2,3]
      %3 = add(%2, %y) : f32[2,3]
      return %3
      """,
      """
      %2 = subtract(%y, %x) : f32[2,3]
      return %2
      """),
    SimplifyExample(
      "x - -y = x + y", xy,
      """
      %2 = negate(%y) : f32[2,3]
      %3 = subtract(%x, %2) : f32[2,3]
      return %3
      """,
      """
      %2 = add(%x, %y) : f32[2,3]
      return %2
      """),
    SimplifyExample(
      "-x · -y = x · y", xy,
      """
      %2 = negate(%x) : f32[2,3]
      %3 = negate(%y) : f32[2,3]
      %4 = multiply(%2, %3) : f32[2,3]
      return %4
      """,
      """
      %2 = multiply(%x, %y) : f32[2,3]
      return %2
      """),
    SimplifyExample(
      "(x · a) · b = x · (a · b) for numbers a and b", xy,
      """
      %2 = constant @c [2] : f32[]
      %3 = broadcast(%2) {shape = [2, 3], axes = []} : f32[2,3]
      %4 = multiply(%3, %x) : f32[2,3]
      %5 = constant @d [3] : f32[]
      %6 = broadcast(%5) {shape = [2, 3], axes = []} : f32[2,3]
      %7 = multiply(%4, %6) : f32[2,3]
      return %7
      """,
      """
      %2 = constant @scalar [6.0] : f32[]
      %3 = broadcast(%2) {shape = [2, 3], axes = []} : f32[2,3]
      %4 = multiply(%x, %3) : f32[2,3]
      return %4
      """),
    SimplifyExample(
      "x ^ 1 = x", xy,
      constant(1, "power(%x, %3) : f32[2,3]"),
      "return %x"),
    SimplifyExample(
      "x ^ 2 = x · x", xy,
      constant(2, "power(%x, %3) : f32[2,3]"),
      """
      %2 = multiply(%x, %x) : f32[2,3]
      return %2
      """),
    SimplifyExample(
      "select(c, x, x) = x", xy,
      """
      %2 = less(%x, %y) : bool[2,3]
      %3 = select(%2, %x, %x) : f32[2,3]
      return %3
      """,
      "return %x"),
    SimplifyExample(
      "select(true, x, y) = x, select(false, x, y) = y", xy,
      """
      %2 = constant @c [true] : bool[]
      %3 = broadcast(%2) {shape = [2, 3], axes = []} : bool[2,3]
      %4 = select(%3, %x, %y) : f32[2,3]
      return %4
      """,
      "return %x"),
    SimplifyExample(
      "select(not c, x, y) = select(c, y, x)", xy,
      """
      %2 = less(%x, %y) : bool[2,3]
      %3 = logicalNot(%2) : bool[2,3]
      %4 = select(%3, %x, %y) : f32[2,3]
      return %4
      """,
      """
      %2 = less(%x, %y) : bool[2,3]
      %3 = select(%2, %y, %x) : f32[2,3]
      return %3
      """),
    SimplifyExample(
      "select(c, select(c, x, _), select(c, _, y)) = select(c, x, y)", xy,
      """
      %2 = less(%x, %y) : bool[2,3]
      %3 = exponential(%x) : f32[2,3]
      %4 = select(%2, %x, %3) : f32[2,3]
      %5 = select(%2, %3, %y) : f32[2,3]
      %6 = select(%2, %4, %5) : f32[2,3]
      return %6
      """,
      """
      %2 = less(%x, %y) : bool[2,3]
      %3 = select(%2, %x, %y) : f32[2,3]
      return %3
      """),
    SimplifyExample(
      "not(not c) = c", xy,
      """
      %2 = less(%x, %y) : bool[2,3]
      %3 = logicalNot(%2) : bool[2,3]
      %4 = logicalNot(%3) : bool[2,3]
      %5 = convert(%4) {to = f32} : f32[2,3]
      return %5
      """,
      """
      %2 = less(%x, %y) : bool[2,3]
      %3 = convert(%2) {to = f32} : f32[2,3]
      return %3
      """),
    SimplifyExample(
      "f(broadcast x, broadcast y) = broadcast f(x, y)", "%x: f32[3], %y: f32[3], %s: f32[]",
      """
      %3 = broadcast(%x) {shape = [2, 3], axes = [1]} : f32[2,3]
      %4 = broadcast(%y) {shape = [2, 3], axes = [1]} : f32[2,3]
      %5 = broadcast(%s) {shape = [2, 3], axes = []} : f32[2,3]
      %6 = clip(%3, %5, %4) : f32[2,3]
      return %6
      """,
      """
      %3 = broadcast(%s) {shape = [3], axes = []} : f32[3]
      %4 = clip(%x, %3, %y) : f32[3]
      %5 = broadcast(%4) {shape = [2, 3], axes = [1]} : f32[2,3]
      return %5
      """),
    SimplifyExample(
      "f(reshape x, reshape y) = reshape f(x, y)", xy,
      """
      %2 = reshape(%x) {shape = [6]} : f32[6]
      %3 = reshape(%y) {shape = [6]} : f32[6]
      %4 = constant @c [4] : f32[]
      %5 = broadcast(%4) {shape = [6], axes = []} : f32[6]
      %6 = clip(%2, %3, %5) : f32[6]
      return %6
      """,
      """
      %2 = constant @scalar [4.0] : f32[]
      %3 = broadcast(%2) {shape = [2, 3], axes = []} : f32[2,3]
      %4 = clip(%x, %y, %3) : f32[2,3]
      %5 = reshape(%4) {shape = [6]} : f32[6]
      return %5
      """),
    SimplifyExample(
      "f(permute x, permute y) = permute f(x, y)", xy,
      """
      %2 = permute(%x) {order = [1, 0]} : f32[3,2]
      %3 = permute(%y) {order = [1, 0]} : f32[3,2]
      %4 = add(%2, %3) : f32[3,2]
      return %4
      """,
      """
      %2 = add(%x, %y) : f32[2,3]
      %3 = permute(%2) {order = [1, 0]} : f32[3,2]
      return %3
      """),
    SimplifyExample(
      "convert(x) to its own type = x", xy,
      """
      %2 = convert(%x) {to = f32} : f32[2,3]
      return %2
      """,
      "return %x"),
    SimplifyExample(
      "convert(convert(x)) to a wider type and back = x", xy,
      """
      %2 = convert(%x) {to = f64} : f64[2,3]
      %3 = convert(%2) {to = f32} : f32[2,3]
      return %3
      """,
      "return %x"),
  ]
}

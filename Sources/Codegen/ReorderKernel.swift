import IR
import Operators
import TensorTypes

/// Copies an image between row-major order and blocks of channels, 16 channels by 16 positions at a time.
///
/// It serves reorders, and reshapes of images in blocks to and from other shapes, since they keep the row-major order.
struct ReorderKernel {
  private static let positionsOfTask = 512

  private let image: Buffer
  private let intoBlocks: Bool

  /// Nil for a region that does anything else.
  init?(_ region: Region) {
    let operations = region.body.nodes.compactMap(\.operation)
    guard operations.count == 1, operations[0] is Reorder || operations[0] is Reshape, region.operands.count == 1,
      region.result.type.element == .float32, region.operands[0].layout != region.result.layout
    else { return nil }
    intoBlocks = region.result.layout == .blocked
    image = intoBlocks ? region.result : region.operands[0]
  }

  func kernel() -> KernelText {
    let plane = image.shape[2] * image.shape[3]
    let channels = image.shape[1]
    let pieces = (plane + Self.positionsOfTask - 1) / Self.positionsOfTask
    let blocks = image.channelBlocks
    let last = channels - (blocks - 1) * Buffer.lanes
    let (source, target) = ("const float *restrict", "float *restrict")
    var lines = [
      "\(intoBlocks ? source : target) rows = (\(intoBlocks ? "const " : "")float *)operands[\(intoBlocks ? 0 : 1)];",
      "\(intoBlocks ? target : source) vectors = (\(intoBlocks ? "" : "const ")float *)operands[\(intoBlocks ? 1 : 0)];",
      "for (long task = first; task < end; task++) {",
      "const long piece = task % \(pieces), block = task / \(pieces) % \(blocks), image = task / \(pieces * blocks);",
      "\(intoBlocks ? source : target) r = rows + (image * \(channels)L + block * 16) * \(plane)L;",
      "\(intoBlocks ? target : source) v = vectors + (image * \(blocks)L + block) * \(plane * Buffer.lanes)L;",
      "const long start = piece * \(Self.positionsOfTask);",
      "const long stop = start + \(Self.positionsOfTask) < \(plane) ? start + \(Self.positionsOfTask) : \(plane);",
    ]
    if last == Buffer.lanes {
      lines += copy(Buffer.lanes, plane)
    } else {
      lines += ["if (block < \(blocks - 1)) {"] + copy(Buffer.lanes, plane) + ["} else {"] + copy(last, plane) + ["}"]
    }
    lines.append("}")
    return KernelText(
      functions: [KernelFunction(parameters: "v16 *m", body: Self.transposition, isShared: false)],
      body: lines.joined(separator: "\n"), taskCount: image.shape[0] * blocks * pieces)
  }

  /// One block of `channels` channels, at the positions from `start` to `stop`.
  private func copy(_ channels: Int, _ plane: Int) -> [String] {
    let lanes = 0..<Buffer.lanes
    let row = { (lane: Int) in "r + p + \(lane * plane)L" }
    let vector = { (position: Int) in "v + p * 16 + \(position * Buffer.lanes)" }
    let loads = lanes.map { lane in
      intoBlocks ? (lane < channels ? "v_load(\(row(lane)))" : "(v16){0}") : "v_load(\(vector(lane)))"
    }
    let stores =
      intoBlocks
      ? lanes.map { "v_store(\(vector($0)), m[\($0)]);" } : (0..<channels).map { "v_store(\(row($0)), m[\($0)]);" }
    let rest =
      intoBlocks
      ? "for (long l = 0; l < 16; l++) v[p * 16 + l] = l < \(channels) ? r[l * \(plane)L + p] : 0;"
      : "for (long l = 0; l < \(channels); l++) r[l * \(plane)L + p] = v[p * 16 + l];"
    return [
      "long p = start;", "for (; p + 16 <= stop; p += 16) {", "v16 m[16] = {\(loads.joined(separator: ", "))};",
      "FUNCTION_0(m);",
    ] + stores + ["}", "for (; p < stop; p++) {", rest, "}"]
  }

  /// A matrix of 16 by 16 is transposed by exchanging its halves' off-diagonal parts, at each of four sizes.
  private static let transposition: String = {
    var lines: [String] = []
    for distance in [8, 4, 2, 1] {
      for row in 0..<Buffer.lanes where row & distance == 0 {
        let upper = (0..<Buffer.lanes).map { "\($0 & distance == 0 ? $0 : Buffer.lanes + $0 - distance)" }
        let lower = (0..<Buffer.lanes).map { "\($0 & distance == 0 ? $0 + distance : Buffer.lanes + $0)" }
        lines.append("{ const v16 a = m[\(row)], b = m[\(row + distance)];")
        lines.append("m[\(row)] = __builtin_shufflevector(a, b, \(upper.joined(separator: ", ")));")
        lines.append("m[\(row + distance)] = __builtin_shufflevector(a, b, \(lower.joined(separator: ", "))); }")
      }
    }
    return lines.joined(separator: "\n")
  }()
}

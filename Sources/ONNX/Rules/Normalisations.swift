import IR
import Operators
import TensorTypes

extension ImportRule {
  static let normalisations: [String: ImportRule] = [
    "BatchNormalization": ImportRule(5...5, outputs: 1...5, batchNormalization),
    "InstanceNormalization": ImportRule(3...3, instanceNormalization),
    "LayerNormalization": ImportRule(2...3, outputs: 1...3, layerNormalization),
    "Softmax": ImportRule(1...1) { node in
      let x = try node.operand(0)
      return try node.builder.softmax(x, axes: try softmaxAxes(node, x))
    },
    "LogSoftmax": ImportRule(1...1) { node in
      let x = try node.operand(0)
      return try node.builder.logSoftmax(x, axes: try softmaxAxes(node, x))
    },
    "Dropout": ImportRule(1...3, outputs: 1...2, dropout),
  ]

  /// Up to operator set 12 the input is taken as a matrix, flattened at `axis`; since 13 one axis is normalised.
  private static func softmaxAxes(_ node: NodeImport, _ x: Value) throws -> [Int] {
    try node.requireFloat(x)
    let rank = node.shape(x).rank
    if node.opset >= 13 { return [try node.axis(try node.integer("axis", default: -1), rank: rank)] }
    let axis = try node.integer("axis", default: 1)
    return Array((axis == rank ? rank : try node.axis(axis, rank: rank))..<rank)
  }

  /// BatchNormalization-7, -9, -14, -15 in inference.
  private static func batchNormalization(_ node: NodeImport) throws -> [Value] {
    node.ignore("momentum")
    if try node.flag("training_mode") { throw ImportProblem("attribute training_mode is 1; inference (0) is accepted") }
    if try node.integer("spatial", default: 1) != 1 { throw ImportProblem("attribute spatial is 0; 1 is accepted") }
    let x = try node.operand(0)
    try node.requireFloat(x)
    guard node.shape(x).rank >= 2 else {
      throw ImportProblem("its input has the shape \(node.shape(x)); rank 2 or more is expected")
    }
    var statistics: [Value] = []
    for index in 1...4 {
      let value = try node.operand(index)
      guard node.shape(value) == [node.shape(x)[1]] else {
        throw ImportProblem("input \(index) has the shape \(node.shape(value)); [\(node.shape(x)[1])] is expected")
      }
      statistics.append(try node.builder.convert(value, to: node.element(x)))
    }
    return [
      try node.builder.batchNormalization(
        x, scale: statistics[0], bias: statistics[1], mean: statistics[2], variance: statistics[3],
        epsilon: try node.float("epsilon", default: 1e-5))
    ]
  }

  /// (x − mean) / √(variance + epsilon) over `axes`, kept with extent 1; with the statistics.
  private static func standardise(_ x: Value, axes: [Int], epsilon: Double, _ builder: GraphBuilder) throws
    -> (result: Value, mean: Value, inverseDeviation: Value)
  {
    let mean = try builder.mean(x, axes: axes, keepAxes: true)
    let centered = try builder.subtract(x, mean)
    let variance = try builder.mean(try builder.multiply(centered, centered), axes: axes, keepAxes: true)
    let deviation = try builder.elementwise(.squareRoot, try builder.add(variance, epsilon))
    let inverse = try builder.divide(builder.scalar(1, like: x), deviation)
    return (try builder.multiply(centered, inverse), mean, inverse)
  }

  private static func instanceNormalization(_ node: NodeImport) throws -> Value {
    let x = try node.operand(0)
    let builder = node.builder
    try node.requireFloat(x)
    let shape = node.shape(x)
    guard shape.rank >= 3 else { throw ImportProblem("its input has the shape \(shape); rank 3 or more is expected") }
    let epsilon = try node.float("epsilon", default: 1e-5)
    let scale = try builder.broadcast(try node.operand(1), to: shape, axes: [1])
    let bias = try builder.broadcast(try node.operand(2), to: shape, axes: [1])
    let standard = try standardise(x, axes: Array(2..<shape.rank), epsilon: epsilon, builder).result
    return try builder.add(try builder.multiply(standard, scale), bias)
  }

  private static func layerNormalization(_ node: NodeImport) throws -> [Value] {
    let x = try node.operand(0)
    let scale = try node.operand(1)
    let builder = node.builder
    try node.requireFloat(x)
    node.ignore("stash_type")
    let rank = node.shape(x).rank
    let axis = try node.axis(try node.integer("axis", default: -1), rank: rank)
    let epsilon = try node.float("epsilon", default: 1e-5)
    let (standard, mean, inverse) = try standardise(x, axes: Array(axis..<rank), epsilon: epsilon, builder)
    try node.requireBroadcast(scale, to: node.shape(x))
    var result = try builder.multiply(standard, scale)
    if let bias = node.optional(2) {
      try node.requireBroadcast(bias, to: node.shape(x))
      result = try builder.add(result, bias)
    }
    return [result, mean, inverse]
  }

  /// Dropout passes its operand on; the mask, where asked for, keeps everything.
  private static func dropout(_ node: NodeImport) throws -> [Value] {
    node.ignore("ratio")
    node.ignore("seed")
    if node.optional(2) != nil, try node.knownScalar(2, "training_mode") != 0 {
      throw ImportProblem("training_mode is true; inference (false) is accepted")
    }
    let x = try node.operand(0)
    if node.node.outputs.count < 2 { return [x] }
    let mask = node.builder.scalar(1, .boolean)
    return [x, try node.builder.broadcast(node.opset < 10 ? node.builder.scalar(1, like: x) : mask, to: node.shape(x))]
  }
}

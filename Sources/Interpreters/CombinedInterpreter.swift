import IR
import Operators
import TensorTypes

/// Several interpreters at once: their maps one below the other, all at the size of the largest.
///
/// Smaller maps repeat their places, so that the mean difference of two such maps is the mean over the interpreters of that
/// of their own, where the sizes divide. The raw range is the smallest of theirs, so that one blank map makes the whole
/// blank.
public struct CombinedInterpreter: Interpreter {
  public let name: String
  /// Outputs `logits`, and those of each interpreter with its number ahead.
  public var network: Graph
  /// The weight of each interpreter's mean squared difference in the loss of an attack.
  public let weights: [Double]
  /// [B, interpreters · h, w]
  public let mapShape: Shape
  public let sweeps: SweepCounts
  private let interpreters: [any Interpreter]

  public var count: Int { interpreters.count }
  /// The size that each map has by itself, [B, h, w].
  public var ownShapes: [Shape] { interpreters.map(\.mapShape) }

  /// - Parameters:
  ///   - interpreters: of one classifier; at least one.
  ///   - weights: one for each.
  public init(_ interpreters: [any Interpreter], weights: [Double]) throws(TypeError) {
    guard let first = interpreters.first, weights.count == interpreters.count else {
      throw TypeError("combinedInterpreter", "as many weights as interpreters are expected, and at least one", [])
    }
    self.interpreters = interpreters
    self.weights = weights
    name = interpreters.map(\.name).joined(separator: ",")
    let shapes = interpreters.map(\.mapShape)
    let height = shapes.map { $0[1] }.max() ?? 0
    mapShape = [first.mapShape[0], interpreters.count * height, shapes.map { $0[2] }.max() ?? 0]
    var sweeps = SweepCounts()
    for own in interpreters.map(\.sweeps) {
      sweeps.forward += own.forward
      sweeps.backward += own.backward
      sweeps.secondOrder += own.secondOrder
    }
    self.sweeps = sweeps
    let builder = GraphBuilder()
    let input = first.network.inputs[0]
    let x = builder.input(first.network.name(ofInput: input), first.network[input].type)
    var outputs: [(String, Value)] = []
    for (index, interpreter) in interpreters.enumerated() {
      let values = try builder.inline(interpreter.network, inputs: [interpreter.network.inputs[0]: x])
      for output in interpreter.network.outputs {
        outputs.append(("\(index).\(output.name)", values[output.value.index]))
        if index == 0, output.name == "logits" { outputs.append((output.name, values[output.value.index])) }
      }
    }
    network = builder.finish(name: first.network.name, outputs: outputs)
  }

  public func appendMap(ofClasses classes: Value, to builder: GraphBuilder) throws(TypeError) -> AttributionMap {
    try combined(builder) { (interpreter) throws(TypeError) in
      try interpreter.appendMap(ofClasses: classes, to: builder)
    }
  }

  public func appendDifferentiableMap(ofClasses classes: Value, to builder: GraphBuilder) throws(TypeError)
    -> AttributionMap
  {
    try combined(builder) { (interpreter) throws(TypeError) in
      try interpreter.appendDifferentiableMap(ofClasses: classes, to: builder)
    }
  }

  private func combined(
    _ builder: GraphBuilder, _ append: (any Interpreter) throws(TypeError) -> AttributionMap
  ) throws(TypeError) -> AttributionMap {
    let size = [mapShape[1] / count, mapShape[2]]
    var maps: [Value] = []
    var lows: [Value] = []
    var extents: [Value] = []
    for (index, interpreter) in interpreters.enumerated() {
      let map = try append(onItsOutputs(interpreter, index))
      maps.append(try builder.repeated(map.normalised, to: size))
      lows.append(try builder.reshape(map.low, [mapShape[0], 1]))
      extents.append(try builder.reshape(map.extent, [mapShape[0], 1]))
    }
    return AttributionMap(
      normalised: try builder.append(Concatenate(axis: 1), maps),
      low: try builder.minimum(try builder.append(Concatenate(axis: 1), lows), axes: [1]),
      extent: try builder.minimum(try builder.append(Concatenate(axis: 1), extents), axes: [1]))
  }

  /// The interpreter on this network, with its own outputs alone.
  private func onItsOutputs(_ interpreter: any Interpreter, _ index: Int) -> any Interpreter {
    var interpreter = interpreter
    let prefix = "\(index)."
    let own = network.outputs.filter { $0.name.hasPrefix(prefix) }
    interpreter.network = Graph(
      name: network.name, nodes: network.nodes, inputs: network.inputs,
      outputs: own.map { Graph.Output(name: String($0.name.dropFirst(prefix.count)), value: $0.value) },
      isClosed: network.isClosed)
    return interpreter
  }
}

extension GraphBuilder {
  /// [B, h, w] at a larger size, each place being that of the nearest lower index in proportion.
  fileprivate func repeated(_ map: Value, to size: [Int]) throws(TypeError) -> Value {
    var map = map
    for axis in 1...2 where shape(of: map)[axis] != size[axis - 1] {
      let extent = shape(of: map)[axis]
      let sources = (0..<size[axis - 1]).map { Int64($0 * extent / size[axis - 1]) }
      map = try append(Gather(axis: axis), [map, constant(HostTensor([sources.count], sources), name: "places")])
    }
    return map
  }
}

import IR
import Operators
import TensorTypes

extension Graph {
  /// The directional derivative: outputs of this graph, then `tangent.<output>` for each floating-point output that depends
  /// on an input, given a further input `tangent.<input>` for each floating-point input.
  public func pushforward() throws(TypeError) -> Graph {
    let builder = GraphBuilder(continuing: self)
    var tangents: [Value: Value] = [:]
    for input in inputs where self[input].type.element.isFloatingPoint {
      tangents[input] = builder.input("tangent.\(name(ofInput: input))", self[input].type)
    }
    var results = outputs.map { ($0.name, $0.value) }
    for (output, tangent) in zip(outputs, try builder.pushforward(outputs.map(\.value), along: tangents)) {
      if let tangent { results.append(("tangent.\(output.name)", tangent)) }
    }
    return builder.finish(name: "\(name).pushforward", outputs: results)
  }

  /// The transposed derivative: outputs of this graph, then `cotangent.<input>` for each floating-point input, given a
  /// further input `cotangent.<output>` for each floating-point output.
  public func pullback() throws(TypeError) -> Graph {
    let builder = GraphBuilder(continuing: self)
    let sources = inputs.filter { self[$0].type.element.isFloatingPoint }
    var cotangents: [(of: Value, is: Value)] = []
    for output in outputs where self[output.value].type.element.isFloatingPoint {
      cotangents.append((output.value, builder.input("cotangent.\(output.name)", self[output.value].type)))
    }
    var results = outputs.map { ($0.name, $0.value) }
    for (input, cotangent) in zip(sources, try builder.pullback(cotangents, to: sources)) {
      results.append(("cotangent.\(name(ofInput: input))", cotangent))
    }
    return builder.finish(name: "\(name).pullback", outputs: results)
  }

  /// The gradient of the sum of one output's elements: outputs of this graph, then `gradient.<input>` for the named inputs.
  public func gradient(of output: String, withRespectTo names: [String]) throws(TypeError) -> Graph {
    let builder = GraphBuilder(continuing: self)
    guard let objective = self.output(named: output), case let sources = names.compactMap(input(named:)),
      sources.count == names.count
    else { throw TypeError("gradient", "graph @\(name) lacks output \(output) or one of the inputs \(names)", []) }
    let one = try builder.broadcast(builder.scalar(1, like: objective), to: builder.shape(of: objective))
    let gradients = try builder.pullback([(objective, one)], to: sources)
    let results = outputs.map { ($0.name, $0.value) } + zip(names, gradients).map { ("gradient.\($0)", $1) }
    return builder.finish(name: "\(name).gradient", outputs: results)
  }

  /// The Hessian-vector product of the sum of one output's elements with respect to one input: outputs of this graph, the
  /// gradient, then `hvp.<input>`, along a further input `direction.<input>`. Forward over reverse.
  public func hessianVectorProduct(of output: String, withRespectTo name: String) throws(TypeError) -> Graph {
    let gradient = try gradient(of: output, withRespectTo: [name])
    let builder = GraphBuilder(continuing: gradient)
    guard let source = gradient.input(named: name), let value = gradient.output(named: "gradient.\(name)") else {
      throw TypeError("hessianVectorProduct", "graph @\(self.name) has no input \(name)", [])
    }
    let direction = builder.input("direction.\(name)", gradient[source].type)
    let product = try builder.pushforward([value], along: [source: direction])[0]
    let result: Value
    if let product { result = product } else { result = try builder.zeros(like: source) }
    return builder.finish(
      name: "\(self.name).hessianVectorProduct",
      outputs: gradient.outputs.map { ($0.name, $0.value) } + [("hvp.\(name)", result)])
  }
}

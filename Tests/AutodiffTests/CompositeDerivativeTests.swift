import Autodiff
import IR
import Operators
import TensorTypes
import TestSupport
import Testing

@Suite struct CompositeDerivativeTests {
  @Test(arguments: SampleComposite.all)
  func bothDerivativesHoldToSecondOrder(composite: SampleComposite) throws {
    try Laws.derivativesHold(composite.graph(), composite.inputs)
  }

  @Test(arguments: SampleComposite.all)
  func theTextFormOfGraphAndGradientParsesBack(composite: SampleComposite) throws {
    let graph = try composite.graph()
    try Laws.textParsesBack(graph)
    try Laws.textParsesBack(try graph.pullback())
    try Laws.textParsesBack(try graph.pushforward())
  }

  @Test(arguments: SampleComposite.all)
  func theGradientIsThatOfTheSum(composite: SampleComposite) throws {
    let graph = try composite.graph()
    let names = graph.inputs.map(graph.name(ofInput:))
    let gradient = try graph.gradient(of: "y", withRespectTo: names)
    try gradient.verify()
    let gradients: [HostTensor] = Array(try gradient.evaluate(composite.inputs).dropFirst())
    let ones = HostTensor.filled(graph[graph.outputs[0].value].type, with: 1)
    let cotangents: [HostTensor] = Array(try graph.pullback().evaluate(composite.inputs + [ones]).dropFirst())
    #expect(gradients == cotangents)
  }

  @Test(arguments: SampleComposite.all)
  func theHessianVectorProductIsTheDerivativeOfTheGradient(composite: SampleComposite) throws {
    let graph = try composite.graph()
    var generator = SeededGenerator(seed: 41)
    let input = composite.inputs[0]
    let direction = generator.direction(input.type)
    let product = try graph.hessianVectorProduct(of: "y", withRespectTo: "x0")
    try product.verify()
    let found = try #require(try product.evaluate(composite.inputs + [direction]).last as HostTensor?)
    let gradient = try graph.gradient(of: "y", withRespectTo: ["x0"])
    let still = composite.inputs.dropFirst().map { HostTensor.zeros($0.type) }
    let expected = try gradient.centralDifferences(at: composite.inputs, along: [direction] + still)[1]
    #expect(relativeError(found, expected) <= 1e-7 || found.doubles.allSatisfy { abs($0) < 1e-9 })
  }
}

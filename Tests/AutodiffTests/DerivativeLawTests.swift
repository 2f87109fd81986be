import Autodiff
import IR
import Operators
import TensorTypes
import TestSupport
import Testing

@Suite struct DerivativeLawTests {
  @Test(arguments: Samples.differentiable)
  func thePushforwardAgreesWithCentralDifferences(sample: Sample) throws {
    try Laws.pushforwardAgreesWithDifferences(sample.graph(), sample.operands)
  }

  @Test(arguments: Samples.differentiable)
  func thePullbackIsTheAdjointOfThePushforward(sample: Sample) throws {
    try Laws.pullbackIsAdjoint(sample.graph(), sample.operands)
  }

  @Test(arguments: Samples.differentiable)
  func bothHoldOnTheGradientGraph(sample: Sample) throws {
    try Laws.derivativesHold(sample.graph(), sample.operands)
  }
}

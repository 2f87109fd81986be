import IR
import Operators
import TensorTypes
import TestSupport
import Testing

@Suite struct CatalogueTests {
  @Test(arguments: Catalog.operators.keys.sorted())
  func everyOperatorHasTwoSamples(mnemonic: String) {
    #expect(Samples.all.count { $0.operation.mnemonic == mnemonic } >= 2, "add samples of \(mnemonic) to TestSupport")
  }

  @Test(arguments: Samples.all)
  func theCatalogueKnowsTheOperatorOfEverySample(sample: Sample) throws {
    let make = try #require(Catalog.operators[sample.operation.mnemonic])
    let made = try make(sample.operation.attributes)
    #expect(made.mnemonic == sample.operation.mnemonic)
    #expect(made.attributes == sample.operation.attributes)
  }

  @Test(arguments: Samples.all)
  func theResultHasTheDerivedType(sample: Sample) throws {
    try Laws.outputsHaveTheirTypes(sample.graph(), sample.operands)
  }

  @Test(arguments: Samples.all)
  func theTextFormParsesBack(sample: Sample) throws {
    try Laws.textParsesBack(sample.graph())
  }

  /// The type rule of an operator never accepts one operand more than its samples have.
  @Test(arguments: Samples.all)
  func anOperandTooManyIsRefused(sample: Sample) throws {
    let types = sample.operands.map(\.type)
    if sample.operation is Concatenate { return }
    #expect(throws: TypeError.self) { try sample.operation.resultType(of: types + types.suffix(1)) }
    #expect(throws: TypeError.self) { try sample.operation.resultType(of: []) }
  }
}

import IR
import TensorTypes

/// A region of a graph as one operation: compiled into one kernel, which stores only the region's result.
///
/// Constraints: (C1) the operands have the types of the body's inputs; (C2) the body has one output.
public struct Fused: Operator {
  public let body: Graph

  public init(body: Graph) { self.body = body }

  public var mnemonic: String { "fused" }
  public var attributes: Attributes { ["body": .body(body)] }
  public var derivative: Derivative { .undefined }

  public func resultType(of operands: [TensorType]) throws(TypeError) -> TensorType {
    try require(operands == body.inputs.map { body[$0].type }, operands, "operands differ from the body's inputs")
    try require(body.outputs.count == 1, operands, "the body needs one output")
    return body[body.outputs[0].value].type
  }

  public func evaluate(_ operands: [HostTensor], type: TensorType) throws(EvaluationError) -> HostTensor {
    try body.evaluate(operands)[0]
  }

  /// The region's anchor, if it has one, decides the loops; Codegen composes them from the body.
  public func loopForm(of operands: [TensorType], type: TensorType) -> LoopForm {
    preconditionFailure("Codegen composes the loops of a fused region from its body")
  }
}

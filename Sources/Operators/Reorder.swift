import IR
import TensorTypes

/// How the elements of a value lie in its buffer. Types stay logical; this is only an annotation.
public enum Layout: String, Sendable, Hashable, CaseIterable, CustomStringConvertible {
  /// Row-major.
  case plain
  /// [N, C, H, W] as [N, ⌈C/16⌉, H, W, 16]. The lanes behind the last channel are always zero.
  case blocked

  public var description: String {
    switch self {
    case .plain: "plain"
    case .blocked: "nChw16c"
    }
  }
}

/// The same value in another layout: where kernels are faster in another order than the one in which a value comes or goes.
///
/// Constraint: (C1) the operand is an image [N, C, H, W] of f32. Inserted after the last differentiation.
public struct Reorder: Operator {
  public let layout: Layout

  public init(to layout: Layout) { self.layout = layout }

  public var mnemonic: String { "reorder" }
  public var attributes: Attributes { ["layout": .word(layout.rawValue)] }
  public var derivative: Derivative { .undefined }

  public func resultType(of operands: [TensorType]) throws(TypeError) -> TensorType {
    try require(operands.count == 1, operands, "takes one operand")
    try require(
      operands[0].element == .float32 && operands[0].shape.rank == 4, operands, "the operand needs to be an f32 image")
    return operands[0]
  }

  public func evaluate(_ operands: [HostTensor], type: TensorType) -> HostTensor { operands[0] }

  public func loopForm(of operands: [TensorType], type: TensorType) -> LoopForm {
    .map(.load(operand: 0, variables(0..<type.shape.rank)))
  }
}

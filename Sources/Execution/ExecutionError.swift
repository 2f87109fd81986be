import TensorTypes

/// What can go wrong when loading or running compiled programs.
public enum ExecutionError: Error, Equatable, Sendable {
  case outOfMemory(byteCount: Int)
  /// The dynamic loader refused the code of a family.
  case loadFailed(reason: String)
  case missingKernel(kernel: Int, program: String, step: Int)
  /// A program refers to memory that its family does not have.
  case invalidProgram(program: String, part: String, reason: String)
  case unknownProgram(name: String, known: [String])
  case missingInput(name: String, program: String, expected: TensorType)
  case unknownInput(name: String, program: String, known: [String])
  case unknownOutput(name: String, program: String, known: [String])
  /// The port is not one of this executable's.
  case foreignPort(name: String)
  case wrongType(port: String, expected: TensorType, found: TensorType)
  case wrongElementCount(port: String, expected: TensorType, found: Int)
  case integerOutOfRange(port: String, expected: TensorType, value: Int64)
  /// A kernel met an index outside its tensor; the outputs of that run are meaningless.
  case indexOutOfRange(program: String, step: Int, summary: String, node: String?)
}

extension ExecutionError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .outOfMemory(let byteCount):
      "not enough memory for \(byteCount) bytes"
    case .loadFailed(let reason):
      "the compiled code could not be loaded: \(reason)"
    case .missingKernel(let kernel, let program, let step):
      "the compiled code has no kernel_\(kernel), which step \(step) of program '\(program)' calls"
    case .invalidProgram(let program, let part, let reason):
      "program '\(program)' is damaged: \(part) \(reason)"
    case .unknownProgram(let name, let known):
      "there is no program '\(name)'; the programs are \(list(known))"
    case .missingInput(let name, let program, let expected):
      "program '\(program)' needs the input '\(name)' of type \(expected)"
    case .unknownInput(let name, let program, let known):
      "program '\(program)' has no input '\(name)'; its inputs are \(list(known))"
    case .unknownOutput(let name, let program, let known):
      "program '\(program)' has no output '\(name)'; its outputs are \(list(known))"
    case .foreignPort(let name):
      "'\(name)' is a port of another executable: it lies outside this arena"
    case .wrongType(let port, let expected, let found):
      "'\(port)' is of type \(expected), not \(found)"
    case .wrongElementCount(let port, let expected, let found):
      "'\(port)' is of type \(expected) with \(expected.shape.elementCount) elements, not \(found)"
    case .integerOutOfRange(let port, let expected, let value):
      "the value \(value) does not fit '\(port)' of type \(expected)"
    case .indexOutOfRange(let program, let step, let summary, let node):
      "an index was out of range in step \(step) (\(summary)\(node.map { ", node '\($0)'" } ?? "")) of program '\(program)'"
    }
  }

  private func list(_ names: [String]) -> String {
    names.isEmpty ? "none" : names.map { "'\($0)'" }.joined(separator: ", ")
  }
}

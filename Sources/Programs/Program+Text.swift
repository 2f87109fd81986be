extension Program {
  /// Ports, steps with their kernels and addresses, and the sizes of it all.
  public var text: String {
    var lines = [
      "program @\(name) {",
      "  // arena \(arenaByteCount) bytes, \(floatingPointOperations) FLOP, \(bytesMoved) bytes moved",
    ]
    lines += inputs.map { "  input \(onOneLine($0.name)): \($0.type) at arena+\($0.offset)" }
    for (index, step) in steps.enumerated() {
      let node = step.node.map { "   // \(onOneLine($0))" } ?? ""
      lines.append(
        "  \(index): kernel_\(step.kernel)(\(step.operands.map(\.description).joined(separator: ", "))) "
          + "x \(step.taskCount)  \(step.summary)\(node)"
      )
    }
    lines += outputs.map { "  output \(onOneLine($0.name)): \($0.type) at arena+\($0.offset)" }
    return (lines + ["}"]).joined(separator: "\n") + "\n"
  }
}

extension Address: CustomStringConvertible {
  public var description: String {
    switch self {
    case .arena(let offset): "arena+\(offset)"
    case .constants(let offset): "constants+\(offset)"
    }
  }
}

/// A name of the model without line breaks.
private func onOneLine(_ name: String) -> String {
  name.contains(where: \.isNewline) ? name.split(whereSeparator: \.isNewline).joined(separator: " ") : name
}

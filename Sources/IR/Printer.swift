import TensorTypes

extension Graph {
  /// The text form; `Parser` reads it back. Constants of up to eight elements are written out, larger ones named.
  public func text(nested: Bool = false) -> String {
    let indent = nested ? "    " : "  "
    let signature = inputs.map { "%\(quotedIfNeeded(name(ofInput: $0))): \(self[$0].type)" }.joined(separator: ", ")
    let results = outputs.map { "\(quotedIfNeeded($0.name)): \(self[$0.value].type)" }.joined(separator: ", ")
    let keywords = nested ? "" : isClosed ? "closed graph " : "graph "
    var lines = ["\(keywords)@\(quotedIfNeeded(name))(\(signature)) -> (\(results)) {"]
    for (index, node) in nodes.enumerated() {
      switch node.content {
      case .input: continue
      case .constant(let constant):
        lines.append(
          "\(indent)%\(index) = constant @\(quotedIfNeeded(constant.name))\(literal(constant.tensor)) : \(node.type)")
      case .operation(let operation):
        let operands = node.operands.map(reference).joined(separator: ", ")
        let attributes = operation.attributes.description
        lines.append(
          "\(indent)%\(index) = \(operation.mnemonic)(\(operands))\(attributes.isEmpty ? "" : " " + attributes) : \(node.type)"
            + node.location.comment)
      }
    }
    lines.append("\(indent)return \(outputs.map { reference($0.value) }.joined(separator: ", "))")
    lines.append(nested ? "  }" : "}")
    return lines.joined(separator: "\n") + (nested ? "" : "\n")
  }

  /// What the text calls a value: `%x`, `%12`.
  public func reference(_ value: Value) -> String {
    if case .input(let name) = self[value].content { return "%" + quotedIfNeeded(name) }
    return "%\(value.index)"
  }

  private func literal(_ tensor: HostTensor) -> String {
    guard tensor.storage.count <= 8 else { return "" }
    let elements: [String] =
      switch tensor.storage {
      case .float(let values): values.map { String(Double($0)) }
      case .double(let values): values.map { String($0) }
      case .integer(let values): values.map { String($0) }
      case .boolean(let values): values.map { String($0) }
      }
    return " [" + elements.joined(separator: ", ") + "]"
  }
}

extension Location {
  /// The location as the end of a line; empty where nothing is known.
  public var comment: String {
    switch (node, derivation) {
    case (nil, nil): ""
    case (let node?, nil): "   // \(quotedIfNeeded(node))"
    case (nil, let derivation?): "   // ; \(derivation)"
    case (let node?, let derivation?): "   // \(quotedIfNeeded(node)); \(derivation)"
    }
  }
}

/// Whether an unquoted name may hold the scalar.
func isPlain(_ scalar: Unicode.Scalar) -> Bool {
  ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar) || ("0"..."9").contains(scalar)
    || "_./-".unicodeScalars.contains(scalar)
}

/// Names other than plain identifiers (which may hold dots, slashes and hyphens, and do not start with a digit) are quoted.
func quotedIfNeeded(_ name: String) -> String {
  let startsWithDigit = name.unicodeScalars.first.map { ("0"..."9").contains($0) } ?? true
  if name.unicodeScalars.allSatisfy(isPlain) && !startsWithDigit { return name }
  let escaped = name.unicodeScalars.map { scalar -> String in
    switch scalar {
    case "\"": return "\\\""
    case "\\": return "\\\\"
    default: return scalar.value < 32 || scalar.value == 127 ? "\\u{\(String(scalar.value, radix: 16))}" : String(scalar)
    }
  }
  return "\"" + escaped.joined() + "\""
}

extension Graph {
  /// The graph in the language of Graphviz: operations as boxes, inputs and outputs as ellipses, large constants left out.
  public func graphviz() -> String {
    func quoted(_ words: String) -> String {
      "\"" + words.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n") + "\""
    }
    var lines = ["digraph \(quoted(name)) {", "  rankdir = TB; node [fontname = \"monospace\", fontsize = 10];"]
    for (index, node) in nodes.enumerated() {
      switch node.content {
      case .input(let name): lines.append("  n\(index) [shape = ellipse, label = \(quoted("\(name)\n\(node.type)"))];")
      case .constant: continue
      case .operation(let operation):
        let place = node.location.node.map { "\n\($0)" } ?? ""
        lines.append("  n\(index) [shape = box, label = \(quoted("\(operation.mnemonic)\n\(node.type)\(place)"))];")
      }
      for operand in node.operands where self[operand].constant == nil { lines.append("  n\(operand.index) -> n\(index);") }
    }
    for (number, output) in outputs.enumerated() {
      lines.append("  o\(number) [shape = ellipse, label = \(quoted(output.name))];")
      if self[output.value].constant == nil { lines.append("  n\(output.value.index) -> o\(number);") }
    }
    return (lines + ["}"]).joined(separator: "\n") + "\n"
  }
}

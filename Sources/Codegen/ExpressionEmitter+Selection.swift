import IR
import Operators
import TensorTypes

/// Values selected by positions that are stored as numbers within their windows.
extension ExpressionEmitter {
  /// How the positions of a take are stored, if they are numbers within windows over its first operand.
  func selection(of take: Take, _ node: Node) -> WindowSelection? {
    guard region.body.inputs.contains(node.operands[1]),
      let selection = region.operands[region.number(ofInput: node.operands[1])].selection
    else { return nil }
    let plane = Array(region.body[node.operands[0]].type.shape.extents[take.batchRank...])
    return selection.covers(plane, batchRank: take.batchRank) ? selection : nil
  }

  /// Compares the numbers of 16 neighbouring channels with each element of the window in turn. Elements in the padding are
  /// selected by none; any others stand in for them.
  mutating func selected(_ selection: WindowSelection, _ node: Node, _ index: [IndexExpression]) throws -> Emitted {
    let number = region.number(ofInput: node.operands[1])
    guard let lane, let start = try contiguousOffset(region.operands[number], index, lane) else { throw NeedsScalarLoops() }
    let window = selection.window
    let (at, result, k, l, row, column) = (
      freshName(), freshName(), freshName(), freshName(), freshName(), freshName()
    )
    func position(_ axis: Int, _ element: String, _ extent: Int) throws -> String {
      "clamp(\(try indexText(index[axis + 2])) * \(window.strides[axis]) + \(element) * \(window.dilations[axis]) "
        + "- \(window.pads[axis]), \(extent))"
    }
    let opening = [
      "const m16 \(at) = b_load(p\(number) + \(start));", "v16 \(result) = {0};",
      "for (long \(k) = 0; \(k) < \(window.kernel[0]); \(k)++) {",
      "const long \(row) = \(try position(0, k, selection.rows));",
      "for (long \(l) = 0; \(l) < \(window.kernel[1]); \(l)++) {",
      "const long \(column) = \(try position(1, l, selection.columns));",
    ]
    let element = [index[0], index[1], variable(named: row), variable(named: column)]
    let (statements, chosen) = try apart { emitter throws in
      let value = try emitter.emit(node.operands[0], at: element)
      guard value.element == .float32 else { throw NeedsScalarLoops() }
      return value.isVector ? value.text : "v_splat(\(value.text))"
    }
    let isChosen = "\(at) == (int)(\(k) * \(window.kernel[1]) + \(l))"
    append(opening + statements + ["\(result) = v_select(\(isChosen), \(chosen), \(result));", "}", "}"])
    return Emitted(text: result, element: .float32, isVector: true)
  }

  /// The position in the plane, as C text, that a number within a window stands for.
  mutating func positionText(_ selection: WindowSelection, number: String, _ index: [IndexExpression]) throws -> String {
    let window = selection.window
    func along(_ axis: Int, _ element: String) throws -> String {
      "(\(try indexText(index[axis + 2])) * \(window.strides[axis]) + \(element) * \(window.dilations[axis]) "
        + "- \(window.pads[axis]))"
    }
    let (row, column) = ("\(number) / \(window.kernel[1])", "\(number) % \(window.kernel[1])")
    return "\(try along(0, row)) * \(selection.columns)L + \(try along(1, column))"
  }
}

import IR
import Operators
import TensorTypes

/// What one kernel computes: a body, the buffers it reads, and those it writes.
struct Region {
  /// The operation itself, or the body of a fused one, or of several.
  let body: Graph
  let operands: [Buffer]
  /// One for each output of the body, all of one shape and layout.
  let results: [Buffer]
  /// The operation with loops of its own, if there is one.
  let anchor: Value?
  private let numbers: [Value: Int]

  var root: Value { body.outputs[0].value }
  var result: Buffer { results[0] }

  init(body: Graph, operands: [Buffer], results: [Buffer]) {
    self.body = body
    self.operands = operands
    self.results = results
    numbers = Dictionary(uniqueKeysWithValues: body.inputs.enumerated().map { ($0.element, $0.offset) })
    anchor = body.values.last { value in
      let node = body[value]
      guard let operation = node.operation else { return false }
      if case .map = operation.loopForm(of: node.operands.map { body[$0].type }, type: node.type) { return false }
      return true
    }
  }

  func number(ofInput value: Value) -> Int {
    guard let number = numbers[value] else { preconditionFailure("%\(value.index) is no operand of the region") }
    return number
  }

  func loopForm(_ value: Value) -> LoopForm? {
    let node = body[value]
    return node.operation?.loopForm(of: node.operands.map { body[$0].type }, type: node.type)
  }

  /// What the end of a kernel needs that writes past the caches, for other threads to see it.
  var fence: [String] { results.contains(where: \.bypassesCaches) ? ["v_fence();"] : [] }

  /// "convolution + add + clip": what the dump and the profile call it.
  var summary: String {
    let mnemonics = body.nodes.compactMap { node -> String? in
      guard let operation = node.operation, !(operation is Broadcast), !(operation is Reshape) else { return nil }
      return operation.mnemonic
    }
    var counted: [(String, Int)] = []
    for mnemonic in mnemonics {
      if let last = counted.last, last.0 == mnemonic {
        counted[counted.count - 1].1 += 1
      } else {
        counted.append((mnemonic, 1))
      }
    }
    let words = counted.map { $0.1 == 1 ? $0.0 : "\($0.1) \($0.0)" }
    return words.isEmpty ? "copy" : words.joined(separator: " + ")
  }

  /// Floating-point operations: one for each elementwise result and each term of a sum, two for each term of a product.
  var floatingPointOperations: Int {
    body.nodes.reduce(0) { total, node in
      guard let operation = node.operation, node.type.element.isFloatingPoint else { return total }
      let count = node.type.shape.elementCount
      switch operation {
      case is Elementwise: return total + count
      case let convolution as Convolution:
        let (_, filter, output) = convolution.shapes(node.operands.map { body[$0].type.shape })
        return total + 2 * output.elementCount * filter.extents[1...].reduce(1, *)
      case let product as MatrixProduct:
        let left = body[node.operands[0]].type.shape
        return total + 2 * count * left[product.transposeLeft ? left.rank - 2 : left.rank - 1]
      case is Sum: return total + body[node.operands[0]].type.shape.elementCount
      case let sum as WindowSum: return total + count * sum.window.kernel.reduce(1, *)
      case let spread as WindowSpread: return total + count * spread.window.kernel.reduce(1, *)
      default: return total
      }
    }
  }
}

import SampleModels
import Testing

@testable import ONNX

/// Attributes and constants of a model can be any number: none may overflow, or ask for more memory than there is.
@Suite struct ExtremeNumberTests {
  private static let numbers: [Int64] = [
    .min, .min + 1, -(1 << 40), -65537, -3, -2, -1, 0, 1, 2, 3, 65536, 65537, 1 << 31, 1 << 40, 1 << 62, .max - 1, .max,
  ]

  private func integers(_ index: Int, _ elements: [Int64]) -> Wire { tensor("c\(index)", [Int64(elements.count)], elements) }

  /// Nodes that hold the number in one place each.
  private func nodes(_ number: Int64) -> [SingleNode] {
    let filter = tensor("c0", [2, 1, 2, 2], [Float](repeating: 1, count: 8))
    let image = [1, 2, 4, 4]
    var nodes: [SingleNode] = []
    for type in ["Conv", "ConvTranspose", "MaxPool", "AveragePool"] {
      let isPool = type.hasSuffix("Pool")
      let fixed = isPool ? [attribute("kernel_shape", [2, 2])] : []
      for name in ["strides", "dilations", "pads", "kernel_shape", "group", "output_padding", "output_shape", "ceil_mode"] {
        let lists: [Wire] = [
          attribute(name, [number, 1]), attribute(name, [1, number]), attribute(name, [0, number, 0, 0]),
          attribute(name, number),
        ]
        for list in lists {
          nodes.append(SingleNode(type: type, shape: image, operands: isPool ? [] : [filter], attributes: fixed + [list]))
        }
      }
    }
    for name in ["axis", "blocksize", "to", "start", "end", "num_outputs", "keepdims"] {
      for type in [
        "Softmax", "Flatten", "Concat", "Gather", "Split", "DepthToSpace", "SpaceToDepth", "Cast", "Shape", "ArgMax",
        "LayerNormalization",
      ] {
        let operands: [Wire] =
          type == "Gather"
          ? [integers(0, [0])] : type == "LayerNormalization" ? [tensor("c0", [4], [1, 1, 1, 1] as [Float])] : []
        nodes.append(
          SingleNode(type: type, opset: 18, shape: image, operands: operands, attributes: [attribute(name, number)]))
      }
    }
    for type in ["Reshape", "Expand", "Tile", "Pad", "Squeeze", "Unsqueeze", "ReduceSum", "Gather", "Split"] {
      for list in [[number], [number, 1], [2, number, 1, 1], [1, 0, 0, number, 0, 0, 0, 0], [number, number]] {
        nodes.append(SingleNode(type: type, shape: image, operands: [integers(0, list)]))
      }
    }
    for place in 0..<4 {
      var lists: [[Int64]] = [[0], [4], [2], [1]]
      lists[place] = [number]
      nodes.append(SingleNode(type: "Slice", shape: image, operands: lists.indices.map { integers($0, lists[$0]) }))
    }
    return nodes
  }

  @Test(arguments: numbers)
  func `A node with an extreme number is imported or refused in one line`(number: Int64) {
    var accepted = 0
    for node in nodes(number) {
      let words = node.refusal
      #expect(!words.isEmpty && !words.contains("\n"))
      if words == "accepted" { accepted += 1 }
    }
    let isExtreme = number.magnitude >= 1 << 31
    #expect(isExtreme ? accepted < 60 : accepted > 0)
  }

  @Test(arguments: numbers.filter { $0 != 2 })
  func `An input with an extent that does not fit is refused`(number: Int64) throws {
    var model = ModelBuilder()
    model.inputs = [value("x", 1, ["3", String(number), "2"])]
    model.nodes = [node("MatMul", ["x", "x"], ["p"]), node("Softmax", ["p"], ["s"]), node("Add", ["s", "x"])]
    #expect(throws: ImportError.self) { try importONNX(bytes: model.bytes, options: ImportOptions(batch: 5)) }
  }
}

import IR
import Operators
import SampleModels
import TensorTypes
import Testing

@testable import ONNX

/// One node on a given operator set, imported and evaluated.
struct SingleNode {
  var type: String
  var opset: Int64 = 17
  var shape: [Int]
  var operands: [Wire?] = []
  var attributes: [Wire] = []
  var element: Int64 = 1
  var outputs: [String] = ["y"]

  func model() -> ModelBuilder {
    var model = ModelBuilder()
    model.opsets = [("", opset)]
    model.inputs = [value("x", element, shape.map(String.init))]
    model.initialisers = operands.compactMap { $0 }
    let names = operands.indices.map { operands[$0] == nil ? "" : "c\($0)" }
    model.nodes = [node(type, ["x"] + names, outputs, name: "n", attributes)]
    return model
  }

  func graph() throws(ImportError) -> Graph { try importONNX(bytes: model().bytes).graph }

  /// The result on 0, 1, 2, ... minus `offset`.
  func result(minus offset: Double = 0) throws -> HostTensor {
    let graph = try graph()
    try graph.verify()
    let type = graph[graph.inputs[0]].type
    let count = type.shape.elementCount
    let x: HostTensor =
      type.element.isFloatingPoint
      ? HostTensor(type, .double((0..<count).map { Double($0) - offset }))
      : HostTensor(type, .integer((0..<count).map(Int64.init)))
    return try graph.evaluate([x])[0]
  }

  var refusal: String {
    do {
      _ = try graph()
      return "accepted"
    } catch {
      return error.description
    }
  }
}

/// A constant operand with the name that `SingleNode` gives it.
private func integers(_ index: Int, _ elements: [Int64]) -> Wire { tensor("c\(index)", [Int64(elements.count)], elements) }
private func floats(_ index: Int, _ dimensions: [Int64], _ elements: [Float]) -> Wire {
  tensor("c\(index)", dimensions, elements)
}

@Suite struct OperatorRuleTests {
  @Test func `Bounds of Clip are attributes before 11 and inputs since`() throws {
    let before = SingleNode(
      type: "Clip", opset: 10, shape: [4], attributes: [attribute("min", float: 1), attribute("max", float: 2)])
    let since = SingleNode(type: "Clip", opset: 11, shape: [4], operands: [floats(0, [], [1]), floats(1, [], [2])])
    #expect(try before.result().doubles == [1, 1, 2, 2])
    #expect(try since.result().doubles == [1, 1, 2, 2])
    #expect(try before.graph().nodes.last?.operation?.mnemonic == "clip")
    #expect(try SingleNode(type: "Clip", shape: [4], operands: [nil, floats(1, [], [2])]).result().doubles == [0, 1, 2, 2])
    #expect(try SingleNode(type: "Clip", shape: [4]).result().doubles == [0, 1, 2, 3])
    let crossed = SingleNode(type: "Clip", shape: [4], operands: [floats(0, [], [2]), floats(1, [], [1])])
    #expect(try crossed.result().doubles == [1, 1, 1, 1])
    #expect(
      SingleNode(type: "Clip", opset: 11, shape: [4], attributes: [attribute("min", float: 1)]).refusal
        == "Clip node \"n\": attribute min is not supported for operator set 11")
  }

  @Test func `Softmax flattens before 13 and takes one axis since`() throws {
    let before = try SingleNode(type: "Softmax", opset: 12, shape: [2, 2, 2]).result().doubles
    let since = try SingleNode(type: "Softmax", opset: 13, shape: [2, 2, 2]).result().doubles
    #expect(abs(before[..<4].reduce(0, +) - 1) < 1e-12)
    #expect(abs(since[..<2].reduce(0, +) - 1) < 1e-12)
    let logarithms = try SingleNode(type: "LogSoftmax", opset: 13, shape: [2, 2], attributes: [attribute("axis", 0)])
      .result()
    #expect(abs(logarithms.doubles[0] + 2.1269280110429727) < 1e-12)
  }

  @Test func `Slice takes attributes before 10 and inputs since`() throws {
    let before = SingleNode(
      type: "Slice", opset: 9, shape: [2, 4],
      attributes: [attribute("starts", [-3]), attribute("ends", [.max]), attribute("axes", [1])])
    #expect(try before.result().doubles == [1, 2, 3, 5, 6, 7])
    let since = SingleNode(
      type: "Slice", shape: [2, 4],
      operands: [
        integers(0, [.max, 0]), integers(1, [.min, .max]), integers(2, [1, 0]), integers(3, [-2, 1]),
      ])
    #expect(try since.result().doubles == [3, 1, 7, 5])
    let empty = SingleNode(type: "Slice", shape: [4], operands: [integers(0, [3]), integers(1, [1])])
    #expect(try empty.result().shape == [0])
    let still = SingleNode(
      type: "Slice", shape: [4],
      operands: [
        integers(0, [0]), integers(1, [4]), integers(2, [0]), integers(3, [0]),
      ])
    #expect(still.refusal == "Slice node \"n\": the step along axis 0 is 0")
  }

  @Test func `Axes of Squeeze, Unsqueeze and ReduceSum are attributes before 13`() throws {
    #expect(
      try SingleNode(type: "Unsqueeze", opset: 12, shape: [2], attributes: [attribute("axes", [0, -1])]).result().shape == [
        1, 2, 1,
      ])
    #expect(try SingleNode(type: "Unsqueeze", shape: [2], operands: [integers(0, [0, -1])]).result().shape == [1, 2, 1])
    #expect(
      try SingleNode(type: "Squeeze", opset: 12, shape: [1, 2, 1], attributes: [attribute("axes", [-1])]).result().shape == [
        1, 2,
      ])
    #expect(try SingleNode(type: "Squeeze", shape: [1, 2, 1]).result().shape == [2])
    #expect(
      SingleNode(type: "Squeeze", shape: [1, 2], operands: [integers(0, [1])]).refusal
        == "Squeeze node \"n\": axes [1] of [1,2] are not all of extent 1")
    #expect(
      try SingleNode(type: "ReduceSum", opset: 12, shape: [2, 2], attributes: [attribute("axes", [1])]).result().doubles == [
        1, 5,
      ])
    #expect(try SingleNode(type: "ReduceSum", shape: [2, 2], operands: [integers(0, [1])]).result().doubles == [1, 5])
    #expect(
      try SingleNode(type: "ReduceMean", opset: 17, shape: [2, 2], attributes: [attribute("axes", [1])]).result().doubles
        == [0.5, 2.5])
    #expect(
      try SingleNode(type: "ReduceMean", opset: 18, shape: [2, 2], operands: [integers(0, [1])]).result().doubles == [
        0.5, 2.5,
      ])
    let nothing = SingleNode(
      type: "ReduceMax", opset: 18, shape: [2, 2], attributes: [attribute("noop_with_empty_axes", 1)])
    #expect(try nothing.result().doubles == [0, 1, 2, 3])
    #expect(
      try SingleNode(type: "ReduceMax", opset: 18, shape: [2, 2], attributes: [attribute("keepdims", 0)]).result().shape
        == [])
  }

  @Test func `Reshape copies extents for 0 and infers one for -1`() throws {
    #expect(try SingleNode(type: "Reshape", shape: [2, 3, 4], operands: [integers(0, [0, -1])]).result().shape == [2, 12])
    #expect(
      SingleNode(type: "Reshape", shape: [2, 3], operands: [integers(0, [4, -1])]).refusal.contains(
        "cannot take the shape [4, -1]"))
    #expect(
      SingleNode(type: "Reshape", shape: [2, 3], operands: [integers(0, [-1, -1])]).refusal.contains(
        "more than one extent open"))
    #expect(
      SingleNode(type: "Reshape", shape: [2, 3], operands: [integers(0, [7])]).refusal
        == "Reshape node \"n\": [2,3] cannot take the shape [7]")
    #expect(
      SingleNode(type: "Reshape", shape: [2], operands: [integers(0, [1 << 40, 1 << 40])]).refusal.contains("is no shape"))
    let zero = SingleNode(
      type: "Reshape", shape: [0, 3], operands: [integers(0, [3, 0])], attributes: [attribute("allowzero", 1)])
    #expect(try zero.graph().nodes.last?.type.shape == [3, 0])
  }

  @Test func `Pad has four modes, crops, and takes attributes before 11`() throws {
    func padded(_ mode: String, _ pads: [Int64]) throws -> [Double] {
      try SingleNode(type: "Pad", shape: [3], operands: [integers(0, pads)], attributes: [attribute("mode", mode)]).result()
        .doubles
    }
    #expect(try padded("constant", [1, 2]) == [0, 0, 1, 2, 0, 0])
    #expect(try padded("reflect", [2, 1]) == [2, 1, 0, 1, 2, 1])
    #expect(try padded("edge", [1, 1]) == [0, 0, 1, 2, 2])
    #expect(try padded("wrap", [1, 1]) == [2, 0, 1, 2, 0])
    #expect(try padded("constant", [-1, 1]) == [1, 2, 0])
    let before = SingleNode(
      type: "Pad", opset: 10, shape: [2], attributes: [attribute("pads", [1, 0]), attribute("value", float: 5)])
    #expect(try before.result().doubles == [5, 0, 1])
    let axes = SingleNode(type: "Pad", opset: 18, shape: [1, 2], operands: [integers(0, [1, 0]), nil, integers(2, [-1])])
    #expect(try axes.result().doubles == [0, 0, 1])
    #expect(
      SingleNode(type: "Pad", shape: [3], operands: [integers(0, [-2, -2])]).refusal.contains("crop more than there is"))
    #expect(SingleNode(type: "Pad", shape: [3], operands: [integers(0, [.max, .min])]).refusal.contains("do not fit"))
  }

  @Test func `Windows are padded automatically as their mode says`() throws {
    func extents(_ mode: String) throws -> [Double] {
      let sum = SingleNode(
        type: "Conv", shape: [1, 1, 5], operands: [floats(0, [1, 1, 2], [1, 10])],
        attributes: [attribute("auto_pad", mode), attribute("strides", [2])])
      return try sum.result().doubles
    }
    #expect(try extents("VALID") == [10, 32])
    #expect(try extents("SAME_UPPER") == [10, 32, 4])
    #expect(try extents("SAME_LOWER") == [0, 21, 43])
    #expect(
      SingleNode(
        type: "Conv", shape: [1, 1, 5], operands: [floats(0, [1, 1, 2], [1, 10])],
        attributes: [attribute("auto_pad", "FULL")]
      ).refusal.contains("attribute auto_pad is \"FULL\"; NOTSET, SAME_UPPER, SAME_LOWER and VALID are accepted"))
  }

  @Test func `Convolutions have groups, dilations and bias`() throws {
    let grouped = SingleNode(
      type: "Conv", shape: [1, 2, 3], operands: [floats(0, [2, 1, 2], [1, 1, 1, -1]), floats(1, [2], [100, 200])],
      attributes: [attribute("group", 2), attribute("dilations", [2]), attribute("kernel_shape", [2])])
    #expect(try grouped.result().doubles == [102, 198])
    let wrong = SingleNode(
      type: "Conv", shape: [1, 3, 3], operands: [floats(0, [2, 1, 2], [1, 1, 1, 1])], attributes: [attribute("group", 2)])
    #expect(wrong.refusal == "Conv node \"n\": convolution(f32[1,3,3], f32[2,1,2]): 2 groups do not divide the channels")
    let kernel = SingleNode(
      type: "Conv", shape: [1, 1, 3], operands: [floats(0, [1, 1, 1], [1])], attributes: [attribute("kernel_shape", [3])])
    #expect(kernel.refusal == "Conv node \"n\": attribute kernel_shape is [3], but the filter has [1]")
    let strides = SingleNode(
      type: "Conv", shape: [1, 1, 3], operands: [floats(0, [1, 1, 1], [1])], attributes: [attribute("strides", [0])])
    #expect(strides.refusal.contains("attribute strides is [0]; values from 1 to 65536 are accepted"))
  }

  @Test func `Pooling rounds up without windows that begin in the padding`() throws {
    let pool = SingleNode(
      type: "MaxPool", shape: [1, 1, 4],
      attributes: [attribute("kernel_shape", [3]), attribute("strides", [2]), attribute("ceil_mode", 1)])
    #expect(try pool.result().doubles == [2, 3])
    let padded = SingleNode(
      type: "MaxPool", shape: [1, 1, 2],
      attributes: [
        attribute("kernel_shape", [2]), attribute("strides", [3]), attribute("pads", [1, 1]), attribute("ceil_mode", 1),
      ])
    #expect(try padded.result(minus: 5).doubles == [-5])
    let average = SingleNode(
      type: "AveragePool", shape: [1, 1, 2], attributes: [attribute("kernel_shape", [2]), attribute("pads", [1, 1])])
    #expect(try average.result(minus: -1).doubles == [1, 1.5, 2])
    var counting = average
    counting.attributes.append(attribute("count_include_pad", 1))
    #expect(try counting.result(minus: -1).doubles == [0.5, 1.5, 1])
    var indices = pool
    indices.outputs = ["y", "indices"]
    #expect(indices.refusal == "MaxPool node \"n\": its output 1 is not supported; 1 is expected")
  }

  @Test func `Batch normalisation stays a chain of operators`() throws {
    let normalisation = SingleNode(
      type: "BatchNormalization", shape: [1, 1, 2],
      operands: [floats(0, [1], [2]), floats(1, [1], [1]), floats(2, [1], [0.5]), floats(3, [1], [0.25])],
      attributes: [attribute("epsilon", float: 0), attribute("momentum", float: 0.9)])
    #expect(try normalisation.result().doubles == [-1, 3])
    #expect(try normalisation.graph().nodes.compactMap { $0.operation?.mnemonic }.contains("squareRoot"))
    var training = normalisation
    training.attributes.append(attribute("training_mode", 1))
    #expect(training.refusal == "BatchNormalization node \"n\": attribute training_mode is 1; inference (0) is accepted")
  }

  @Test func `Gemm scales, transposes and broadcasts`() throws {
    let product = SingleNode(
      type: "Gemm", shape: [2, 1], operands: [floats(0, [1, 2], [1, 10]), floats(1, [1], [1])],
      attributes: [
        attribute("transA", 1), attribute("transB", 1), attribute("alpha", float: 2), attribute("beta", float: 3),
      ])
    #expect(try product.result().doubles == [23])
    let wide = SingleNode(type: "Gemm", shape: [1, 1], operands: [floats(0, [1, 1], [1]), floats(1, [2, 1], [1, 2])])
    #expect(wide.refusal == "Gemm node \"n\": an operand of shape [2,1] does not broadcast to [1,1]")
    #expect(
      SingleNode(type: "MatMul", shape: [2, 3], operands: [floats(0, [2, 2], [1, 2, 3, 4])]).refusal.contains(
        "inner extents 3 and 2 differ"))
  }

  @Test func `Shape arithmetic leaves no operations behind`() throws {
    var model = ModelBuilder()
    model.inputs = [value("x", 1, ["N", "3", "4"])]
    model.initialisers = [
      tensor("zero", [], [0] as [Int64]), tensor("axis", [1], [0] as [Int64]), tensor("rest", [1], [-1] as [Int64]),
      tensor("half", [], [0.5] as [Float]), tensor("first", [1], [1] as [Int64]), tensor("last", [1], [.max] as [Int64]),
    ]
    model.nodes = [
      node("Shape", ["x"], ["s"]), node("Gather", ["s", "zero"], ["n"]), node("Unsqueeze", ["n", "axis"], ["n1"]),
      node("Slice", ["s", "first", "last"], ["tail"]), node("Cast", ["tail"], ["tailf"], [attribute("to", 1)]),
      node("Mul", ["tailf", "half"], ["halved"]), node("Floor", ["halved"], ["floored"]),
      node("Cast", ["floored"], ["small"], [attribute("to", 7)]), node("Sub", ["tail", "small"], ["left"]),
      node("Concat", ["n1", "left", "rest"], ["wanted"], [attribute("axis", 0)]), node("Reshape", ["x", "wanted"], ["y"]),
    ]
    let graph = try importONNX(bytes: model.bytes, options: ImportOptions(batch: 5)).graph
    try graph.verify()
    #expect(graph.nodes.count == 2)
    #expect(graph.nodes[1].type.shape == [5, 2, 2, 3])
  }

  @Test func `Integer overflow in shape arithmetic is refused`() {
    let sum = SingleNode(type: "Add", shape: [1], operands: [integers(0, [.max])], element: 7)
    #expect(sum.refusal == "accepted")
    var model = ModelBuilder()
    model.initialisers = [tensor("a", [1], [.max] as [Int64])]
    model.nodes = [node("Add", ["a", "a"], name: "n")]
    #expect(throws: ImportError.node(.init(name: "n", type: "Add"), problem: "add: integer overflow")) {
      try importONNX(bytes: model.bytes)
    }
  }

  @Test func `Negative indices of Gather count from the end`() throws {
    #expect(
      try SingleNode(type: "Gather", shape: [3, 2], operands: [integers(0, [-1, 0])]).result().doubles == [4, 5, 0, 1])
    let single = SingleNode(
      type: "Gather", shape: [3, 2], operands: [tensor("c0", [], [-1] as [Int64])], attributes: [attribute("axis", 1)])
    #expect(try single.result().doubles == [1, 3, 5])
    #expect(try single.graph().nodes.compactMap { $0.operation?.mnemonic } == ["slice", "reshape"])
    #expect(
      SingleNode(type: "Gather", shape: [3], operands: [integers(0, [3])]).refusal
        == "Gather node \"n\": index 3 is outside of axis 0 of [3]")
  }

  @Test func `Split gives parts as its operator set says`() throws {
    let thirds = SingleNode(
      type: "Split", opset: 18, shape: [5], attributes: [attribute("num_outputs", 2)], outputs: ["other", "y"])
    #expect(try thirds.result().doubles == [3, 4])
    let listed = SingleNode(
      type: "Split", opset: 11, shape: [5], attributes: [attribute("split", [1, 4])], outputs: ["y", "other"])
    #expect(try listed.result().doubles == [0])
    #expect(
      SingleNode(type: "Split", opset: 13, shape: [5], outputs: ["y", "b"]).refusal.contains("cannot be split into 2 parts"))
  }

  @Test func `Constants come in every dense form`() throws {
    func constant(_ attribute: Wire) throws -> HostTensor? {
      var model = ModelBuilder()
      model.nodes = [node("Constant", [], ["y"], attribute.bytes.isEmpty ? [] : [attribute])]
      return try importONNX(bytes: model.bytes).graph.nodes.first?.constant
    }
    #expect(try constant(attribute("value", tensor: tensor("", [2], [1, 2] as [Float]))) == HostTensor([2], [Float(1), 2]))
    #expect(try constant(attribute("value_int", 7)) == HostTensor(.scalar, [Int64(7)]))
    #expect(try constant(attribute("value_ints", [7, 8])) == HostTensor([2], [Int64(7), 8]))
    #expect(try constant(attribute("value_float", float: 0.5)) == HostTensor(.scalar, [Float(0.5)]))
    #expect(throws: ImportError.self) { try constant(attribute("value_string", "words")) }
    #expect(throws: ImportError.self) { try constant(Wire()) }
  }

  @Test func `Dropout passes on, and its mask keeps everything`() throws {
    let graph = try SingleNode(type: "Dropout", opset: 11, shape: [2], attributes: [attribute("ratio", float: 0.5)]).graph()
    #expect(graph.outputs[0].value == graph.inputs[0])
    #expect(
      SingleNode(type: "Dropout", shape: [2], operands: [floats(0, [], [0.5]), tensor("c1", code: 9, [], raw: [1])]).refusal
        == "Dropout node \"n\": training_mode is true; inference (false) is accepted")
  }

  @Test func `Operands of the wrong type, shape or number are refused`() {
    #expect(
      SingleNode(type: "Sigmoid", shape: [2], element: 7).refusal
        == "Sigmoid node \"n\": sigmoid(i64[2]): operands need to be floating-point")
    #expect(
      SingleNode(type: "Add", shape: [2], operands: [floats(0, [3], [1, 2, 3])]).refusal
        == "Add node \"n\": add(f32[2], f32[3]): shapes do not broadcast")
    #expect(
      SingleNode(type: "Add", shape: [2], operands: [integers(0, [1, 2])]).refusal.contains("operands need one element type")
    )
    #expect(SingleNode(type: "Add", shape: [2]).refusal == "Add node \"n\": it has 1 inputs; 2 are expected")
    #expect(
      SingleNode(type: "Relu", shape: [2], attributes: [attribute("alpha", 1), attribute("alpha", 1)]).refusal.contains(
        "given twice"))
    #expect(
      SingleNode(type: "LeakyRelu", shape: [2], attributes: [attribute("alpha", 1)]).refusal.contains(
        "attribute alpha is not a number"))
    #expect(
      SingleNode(type: "Cast", shape: [2], attributes: [attribute("to", 2)]).refusal.contains(
        "it converts to uint8; float32,"))
  }

  @Test func `Results beyond the largest tensor are refused`() {
    #expect(
      SingleNode(type: "Expand", shape: [1], operands: [integers(0, [1 << 31, 2])]).refusal.contains(
        "is no shape of at most 2^31"))
    #expect(
      SingleNode(type: "Tile", shape: [2], operands: [integers(0, [.max])]).refusal.contains("is no shape of at most 2^31"))
    #expect(
      SingleNode(type: "Add", shape: [1 << 30, 1], operands: [floats(0, [4], [1, 2, 3, 4])]).refusal.contains(
        "beyond 2^31 elements"))
  }
}

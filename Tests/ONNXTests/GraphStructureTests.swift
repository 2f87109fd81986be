import IR
import SampleModels
import TensorTypes
import Testing

@testable import ONNX

@Suite struct GraphStructureTests {
  private func refusal(_ change: (inout ModelBuilder) -> Void) -> String {
    var model = ModelBuilder()
    model.inputs = [value("x", 1, ["2", "3"])]
    model.nodes = [node("Relu", ["x"], name: "relu")]
    change(&model)
    do {
      return "accepted " + (try importONNX(bytes: model.bytes).graph.text())
    } catch {
      return error.description
    }
  }

  @Test func `Names of inputs, outputs, nodes and initialisers are kept`() throws {
    var model = ModelBuilder()
    model.inputs = [value("image", 1, ["2", "3"])]
    model.outputs = [value("sum", 1, nil), value("relu:0", 1, nil)]
    model.initialisers = [tensor("layer.weight", [3], [1, 2, 3] as [Float])]
    model.nodes = [node("Add", ["image", "layer.weight"], ["sum"]), node("Relu", ["sum"], ["relu:0"], name: "/act/Relu")]
    let imported = try importONNX(bytes: model.bytes)
    let graph = imported.graph
    try graph.verify()
    #expect(graph.inputs.map { graph.name(ofInput: $0) } == ["image"])
    #expect(graph.outputs.map(\.name) == ["sum", "relu:0"])
    #expect(graph.nodes.compactMap(\.location.node) == ["sum", "sum", "sum", "/act/Relu"])
    #expect(graph.text().contains("constant @layer.weight"))
    #expect(imported.producer == "maker 1.2")
    #expect(imported.opset == 17)
    #expect(imported.operatorCounts == [.init(name: "Add", count: 1), .init(name: "Relu", count: 1)])
    #expect(imported.parameterCount == 3)
  }

  @Test func `Future and ancient versions are refused`() {
    #expect(refusal { $0.irVersion = 99 } == "the file has IR version 99; versions 3 to 13 can be read")
    #expect(
      refusal { $0.opsets = [("", 99)] }
        == "the model uses ONNX operator set 99, a future version; operator sets 7 to 27 can be read")
    #expect(
      refusal { $0.opsets = [("ai.onnx", 6)] } == "the model uses ONNX operator set 6; operator sets 7 to 27 can be read")
    #expect(refusal { $0.opsets = [] }.hasPrefix("the model does not say which ONNX operator set it uses"))
    #expect(refusal { $0.opsets = [("", 9), ("ai.onnx", 13)] }.contains("is defined twice"))
    #expect(refusal { $0.opsets = [("ai.onnx", 13), ("com.example", 1)] }.hasPrefix("accepted"))
  }

  @Test func `All unknown operators are listed at once, with their nodes`() {
    let words = refusal {
      $0.nodes = [
        node("LSTM", ["x"], ["a"], name: "lstm_1"), node("Bend", ["a"], ["b"], domain: "com.example"),
        node("LSTM", ["b"], ["c"], name: "lstm_2"), node("Twist", ["c"], name: "t", domain: "local"),
      ]
      $0.functions = [Wire().string(1, "Twist").string(10, "local")]
    }
    #expect(
      words == "3 operators are not supported: LSTM at \"lstm_1\", \"lstm_2\"; com.example.Bend at \"b\"; "
        + "local.Twist (a function of the model; export it with functions inlined) at \"t\"")
  }

  @Test func `Nodes that no output needs are left out`() {
    #expect(
      refusal { $0.nodes.append(node("LSTM", ["x"], ["unused"])) }
        == "accepted graph @test(%x: f32[2,3]) -> (y: f32[2,3]) {\n  %1 = relu(%x) : f32[2,3]   // relu\n  return %1\n}\n")
  }

  @Test func `Subgraphs are refused by name`() {
    #expect(
      refusal { $0.nodes = [node("If", ["x"], name: "branch", [attribute("then_branch", graph: Wire().string(2, "then"))])] }
        == "an operator is not supported: If at \"branch\"")
    #expect(
      refusal { $0.nodes = [node("Relu", ["x"], name: "r", [attribute("body", graph: Wire().string(2, "then"))])] }
        == "Relu node \"r\": attribute body is a subgraph, which is not supported")
  }

  @Test func `Cycles are named`() {
    #expect(
      refusal {
        $0.nodes = [
          node("Add", ["x", "c"], ["b"], name: "first"), node("Relu", ["b"], ["c"], name: "second"), node("Relu", ["c"]),
        ]
      }
        == "the graph has a cycle: second -> first -> second")
    #expect(refusal { $0.nodes = [node("Add", ["x", "y"], name: "self")] } == "the graph has a cycle: self -> self")
  }

  @Test func `Values that nothing produces are named`() {
    #expect(
      refusal { $0.nodes = [node("Add", ["x", "bias"], name: "add")] }
        == "Add node \"add\" uses \"bias\", which nothing in the model produces")
    #expect(
      refusal { $0.outputs = [value("z", 1, nil)] } == "the list of outputs uses \"z\", which nothing in the model produces")
    #expect(refusal { $0.outputs = [] } == "the graph has no outputs")
  }

  @Test func `Names defined twice are refused`() {
    #expect(
      refusal { $0.nodes.append(node("Neg", ["x"], name: "neg")) }
        == "\"y\" is defined twice: by Relu node \"relu\" and by Neg node \"neg\"")
    #expect(
      refusal { $0.inputs.append(value("x", 1, ["1"])) }.contains("\"x\" is defined twice: by an input and by an input"))
    #expect(refusal { $0.outputs.append(value("y", 1, nil)) }.contains("\"y\" is defined twice"))
    #expect(
      refusal { $0.initialisers = [tensor("y", [1], [1] as [Float])] }.contains("\"y\" is defined twice: by an initialiser"))
  }

  @Test func `Nodes may stand in any order`() throws {
    var model = ModelBuilder()
    model.inputs = [value("x", 1, ["2"])]
    model.nodes = [node("Relu", ["b"]), node("Neg", ["a"], ["b"]), node("Exp", ["x"], ["a"])]
    let graph = try importONNX(bytes: model.bytes).graph
    #expect(graph.nodes.compactMap { $0.operation?.mnemonic } == ["exponential", "negate", "relu"])
  }

  @Test func `A long chain of nodes is imported`() throws {
    var model = ModelBuilder()
    model.inputs = [value("x", 1, ["2"])]
    model.outputs = [value("v20000", 1, nil)]
    model.nodes = (0..<20_000).map { node("Neg", [$0 == 0 ? "x" : "v\($0)"], ["v\($0 + 1)"]) }.reversed()
    #expect(try importONNX(bytes: model.bytes).graph.nodes.count == 20_001)
  }

  @Test func `Initialisers that are inputs as well are constants`() throws {
    var model = ModelBuilder()
    model.irVersion = 3
    model.inputs = [value("x", 1, ["2"]), value("w", 1, ["2"])]
    model.initialisers = [tensor("w", [2], [1, 2] as [Float])]
    model.nodes = [node("Add", ["x", "w"])]
    let graph = try importONNX(bytes: model.bytes).graph
    #expect(graph.inputs.map { graph.name(ofInput: $0) } == ["x"])
  }

  @Test func `Outputs may be inputs, initialisers and names of each other`() throws {
    var model = ModelBuilder()
    model.inputs = [value("x", 1, ["2"])]
    model.outputs = [value("x", 1, nil), value("w", 1, nil), value("y", 1, nil)]
    model.initialisers = [tensor("w", [2], [1, 2] as [Float])]
    model.nodes = [node("Identity", ["w"])]
    let graph = try importONNX(bytes: model.bytes).graph
    try graph.verify()
    #expect(graph.outputs.map(\.name) == ["x", "w", "y"])
    #expect(graph.outputs[1].value == graph.outputs[2].value)
  }

  @Test func `Sparse initialisers and values other than tensors are refused`() {
    #expect(
      refusal { $0.inputs[0] = Wire().string(1, "x").message(2, Wire().message(4, Wire())) }
        .hasPrefix("input \"x\" is a sequence; tensors of float32"))
    #expect(refusal { $0.inputs[0] = value("x", 8, ["2"]) }.hasPrefix("input \"x\" is a tensor of string"))
    #expect(refusal { $0.inputs[0] = value("x", 2, ["2"]) }.hasPrefix("input \"x\" is a tensor of uint8"))
    #expect(
      refusal { $0.outputs[0] = Wire().string(1, "y").message(2, Wire().message(9, Wire())) }
        == "output \"y\" is an optional value; tensors are accepted")
  }

  @Test func `Names are printed without control characters`() {
    #expect(refusal { $0.nodes = [node("Odd", ["x"], name: "a\u{1b}[31m\nb")] }.hasSuffix("Odd at \"a\\u{1b}[31m\\u{a}b\""))
  }
}

import IR
import TensorTypes
import Testing

@testable import ONNX

@Suite struct InputShapeTests {
  private func result(_ shape: [String]?, _ options: ImportOptions, declaring output: [String]? = nil) -> String {
    var model = ModelBuilder()
    model.inputs = [value("x", 1, shape)]
    model.outputs = [value("y", 1, output)]
    model.nodes = [node("Relu", ["x"])]
    do {
      let graph = try importONNX(bytes: model.bytes, options: options).graph
      return graph[graph.outputs[0].value].type.shape.description
    } catch {
      return error.description
    }
  }

  @Test func `A free first dimension is the batch, 1 unless given`() {
    #expect(result(["N", "3"], ImportOptions()) == "[1,3]")
    #expect(result(["", "3"], ImportOptions(batch: 4)) == "[4,3]")
    #expect(result(["-1", "3"], ImportOptions(batch: 4)) == "[4,3]")
    #expect(result(["N", "3"], ImportOptions(batch: 0)) == "the batch size is 0; 1 or more is accepted")
  }

  @Test func `A batch size replaces a declared one when the outputs follow`() {
    #expect(result(["1", "3"], ImportOptions(batch: 4), declaring: ["1", "3"]) == "[4,3]")
    var model = ModelBuilder()
    model.inputs = [value("x", 1, ["1", "6"])]
    model.outputs = [value("y", 1, ["1", "6"])]
    model.initialisers = [tensor("s", [2], [1, -1] as [Int64])]
    model.nodes = [node("Reshape", ["x", "s"])]
    #expect(
      throws: ImportError.unusableOption(
        "the model is written for batch size 1: with 4, its output \"y\" would be [1,24]")
    ) { try importONNX(bytes: model.bytes, options: ImportOptions(batch: 4)) }
  }

  @Test func `Other free dimensions are asked for by flag`() {
    #expect(
      result(["N", "3", "height", ""], ImportOptions())
        == "dimension 2 (height) of input \"x\" [N,3,height,?] is free; "
        + "fix it with --shape x=1,3,224,224 (one number per dimension)")
    #expect(result(["", "3", ""], ImportOptions()).hasPrefix("dimension 2 of input \"x\" [?,3,?] is free"))
    #expect(result(["length"], ImportOptions(batch: 2)).hasPrefix("dimension 0 (length)"))
    #expect(result(nil, ImportOptions()).hasPrefix("input \"x\" has no shape; give one with --shape x="))
    #expect(result(nil, ImportOptions(shapes: ["x": [2, 5]])) == "[2,5]")
  }

  @Test func `Given shapes fit the declared ones`() {
    #expect(result(["N", "3", "h"], ImportOptions(shapes: ["x": [2, 3, 8]])) == "[2,3,8]")
    #expect(
      result(["N", "3", "h"], ImportOptions(shapes: ["x": [2, 4, 8]]))
        == "input \"x\" is [N,3,h] in the model, which the given [2, 4, 8] does not fit")
    #expect(result(["N", "3"], ImportOptions(shapes: ["x": [2]])).contains("does not fit"))
    #expect(result(["N"], ImportOptions(shapes: ["x": [-2]])).contains("is no shape"))
    #expect(result(["N"], ImportOptions(shapes: ["x": [1 << 62, 4]])).contains("does not fit"))
    #expect(result(nil, ImportOptions(shapes: ["x": [1 << 62, 4]])).contains("is no shape"))
    #expect(
      result(["N"], ImportOptions(shapes: ["z": [2]])) == "the model has no input \"z\"; its inputs are \"x\"")
  }

  @Test func `One symbol has one extent in all inputs`() throws {
    var model = ModelBuilder()
    model.inputs = [value("a", 1, ["batch", "length"]), value("b", 1, ["batch", "length"])]
    model.nodes = [node("Add", ["a", "b"])]
    let graph = try importONNX(bytes: model.bytes, options: ImportOptions(shapes: ["b": [3, 7]])).graph
    #expect(graph.inputs.map { graph[$0].type.shape } == [[3, 7], [3, 7]])
    #expect(
      throws: ImportError.unusableOption("the dimension batch is given as 3 and, for input \"b\", as 4")
    ) { try importONNX(bytes: model.bytes, options: ImportOptions(shapes: ["a": [3, 7], "b": [4, 7]])) }
  }

  @Test func `Integer inputs that decide shapes are bound to values`() throws {
    var model = ModelBuilder()
    model.inputs = [value("x", 1, ["6"]), value("size", 7, ["2"])]
    model.nodes = [node("Reshape", ["x", "size"], name: "reshape")]
    let size = HostTensor([2], [Int64(2), -1])
    let imported = try importONNX(bytes: model.bytes, options: ImportOptions(values: ["size": size]))
    #expect(imported.boundInputs == ["size"])
    #expect(imported.graph.inputs.map { imported.graph.name(ofInput: $0) } == ["x"])
    #expect(imported.graph[imported.graph.outputs[0].value].type.shape == [2, 3])
    do {
      _ = try importONNX(bytes: model.bytes)
      Issue.record("a shape that depends on an input was accepted")
    } catch {
      #expect(
        error.description == "Reshape node \"reshape\": the shape (input 1) needs to be known when importing, "
          + "but depends on the input \"size\"")
    }
    #expect(throws: ImportError.unusableOption("input \"size\" takes i64 elements; the given value is f32[2]")) {
      try importONNX(bytes: model.bytes, options: ImportOptions(values: ["size": HostTensor([2], [Float(2), 3])]))
    }
    #expect(throws: ImportError.self) {
      try importONNX(bytes: model.bytes, options: ImportOptions(values: ["size": HostTensor([3], [Int64(2), 3, 1])]))
    }
  }
}

import IR
import SampleModels
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

  /// x[1,2,3] -> transposed to [1,3,2] -> reshaped as given -> y.
  private func reshaping(_ shape: [Int64]) -> ModelBuilder {
    var model = ModelBuilder()
    model.inputs = [value("x", 1, ["1", "2", "3"])]
    model.initialisers = [tensor("s", [Int64(shape.count)], shape)]
    model.nodes = [
      node("Transpose", ["x"], ["t"], [attribute("perm", [0, 2, 1])]), node("Reshape", ["t", "s"], name: "reshape"),
    ]
    return model
  }

  @Test(arguments: [[1, -1], [1, 6], [1, 3, 2], [-1, 6], [0, 6]] as [[Int64]])
  func `A model for one image takes a batch, image by image`(shape: [Int64]) throws {
    let model = reshaping(shape)
    let single = try importONNX(bytes: model.bytes).graph
    let batched = try importONNX(bytes: model.bytes, options: ImportOptions(batch: 4)).graph
    try batched.verify()
    let elements = (0..<24).map { Double($0) }
    let all = try batched.evaluate([HostTensor(TensorType(.float32, [4, 2, 3]), .double(elements))])[0]
    #expect(all.shape[0] == 4)
    for image in 0..<4 {
      let x = HostTensor(TensorType(.float32, [1, 2, 3]), .double(Array(elements[6 * image..<6 * image + 6])))
      #expect(try single.evaluate([x])[0].doubles == Array(all.doubles[6 * image..<6 * image + 6]))
    }
  }

  @Test func `A model that does not follow the batch size is refused`() {
    func refusal(_ model: ModelBuilder) -> String {
      do {
        _ = try importONNX(bytes: model.bytes, options: ImportOptions(batch: 4))
        return "accepted"
      } catch {
        return error.description
      }
    }
    let prefix = "the model is written for another batch size and cannot be used with batch size 4: "
    #expect(refusal(reshaping([3, -1])) == prefix + "Reshape node \"reshape\": its result [3,2] would become [3,8]")
    #expect(refusal(reshaping([6])) == prefix + "Reshape node \"reshape\": [4,3,2] cannot take the shape [6]")
    var model = reshaping([1, 6])
    model.initialisers.append(tensor("zero", [1], [0] as [Int64]))
    model.nodes[1] = node("Gather", ["x", "zero"])
    #expect(refusal(model) == prefix + "output \"y\" stays [1,2,3]")
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

import Arrays
import Attacks
import Autodiff
import Foundation
import IR
import Interpreters
import Operators
import Passes
import TensorTypes
import Testing

/// RTS beside PyTorch f64, on a small encoder and masking model.
@Suite struct RealTimeSaliencyPeersTests {
  private static let folder =
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().path + "/graphs/peers/"

  /// A classifier of five classes that the masking model does not look at.
  private func classifier(classes: Int = 5) throws -> Classifier {
    let builder = GraphBuilder()
    let x = builder.input("x", TensorType(.float32, [2, 3, 64, 64]))
    let weights = HostTensor([3, classes], (0..<3 * classes).map { Float($0 % 4) - 1 })
    let scores = try builder.matrixMultiply(try builder.mean(x, axes: [2, 3]), builder.constant(weights))
    return try Classifier(builder.finish(name: "means", outputs: [("scores", scores)]))
  }

  private func weights(_ change: (inout [(name: String, tensor: HostTensor)]) -> Void = { _ in }) throws -> NamedWeights {
    var tensors = try Safetensors.read(path: Self.folder + "rts.safetensors")
    change(&tensors)
    return NamedWeights(source: "rts.safetensors", tensors)
  }

  @Test func `mask and gradient are PyTorch's`() throws {
    let reference = try PeerReference(model: "rts", arrays: Self.folder + "rts.npz")
    var interpreter = try RealTimeSaliency(try classifier(), weights: try weights())
    #expect(interpreter.mapShape == [2, 16, 16])
    interpreter.network = try Pipeline.prepare(interpreter.network)
    let builder = GraphBuilder(continuing: interpreter.network)
    let classes = builder.input("class", TensorType(.int64, [2]))
    let aim = builder.input("mapTarget", TensorType(.float32, interpreter.mapShape))
    let map = try interpreter.appendMap(ofClasses: classes, to: builder)
    let loss = try builder.mapLoss(map.normalised, target: aim, .mean)
    let ones = try builder.broadcast(builder.scalar(1, like: loss), to: [2])
    let gradient = try builder.pullback([(loss, ones)], to: [builder.inputs[0]])[0]
    let graph = builder.finish(name: "rts", outputs: [("mask", map.normalised), ("gradient", gradient)])
    let target = try reference["mapTarget"]
    let outputs = try graph.evaluate([
      "x": try reference.input("x"), "class": try reference.input("class"),
      "mapTarget": HostTensor(TensorType(.float32, target.shape), .double(target.doubles)),
    ])
    for name in ["mask", "gradient"] {
      let distance = try reference.distance(try #require(outputs[name]), from: name)
      #expect(distance < 1e-9, "\(name): \(distance)")
    }
  }

  @Test func `weights that lack a tensor, or do not fit, are refused by its name`() throws {
    let some = try classifier()
    func expectRefusal(_ words: String, _ change: (inout [(name: String, tensor: HostTensor)]) -> Void) throws {
      let changed = try weights(change)
      let error = #expect(throws: InterpreterError.self) { _ = try RealTimeSaliency(some, weights: changed) }
      #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
    }
    for name in [
      "encoder.bn1.running_var", "encoder.layer3.0.conv2.weight", "selector.weight", "up1.project.bias", "head.weight",
    ] {
      try expectRefusal("it lacks the tensor \(name)") { $0.removeAll { $0.name == name } }
      try expectRefusal("the tensor \(name) is") { tensors in
        tensors = tensors.map { $0.name == name ? (name, HostTensor([1], [0] as [Int64])) : $0 }
      }
    }
    let other = try classifier(classes: 4)
    let whole = try weights()
    #expect(throws: InterpreterError.self) { _ = try RealTimeSaliency(other, weights: whole) }
  }
}

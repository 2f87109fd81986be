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

  @Test func `mask, the encoder's own scores and the gradients of both are PyTorch's`() throws {
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
    let logits = try #require(interpreter.network.output(named: RealTimeSaliency.encoderLogitsName))
    let encoderGradient = try builder.pullback(
      [(try builder.crossEntropy(logits, target: classes), ones)], to: [builder.inputs[0]])[0]
    let graph = builder.finish(
      name: "rts",
      outputs: [
        ("mask", map.normalised), ("gradient", gradient), ("encoderLogits", logits), ("encoderGradient", encoderGradient),
      ])
    let target = try reference["mapTarget"]
    let outputs = try graph.evaluate([
      "x": try reference.input("x"), "class": try reference.input("class"),
      "mapTarget": HostTensor(TensorType(.float32, target.shape), .double(target.doubles)),
    ])
    for name in ["mask", "gradient", "encoderLogits", "encoderGradient"] {
      let distance = try reference.distance(try #require(outputs[name]), from: name)
      #expect(distance < 1e-9, "\(name): \(distance)")
    }
  }

  @Test(arguments: [true, false])
  func `an attack goes against a tenth of the encoder's cross entropy too, where the weights say what it sees`(
    holdsClasses: Bool
  ) throws {
    let weights = try weights { if !holdsClasses { $0.removeAll { $0.name.hasPrefix("encoder.fc.") } } }
    var interpreter = try RealTimeSaliency(try classifier(), weights: weights)
    interpreter.network = try Pipeline.prepare(interpreter.network)
    let logits = try #require(interpreter.network.output(named: "logits"))
    let encoderLogits = interpreter.network.output(named: RealTimeSaliency.encoderLogitsName)
    #expect((encoderLogits != nil) == holdsClasses)

    let reference = try PeerReference(model: "rts", arrays: Self.folder + "rts.npz")
    let x = try reference.input("x")
    // Away from 0 and 1, where steps end.
    let inner = HostTensor(x.type, .double(x.doubles.map { 0.25 + 0.5 * $0 }))
    let aim = HostTensor(interpreter.mapShape, [Float](repeating: 0.5, count: interpreter.mapShape.elementCount))
    var inputs = ["x": inner, "target": try reference.input("class"), "mapTarget": aim]

    let builder = GraphBuilder(continuing: interpreter.network)
    let target = builder.input("target", TensorType(.int64, [2]))
    let map = try interpreter.appendMap(ofClasses: target, to: builder)
    let mapLoss = try builder.mapLoss(
      map.normalised, target: builder.input("mapTarget", TensorType(.float32, interpreter.mapShape)), .mean)
    var losses = [(try builder.crossEntropy(logits, target: target), 1.0), (mapLoss, 5)]
    if let encoderLogits { losses.append((try builder.crossEntropy(encoderLogits, target: target), 0.1)) }
    let weighted = try losses.map { loss, weight in
      (loss, try builder.broadcast(builder.scalar(weight, like: loss), to: [2]))
    }
    let gradient = builder.finish(
      name: "gradient", outputs: [("gradient", try builder.pullback(weighted, to: [builder.inputs[0]])[0])])
    let expected = try #require(try gradient.evaluate(inputs)["gradient"]).doubles

    var objective = StepObjective()
    objective.norm = .l2
    inputs.merge(["origin": inner, "alpha": .scalar(1e-3), "eps": .scalar(1), "coefficient": .scalar(5)]) { $1 }
    let next = try #require(try AttackPrograms.step(interpreter, objective).evaluate(inputs)["next"]).doubles
    for image in 0..<2 {
      let range = image * next.count / 2..<(image + 1) * next.count / 2
      let length = expected[range].reduce(0) { $0 + $1 * $1 }.squareRoot()
      let errors = range.map { abs((inner.doubles[$0] - next[$0]) / 1e-3 - expected[$0] / length) }
      #expect(try #require(errors.max()) < 1e-9)
    }
  }

  @Test func `the encoder's input is four times the pixels less a half, or normalised as ImageNet is`() throws {
    func mask(_ x: HostTensor, _ input: RealTimeSaliency.Input) throws -> [Double] {
      let interpreter = try RealTimeSaliency(try classifier(), weights: try weights(), input: input)
      let outputs = try AttackPrograms.map(interpreter).evaluate(["x": x, "class": HostTensor([2], [1, 4] as [Int64])])
      return try #require(outputs["map"]).doubles
    }
    let x = try PeerReference(model: "rts", arrays: Self.folder + "rts.npz").input("x")
    let (mean, deviation) = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    // 4 (x' - 1/2) = (x - mean) / deviation
    let moved = x.doubles.enumerated().map { index, element in
      let channel = index / (64 * 64) % 3
      return 0.5 + (element - mean[channel]) / deviation[channel] / 4
    }
    let normalised = try mask(x, .imagenet)
    let errors = zip(normalised, try mask(HostTensor(x.type, .double(moved)), .doubled)).map { abs($0 - $1) }
    #expect(try #require(errors.max()) < 1e-12)
    #expect(try normalised != mask(x, .doubled))
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
      "encoder.fc.bias",
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

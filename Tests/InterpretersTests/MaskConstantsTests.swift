import Autodiff
import IR
import Interpreters
import Operators
import SampleNetworks
import TensorTypes
import Testing

@Suite struct MaskConstantsTests {
  @Test func `images of 224 and of 32 pixels have the published constants`() throws {
    let large = try MaskConstants(.v2, imageShape: [1, 3, 224, 224])
    #expect(large.maskShape == [1, 28, 28] && large.viewShape == [1, 3, 228, 228] && large.margin == 4)
    #expect(large.imageFilter.count == 21 && large.maskFilter.count == 11)
    #expect(abs(large.maskFilter[5] - 0.200565) < 1e-6)
    #expect(large.sparsity == 1e-4 && large.variation == 1e-2 && large.learningRate == 0.1 && large.iterations == 300)
    let small = try MaskConstants(.v2, imageShape: [1, 3, 32, 32])
    #expect(small.maskShape == [1, 8, 8] && small.viewShape == [1, 3, 34, 34] && small.margin == 2)
    #expect(small.imageFilter == [0.0625, 0.25, 0.375, 0.25, 0.0625] && small.maskFilter == [0.25, 0.5, 0.25])
    #expect(small.sparsity == 1e-3 && small.variation == 0.1 && small.learningRate == 0.05)
    let early = try MaskConstants(.v1, imageShape: [1, 3, 224, 224])
    #expect(early.margin == 0 && early.maskFilter == [1] && early.imageFilter.count == 11 && early.iterations == 400)
    #expect(early.sparsity == 1e-2 / 784 && early.variation == 1e-4)
  }

  @Test(arguments: MaskVersion.allCases, [8, 12, 33, 111, 112, 260, 380])
  func `every operator keeps a constant image`(version: MaskVersion, side: Int) throws {
    let constants = try MaskConstants(version, imageShape: [1, 3, side, side + 5])
    for operation in [2, 3].flatMap({ [constants.sharpening($0), constants.blurring($0), constants.enlarging($0)] }) {
      for row in 0..<operation.outputCount {
        let weights = operation.rows[row * operation.inputCount..<(row + 1) * operation.inputCount]
        #expect(abs(weights.reduce(0, +) - 1) < 1e-12 && weights.allSatisfy { $0 >= 0 })
      }
    }
  }

  @Test func `images too small, and oblong masks in the published total variation, are refused by size`() throws {
    let refused = #expect(throws: InterpreterError.self) { try MaskConstants(.v2, imageShape: [1, 3, 7, 30]) }
    #expect("\(try #require(refused))".contains("7 x 30"))
    let builder = GraphBuilder()
    let x = builder.input("x", TensorType(.float32, [1, 3, 8, 16]))
    let scores = try builder.mean(x, axes: [2, 3])
    let classifier = try Classifier(builder.finish(name: "means", outputs: [("scores", scores)]))
    let oblong = #expect(throws: InterpreterError.self) { try MaskInterpreter(classifier, smoothness: .transposed) }
    #expect("\(try #require(oblong))".contains("2 x 4"))
    #expect(try MaskInterpreter(classifier).mapShape == [1, 2, 4])
  }

  @Test func `clamping passes the derivative on the closed interval`() throws {
    let builder = GraphBuilder()
    let x = builder.input("x", TensorType(.float32, [7]))
    let y = try builder.clampedToUnit(x)
    let one = try builder.broadcast(builder.scalar(1, like: y), to: [7])
    let graph = builder.finish(name: "clamp", outputs: [("y", y), ("slope", try builder.pullback([(y, one)], to: [x])[0])])
    let outputs = try graph.evaluate(["x": HostTensor([7], [-2, -1e-7, 0, 0.5, 1, 1.0000001, 3] as [Float])])
    #expect(try #require(outputs["y"]).doubles == [0, 0, 0, 0.5, 1, 1, 1])
    #expect(try #require(outputs["slope"]).doubles == [0, 0, 1, 1, 1, 0, 0])
  }
}

import Testing

@Suite struct CallTests {
  @Test(arguments: [["--help"], ["--version"], ["attack", "--help"], ["help", "bench"]])
  func `help that was asked for is no error`(call: [String]) throws {
    let result = try Command.run(call)
    #expect(result.status == 0)
    #expect(!result.output.isEmpty)
    #expect(result.error.isEmpty)
  }

  @Test func `the defaults of an attack are printed as they are written`() throws {
    let words = try Command.run("help", "attack").output
    #expect(words.contains("(default: 1/255)") && words.contains("0.031"))
  }

  @Test(arguments: [
    ["attak"], ["inspect"], ["inspect", "a.onnx", "--colour"], ["dump", "a.onnx"], ["dump", "a.onnx", "--stage", "raw"],
    ["run", "a.onnx", "--inputs", "in.npz"], ["explain", "a.onnx", "-o", "out"], ["attack", "a.onnx", "a.png", "-o", "out"],
    ["attack", "a.onnx", "a.png", "--target", "1"],
    ["attack", "a.onnx", "a.png", "--target", "1", "-o", "out", "--eps", "2/0"],
    ["attack", "a.onnx", "a.png", "--target", "1", "-o", "out", "--eps", "-1"],
    ["attack", "a.onnx", "a.png", "--target", "1", "-o", "out", "--steps", "0"],
    ["attack", "a.onnx", "a.png", "--target", "1", "-o", "out", "--attack", "fgsm"],
    ["attack", "a.onnx", "--target", "1", "-o", "out"],
    ["attack", "a.onnx", "a.png", "--target", "1", "-o", "out", "--threads", "0"],
    ["inspect", "a.onnx", "--shape", "x"], ["inspect", "a.onnx", "--batch", "0"], ["bench", "a.onnx", "--of", "everything"],
  ])
  func `a wrong call ends with status 2 and one line that says why`(call: [String]) throws {
    let result = try Command.run(call)
    #expect(result.status == 2, "\(result)")
    #expect(result.error.hasPrefix("adjoint: "))
    #expect(result.error.split(separator: "\n").count == 1, "\(result.error)")
    #expect(result.output.isEmpty)
  }
}

import Foundation
import IR
import Operators
import TensorTypes
import Testing

@Suite struct InspectDumpTests {
  /// The stages that are graphs.
  private static let stages = ["imported", "prepared", "differentiated", "simplified", "fused"]

  @Test func `inspect names the ports, the operators, the cost and the layer of CAM`() throws {
    let result = try Command.run("inspect", Command.model)
    #expect(result.status == 0, "\(result.error)")
    for words in ["x f32[1,1,28,28]", "logits f32[1,10]", "Conv 9", "parameters  245482", "Gemm", "[1,128,7,7]"] {
      #expect(result.output.contains(words), "\(words)")
    }
  }

  @Test func `inspect --json is one object with the same facts`() throws {
    let result = try Command.run("inspect", Command.model, "--json", "--batch", "3")
    let facts = try #require(try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any])
    #expect(facts["opset"] as? Int == 17)
    #expect(facts["parameters"] as? Int == 245482)
    let cam = try #require(facts["cam"] as? [String: Any])
    #expect(cam["featureShape"] as? [Int] == [3, 128, 7, 7])
  }

  @Test(arguments: ["imported", "prepared", "differentiated", "simplified", "fused", "scheduled", "program", "c"])
  func `every stage prints, with the same bytes in every process`(stage: String) throws {
    let call = ["dump", Command.model, "--stage", stage, "--of", "step"]
    let first = try Command.run(call)
    let second = try Command.run(call)
    #expect(first.status == 0, "\(first.error)")
    #expect(first.output.count > 1000)
    #expect(first.output == second.output)
    let head = ["scheduled": "schedule @step", "program": "program @step", "c": "kernel_0"][stage] ?? "graph @"
    #expect(first.output.contains(head))
  }

  /// A stored value in a line of the schedule: its name, its layout, its place, and its life.
  private struct Stored {
    let name: String, layout: String, start: Int, end: Int, life: ClosedRange<Int>
  }

  @Test(arguments: ["forward", "step"])
  func `the schedule says where every value lies, and no two that live at once lie at one place`(of: String) throws {
    let result = try Command.run("dump", Command.model, "--stage", "scheduled", "--of", of)
    #expect(result.status == 0, "\(result.error)")
    let lines = result.output.split(separator: "\n")
    func isStep(_ line: Substring) -> Bool { line.firstMatch(of: /^[ ]+[0-9]+[ ]/) != nil }
    let steps = lines.count(where: isStep)
    let arena = try #require(result.output.firstMatch(of: /arena ([0-9]+) bytes, at most [0-9]+ of them in use, in step/))
    var stored: [String: Stored] = [:]
    var step = -1
    for line in lines where line.contains("arena+") {
      if isStep(line) { step += 1 }
      // Columns of results end where the operands begin, with the life between them.
      let place = try #require(
        line.firstMatch(of: /(%[^ ]+) [^ ]+ +(plain|nChw16c) +arena\+([0-9]+) +([0-9]+)  ([a-z0-9]+)-([a-z0-9]+)/)
      )
      let start = try #require(Int(place.3)), bytes = try #require(Int(place.4))
      let value = Stored(
        name: String(place.1), layout: String(place.2), start: start, end: start + bytes,
        life: (Int(place.5) ?? -1)...(Int(place.6) ?? steps))
      #expect(value.end <= Int(arena.1) ?? 0, "\(line)")
      for other in stored.values where other.name != value.name && other.life.overlaps(value.life) {
        #expect(other.end <= value.start || value.end <= other.start, "\(other) and \(value)")
      }
      stored[value.name] = value
      for operand in line[place.range.upperBound...].matches(of: /(%[^ ]+) [^ ]+ (plain|nChw16c) arena\+([0-9]+)/) {
        let source = try #require(stored[String(operand.1)], "\(line)")
        #expect(source.layout == operand.2 && source.start == Int(operand.3) && source.life.contains(step), "\(line)")
      }
    }
    #expect(steps > 10 && step == steps - 1)
    // Behind the slashes stands where a step comes from.
    let convolutions = lines.filter { $0.prefix { $0 != "/" }.contains("convolution") }
    #expect(convolutions.count >= 9)
    for line in convolutions {
      #expect(line.contains(" tile ") && line.contains("packed constants+") && line.contains("   // "), "\(line)")
    }
  }

  @Test(arguments: [
    ("forward", "convolution("), ("gradient", "solving = input"), ("hvp", "direction.x"), ("step", "mapTarget"),
  ])
  func `every derived graph prints`(of: String, words: String) throws {
    let result = try Command.run("dump", Command.model, "--stage", "simplified", "--of", of)
    #expect(result.status == 0, "\(result.error)")
    #expect(result.output.contains(words))
  }

  @Test func `the step against GRAD is a closed graph`() throws {
    let call = ["dump", Command.model, "--of", "step", "--interpreter", "grad", "--stage"]
    let open = try Command.run(call + ["differentiated"])
    let closed = try Command.run(call + ["simplified"])
    #expect(open.status == 0 && closed.status == 0, "\(open.error)\(closed.error)")
    #expect(open.output.hasPrefix("graph @step(") && open.output.contains("{derivative = smoothed} :"))
    #expect(closed.output.hasPrefix("closed graph @step(") && !closed.output.contains("{derivative = smoothed} :"))
    #expect(closed.output.contains("smoothedStep("))
  }

  @Test func `the step against GRAD has two copies of the network, or one where the call says so`() throws {
    let call = ["dump", Command.model, "--stage", "simplified", "--of", "step", "--interpreter"]
    let counts = try [[], ["--copies", "1"]].map { more in
      try Command.run(call + ["grad"] + more).output.matches(of: /= convolution\(/).count
    }
    #expect(counts == [5 * 9 - 1, 4 * 9])
    for (interpreter, copies, words) in [("cam", "1", "'cam'"), ("grad", "3", "--copies is 3")] {
      let refused = try Command.run(call + [interpreter, "--copies", copies])
      #expect(refused.status == 2 && refused.error.contains(words), "\(refused)")
    }
  }

  @Test(arguments: Self.stages, ["forward", "gradient", "hvp", "step"])
  func `the text of a graph parses back to the same text`(stage: String, of: String) throws {
    let result = try Command.run("dump", Command.model, "--stage", stage, "--of", of, "--batch", "2")
    #expect(result.status == 0, "\(result.error)")
    let graph = try Graph(
      parsing: result.output, catalog: Catalog.operators, constants: try largeConstants(of: result.output))
    #expect(graph.text() == result.output)
    #expect(graph.nodes.count > 20)
  }

  /// Zeros for the constants that the text names without their elements: `%1 = constant @name : f32[16,3]`.
  private func largeConstants(of text: String) throws -> [String: HostTensor] {
    var constants: [String: HostTensor] = [:]
    for match in text.matches(of: /= constant @([^ ]+) : f32\[([0-9,]+)\]/) {
      let shape = Shape(match.output.2.split(separator: ",").compactMap { Int($0) })
      constants[String(match.output.1)] = HostTensor(shape, [Float](repeating: 0, count: shape.elementCount))
    }
    return constants
  }

  /// Judged by Graphviz itself where it is installed.
  @Test(arguments: Self.stages, ["forward", "step"])
  func `graphs print for Graphviz`(stage: String, of: String) throws {
    let folder = try TemporaryFolder()
    let result = try Command.run("dump", Command.model, "--stage", stage, "--of", of, "--format", "dot")
    #expect(result.status == 0 && result.output.hasPrefix("digraph ") && result.output.hasSuffix("}\n"), "\(result)")
    let lines = result.output.split(separator: "\n").dropFirst().dropLast()
    #expect(lines.contains { $0.contains(" -> ") })
    #expect(lines.allSatisfy { $0.hasSuffix(";") }, "\(lines.first { !$0.hasSuffix(";") } ?? "")")
    guard let dot = ["/usr/bin/dot", "/usr/local/bin/dot"].first(where: FileManager.default.isExecutableFile(atPath:)) else {
      return
    }
    let drawing = Process()
    drawing.executableURL = URL(fileURLWithPath: dot)
    drawing.arguments = ["-Tcanon", "-o", folder.path("canonical"), try folder.write(result.output.utf8, "graph.dot")]
    try drawing.run()
    drawing.waitUntilExit()
    #expect(drawing.terminationStatus == 0)
  }

  @Test func `what is no graph is not drawn`() throws {
    let result = try Command.run("dump", Command.model, "--stage", "c", "--format", "dot")
    #expect(result.status == 2 && result.error.contains("imported to fused"), "\(result)")
  }
}

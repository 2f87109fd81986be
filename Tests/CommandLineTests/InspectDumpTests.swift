import Foundation
import Testing

@Suite struct InspectDumpTests {
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
    let open = try Command.run(call + ["differentiated"]), closed = try Command.run(call + ["simplified"])
    #expect(open.status == 0 && closed.status == 0, "\(open.error)\(closed.error)")
    #expect(open.output.hasPrefix("graph @step(") && open.output.contains("reluSmoothed("))
    #expect(closed.output.hasPrefix("closed graph @step(") && !closed.output.contains("reluSmoothed("))
    #expect(closed.output.contains("smoothedStep("))
  }

  @Test func `graphs print for Graphviz, and what is no graph is refused`() throws {
    let graph = try Command.run("dump", Command.model, "--stage", "fused", "--format", "dot")
    #expect(graph.output.hasPrefix("digraph "))
    #expect(try Command.run("dump", Command.model, "--stage", "c", "--format", "dot").status == 2)
  }
}

import IR
import Operators
import TensorTypes
import TestSupport
import Testing

@Suite struct TextFormTests {
  private func parse(_ body: String, inputs: String = "%x: f32[2]", outputs: String = "y: f32[2]") throws -> Graph {
    try Graph(parsing: "graph @g(\(inputs)) -> (\(outputs)) {\n\(body)\n}\n", catalog: Catalog.operators)
  }

  private func problem(_ body: String, inputs: String = "%x: f32[2]", outputs: String = "y: f32[2]") -> String {
    do {
      _ = try parse(body, inputs: inputs, outputs: outputs)
      return "none"
    } catch { return "\(error)" }
  }

  @Test func aGraphPrintsAsOneOperationALine() throws {
    let builder = GraphBuilder()
    let x = builder.input("x", TensorType(.float32, [1, 2]))
    builder.location = Location(node: "conv1", derivation: "pullback of relu")
    let y = try builder.add(try builder.elementwise(.relu, x), 0.5)
    let graph = builder.finish(name: "net", outputs: [("y", y), ("x again", x)])
    #expect(
      graph.text() == """
        graph @net(%x: f32[1,2]) -> (y: f32[1,2], "x again": f32[1,2]) {
          %1 = relu(%x) : f32[1,2]   // conv1; pullback of relu
          %2 = constant @scalar [0.5] : f32[]
          %3 = broadcast(%2) {shape = [1, 2], axes = []} : f32[1,2]   // conv1; pullback of relu
          %4 = add(%1, %3) : f32[1,2]   // conv1; pullback of relu
          return %4, %x
        }

        """)
    try Laws.textParsesBack(graph)
  }

  @Test(arguments: [
    "plain", "with space", "quote\"inside", "back\\slash", "new\nline", "tab\tand\u{1}control", "ünï", "日本", "7up", "",
    "a/b.c-d", "%x", "}", "// comment", "e\u{301}", "\r\n", "👩‍👩‍👧", "\u{301}joins the quote before it",
    "joins the quote behind it \u{600}", "back\\\u{301}slash",
  ])
  func everyNameParsesBack(name: String) throws {
    let builder = GraphBuilder()
    builder.location = Location(node: name, derivation: nil)
    let x = builder.input(name, TensorType(.float32, [2]))
    let weight = builder.constant(.filled(TensorType(.float32, [2]), with: 2), name: name)
    let y = try builder.multiply(x, weight)
    try Laws.textParsesBack(builder.finish(name: name, outputs: [(name, y)]))
  }

  @Test func inputsBetweenOtherNodesKeepTheirPlaces() throws {
    let builder = GraphBuilder()
    let x = builder.input("x", TensorType(.float32, [2]))
    let y = try builder.elementwise(.relu, x)
    let late = builder.input("late", TensorType(.float32, [2]))
    _ = builder.input("unused", TensorType(.int64, []))
    let z = try builder.add(y, late)
    _ = builder.input("last", TensorType(.boolean, [3]))
    try Laws.textParsesBack(builder.finish(name: "g", outputs: [("z", z)]))
  }

  @Test(arguments: ["w", nil] as [String?], ["pullback of relu", nil] as [String?])
  func everyLocationParsesBack(node: String?, derivation: String?) throws {
    let builder = GraphBuilder()
    let x = builder.input("x", TensorType(.float32, [2]))
    builder.location = Location(node: node, derivation: derivation)
    let graph = builder.finish(name: "g", outputs: [("y", try builder.elementwise(.relu, x))])
    let parsed = try Graph(parsing: graph.text(), catalog: Catalog.operators)
    #expect(parsed.nodes[1].location == Location(node: node, derivation: derivation))
  }

  @Test func aClosedGraphStaysClosedThroughItsTextAndItsRewriting() throws {
    let builder = GraphBuilder(isClosed: true)
    let x = builder.input("x", TensorType(.float32, [2]))
    let graph = builder.finish(name: "g", outputs: [("y", try builder.elementwise(.relu, x))])
    #expect(graph.text().hasPrefix("closed graph @g("))
    #expect(try Graph(parsing: graph.text(), catalog: Catalog.operators) == graph)
    #expect(try graph.rewritten { (_, _, _, _) throws(TypeError) in nil } == graph)
    #expect(graph.renamed("h").isClosed)
    #expect(GraphBuilder(continuing: graph).isClosed)
    #expect(GraphBuilder(isClosed: false).finish(name: "g", outputs: []).isClosed == false)
  }

  @Test func smallConstantsOfEveryTypeParseBackWithoutTheirTensors() throws {
    let builder = GraphBuilder()
    let constants = [
      builder.constant(HostTensor(TensorType(.float32, [3]), .double([0.1, -1e-300, .infinity])), name: "a"),
      builder.constant(HostTensor([2], [Int64.max, Int64.min]), name: "b"),
      builder.constant(HostTensor(TensorType(.boolean, [2, 1]), .boolean([true, false])), name: "c"),
      builder.constant(.scalar(-0.0, .float64), name: "d"),
      builder.constant(HostTensor(TensorType(.float32, [0]), .double([])), name: "e"),
    ]
    let graph = builder.finish(name: "g", outputs: constants.enumerated().map { ("y\($0.offset)", $0.element) })
    #expect(try Graph(parsing: graph.text(), catalog: Catalog.operators) == graph)
  }

  @Test func aLargeConstantNeedsItsTensor() throws {
    let builder = GraphBuilder()
    let weights = builder.constant(.filled(TensorType(.float32, [9]), with: 1), name: "w")
    let text = builder.finish(name: "g", outputs: [("y", weights)]).text()
    let error = try #require(throws: ParseError.self) { try Graph(parsing: text, catalog: Catalog.operators) }
    #expect(error.problem == "no tensor for constant @w")
  }

  @Test(arguments: [
    ("%1 = frobnicate(%x) : f32[2]\nreturn %1", "line 2: unknown operator frobnicate"),
    ("%1 = relu(%z) : f32[2]\nreturn %1", "line 2: unknown value %z"),
    ("%3 = relu(%x) : f32[2]\nreturn %3", "line 2: %3 follows %0"),
    ("%1 = relu(%x) : f99[2]\nreturn %1", "line 2: unknown element type f99"),
    ("%1 = relu(%x : f32[2]\nreturn %1", "line 2: expected ,"),
    ("%1 = sum(%x) {axes = 3} : f32[]\nreturn %1", "attribute axes: expected a list of integers"),
    ("%1 = sum(%x) : f32[]\nreturn %1", "attribute axes: expected a list of integers"),
    ("%1 = gather(%x, %x) {axis = true} : f32[2]\nreturn %1", "attribute axis: expected an integer"),
    ("%1 = convert(%x) {to = word} : f32[2]\nreturn %1", "attribute to: expected an element type"),
    ("%1 = relu(%x) : f32[3]\nreturn %1", "graph @g: %1 is f32[3], its operator derives f32[2]"),
    ("%1 = constant @c [1, z] : f32[2]\nreturn %1", "line 2: z is no element of f32[2]"),
    ("%1 = constant @c [1] : f32[2]\nreturn %1", "line 2: 1 elements for f32[2]"),
    ("%1 = relu(%5) : f32[2]\nreturn %1", "graph @g: %1 uses %5, which does not come before it"),
    ("return %7", "graph @g: output y does not exist"),
    ("relu(%x)", "line 2: expected %"),
    ("%1 = relu(%\"x) : f32[2]", "line 4: a quoted name does not end"),
  ])
  func brokenTextIsRefusedByLineAndReason(body: String, expected: String) {
    #expect(problem(body) == expected)
  }

  @Test(arguments: ["", "graph", "graph @", "graph @g(", "graph @g(%x: f32[2]) -> (y: f32[2]) {", "grph @g() -> () {}"])
  func textThatEndsTooSoonIsRefused(text: String) {
    #expect(throws: ParseError.self) { try Graph(parsing: text, catalog: Catalog.operators) }
  }

  /// Every prefix of a real text is refused without a trap.
  @Test func everyTruncatedTextIsRefused() throws {
    let builder = GraphBuilder()
    builder.location = Location(node: "n \" m", derivation: "pullback of relu")
    let x = builder.input("x y", TensorType(.float32, [1, 2, 3]))
    let graph = builder.finish(name: "g", outputs: [("y", try builder.softmax(x, axes: [1]))])
    let text = graph.text().dropLast(2)
    for count in 0..<text.count {
      #expect(throws: (any Error).self) { try Graph(parsing: String(text.prefix(count)), catalog: Catalog.operators) }
    }
  }
}

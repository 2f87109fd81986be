import Foundation
import Images
import SampleModels
import Testing

/// Networks that leave the finite numbers on some images: √(x − ¼) on dark ones, and √(x²), whose derivative has ∞ · 0 at 0.
@Suite struct NonFiniteTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// Images of 8 x 8 pixels → a shift → `nodes`, which make `roots` of `shifted` → means → three classes.
  private func model(_ name: String, shift: Float, _ nodes: [Wire]) throws -> String {
    var model = ModelBuilder()
    model.inputs = [value("x", 1, ["N", "3", "8", "8"])]
    model.initialisers = [
      tensor("shift", [1], [shift]), tensor("weights", [3, 3], [1, 0, -1, 0, 2, 0, -1, 1, 3] as [Float]),
    ]
    model.nodes =
      [node("Sub", ["x", "shift"], ["shifted"], name: "shift")] + nodes + [
        node("GlobalAveragePool", ["roots"], ["pooled"], name: "pool"),
        node("Flatten", ["pooled"], ["flat"], name: "flatten"),
        node("MatMul", ["flat", "weights"], ["y"], name: "scores"),
      ]
    return try folder.write(model.bytes, name)
  }

  private func root() throws -> String {
    try model("root.onnx", shift: 0.25, [node("Sqrt", ["shifted"], ["roots"], name: "root")])
  }

  private func kink() throws -> String {
    try model(
      "kink.onnx", shift: 0,
      [
        node("Mul", ["shifted", "shifted"], ["squares"], name: "squares"),
        node("Sqrt", ["squares"], ["roots"], name: "root"),
      ])
  }

  /// Noise around a level.
  private func image(_ name: String, level: Int) throws -> String {
    let pixels = (0..<192).map { UInt8(level + ($0 * 37) % 23) }
    return try folder.write(try Image(width: 8, height: 8, pixels: pixels).encodedPNG(), name + ".png")
  }

  private func text(_ name: String) throws -> String { try String(contentsOfFile: folder.path(name), encoding: .utf8) }

  @Test(arguments: [[], ["--reference"]])
  func `explain and attack name the node at fault, and the other images go on`(more: [String]) throws {
    let images = [try image("first", level: 200), try image("dark", level: 5), try image("last", level: 180)]
    let explained = try Command.run(["explain", root()] + images + ["-o", folder.path("maps")] + more)
    #expect(explained.status == 1, "\(explained)")
    #expect(explained.error.contains("dark: not explained: ") && explained.error.contains("node 'root' (Sqrt) is the first"))
    #expect(explained.error.hasSuffix("adjoint: 1 of 3 images could not be explained\n"), "\(explained.error)")
    #expect(folder.bytes("maps/first.npz") != nil && folder.bytes("maps/last.npz") != nil)
    #expect(folder.bytes("maps/dark.npz") == nil)

    let attack = ["--attack", "pgd", "--steps", "3", "--targets", folder.path("targets.csv"), "-o", folder.path("out")]
    _ = try folder.write("file,target\nfirst.png,0\ndark.png,0\nlast.png,0\n".utf8, "targets.csv")
    let attacked = try Command.run(["attack", root()] + attack + more)
    #expect(attacked.status == 1, "\(attacked)")
    let rows = try text("out/results.jsonl").split(separator: "\n")
    #expect(rows.count == 3 && rows.count { $0.contains("node 'root' (Sqrt) is the first whose result") } == 1, "\(rows)")
  }

  @Test func `evaluate names the node in the row of a photo`() throws {
    for (name, level) in [("first", 200), ("dark", 5)] { _ = try image(name, level: level) }
    _ = try folder.write("file,class\nfirst.png,1\ndark.png,1\n".utf8, "index.csv")
    let result = try Command.run(
      "evaluate", try root(), "--data", folder.path, "--attack", "pgd", "--steps", "3", "-o", folder.path("out"))
    #expect(result.status == 0, "\(result)")
    let rows = try text("out/predictions.csv").split(separator: "\n").map(String.init)
    #expect(rows.count == 3 && rows[2].hasPrefix("dark.png,1,") && rows[2].contains("node 'root' (Sqrt)"), "\(rows)")
  }

  @Test func `a derivative that is not finite names its node where all results are finite`() throws {
    let dark = try image("dark", level: 0)
    let maps = try Command.run("explain", try kink(), dark, "--interpreter", "cam", "-o", folder.path("maps"))
    #expect(maps.status == 0, "\(maps)")
    for call in [
      ["explain", try kink(), dark, "--interpreter", "grad", "-o", folder.path("maps")],
      ["attack", try kink(), dark, "--attack", "pgd", "--steps", "3", "--target", "0", "-o", folder.path("out")],
    ] {
      let result = try Command.run(call)
      #expect(result.status == 1 && result.error.split(separator: "\n").count == 1, "\(result)")
      #expect(result.error.contains("the derivative of node 'root' (Sqrt) is the first that is not"), "\(result)")
    }
  }

  @Test(arguments: [["--squeezers", "bits3"], ["--maps", "cam,grad"]])
  func `detect names the image and the node at fault`(basis: [String]) throws {
    let images = try (0..<100).map { try image("photo\($0)", level: $0 == 77 ? 5 : 100 + $0) }
    let result = try Command.run(["detect", root()] + images + basis + ["-o", folder.path("detector.json")])
    #expect(result.status == 1 && result.error.contains("adjoint: '\(images[77])': "), "\(result)")
    #expect(result.error.contains("node 'root' (Sqrt) is the first whose result is not finite"), "\(result)")
  }

  @Test func `an artifact says that its model would name the node`() throws {
    let artifact = folder.path("root.adjoint")
    let compiled = try Command.run("compile", try root(), "--of", "map", "-o", artifact)
    #expect(compiled.status == 0, "\(compiled)")
    let result = try Command.run("explain", artifact, try image("dark", level: 5), "-o", folder.path("maps"))
    #expect(result.status == 1 && result.error.contains("an artifact does not say which node"), "\(result)")
  }
}

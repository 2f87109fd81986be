import Arrays
import Foundation
import SampleModels
import TensorTypes
import Testing

@Suite struct ArtifactTests {
  private let folder: TemporaryFolder
  /// Neither a compiler nor a cache, and nothing else to find.
  private let bare = ["env", "-i", "PATH=/nonexistent"]

  init() throws { folder = try TemporaryFolder() }

  private func compile(_ name: String, _ more: [String], model: String = Command.model, environment: [String: String] = [:])
    throws -> String
  {
    let path = folder.path(name)
    let result = try Command.run(["compile", model, "-o", path] + more, environment: environment)
    #expect(result.status == 0, "\(result.error)")
    #expect(result.output.hasPrefix("\(path): ") && result.error.isEmpty)
    return path
  }

  private func expectRefusal(_ call: [String], status: Int32, _ words: [String]) throws {
    let result = try Command.run(call)
    #expect(result.status == status, "\(result)")
    for word in words { #expect(result.error.contains(word), "\(result.error)") }
    #expect(result.error.hasPrefix("adjoint: ") && result.error.split(separator: "\n").count == 1, "\(result.error)")
    #expect(result.output.isEmpty)
  }

  private let images = [Command.bag, Command.dress, Command.sandal]
  private let names = ["fashion-00018-bag", "fashion-00013-dress", "fashion-00008-sandal"]

  @Test(arguments: [("adv2", "cam"), ("adv2", "grad"), ("adv2", "grad-cam"), ("adv2", "ig"), ("pgd", "cam")])
  func `an artifact attacks and explains as its model does, byte for byte, without the model and a compiler`(
    method: String, interpreter: String
  ) throws {
    let artifact = try compile("artifact", ["--of", "step", "--interpreter", interpreter, "--batch", "2"])
    let attack = ["--attack", method, "--eps", "0.2", "--steps", "20", "--warm", "5", "--target", "Coat", "-o"]
    let model = ["--batch", "2", "--interpreter", interpreter]
    for (source, output, more, wrapper) in [
      (Command.model, "a", model, []), (artifact, "b", [], ["/usr/bin/env"] + bare.dropFirst()),
    ] {
      let attacked = try Command.run(["attack", source] + images + attack + [folder.path(output)] + more, through: wrapper)
      #expect(attacked.status == 0, "\(attacked.error)")
      let explained = try Command.run(
        ["explain", source] + images + ["-o", folder.path(output + "x")] + more, through: wrapper)
      #expect(explained.status == 0, "\(explained.error)")
    }
    for name in names {
      for ending in [".npz", ".png", ".report.png"] {
        let bytes = try #require(folder.bytes("a/\(name)\(ending)"))
        #expect(folder.bytes("b/\(name)\(ending)") == bytes, "\(name)\(ending)")
      }
      for ending in [".npz", ".\(interpreter).png"] {
        let bytes = try #require(folder.bytes("ax/\(name)\(ending)"))
        #expect(folder.bytes("bx/\(name)\(ending)") == bytes, "\(name)\(ending)")
      }
    }
    // What the model has attacked the artifact need not attack again.
    let again = try Command.run(["attack", artifact] + images + attack + [folder.path("a")])
    #expect(again.output.contains("(finished before)"), "\(again)")
  }

  @Test func `an artifact of another derivative explains with it`() throws {
    let artifact = try compile("artifact", ["--of", "map", "--interpreter", "grad", "--derivative", "guided"])
    let model = ["--interpreter", "grad", "--derivative", "guided"]
    for (source, output, more) in [(Command.model, "a", model), (artifact, "b", [])] {
      let result = try Command.run(["explain", source, Command.bag, "-o", folder.path(output)] + more)
      #expect(result.status == 0, "\(result.error)")
    }
    let bytes = try #require(folder.bytes("a/fashion-00018-bag.npz"))
    #expect(folder.bytes("b/fashion-00018-bag.npz") == bytes)
    try expectRefusal(
      ["explain", artifact, Command.bag, "-o", folder.path("c"), "--derivative", "plain"], status: 2,
      ["--derivative", "plain", "guided"])
  }

  @Test(arguments: ["forward", "gradient", "hvp", "step"])
  func `an artifact runs its programs on arrays`(of: String) throws {
    let artifact = try compile("artifact", ["--of", of, "--batch", "2"])
    let x = HostTensor([2, 1, 28, 28], (0..<2 * 28 * 28).map { Float($0 * 37 % 256) / 255 })
    let target = HostTensor([2], [1, 2] as [Int64])
    let inputs: [(String, HostTensor)] =
      switch of {
      case "forward": [("x", x)]
      case "gradient": [("x", x), ("target", target)]
      case "hvp": [("x", x), ("target", target), ("direction.x", x)]
      default: [("x", x), ("class", target)]
      }
    try NPZ.write(inputs, to: folder.path("in.npz"))
    let call = ["--inputs", folder.path("in.npz"), "--outputs", folder.path("out.npz")]
    let result = try Command.run(
      ["run", artifact] + call + (of == "step" ? ["--program", "map"] : []), through: ["/usr/bin/env"] + bare.dropFirst())
    #expect(result.status == 0, "\(result.error)")
    let outputs = try NPZ.read(path: folder.path("out.npz"))
    #expect(!outputs.isEmpty && outputs.allSatisfy { $0.tensor.floats.allSatisfy(\.isFinite) })
    if of == "forward" {
      let first = folder.bytes("out.npz")
      #expect(try Command.run(["run", Command.model] + call).status == 0)
      #expect(folder.bytes("out.npz") == first)
    }
    try expectRefusal(["run", artifact, "--program", "none"] + call, status: 2, ["'none'", of])
  }

  @Test func `what was compiled before comes from the cache, in the same bytes`() throws {
    let cache = ["XDG_CACHE_HOME": folder.path("cache")]
    let kept = folder.path("cache/adjoint/artifacts")
    let first = try compile("first", ["--of", "map"], environment: cache)
    let entry = try #require(try FileManager.default.contentsOfDirectory(atPath: kept).first)
    #expect(FileManager.default.contents(atPath: kept + "/" + entry) == FileManager.default.contents(atPath: first))
    // The entry decides: in its place another artifact is what comes out.
    let other = try compile("other", ["--of", "forward"], environment: cache)
    #expect(try FileManager.default.contentsOfDirectory(atPath: kept).count == 2)
    _ = try folder.write(try #require(folder.bytes("other")), "cache/adjoint/artifacts/" + entry)
    let swapped = try compile("swapped", ["--of", "map"], environment: cache)
    #expect(folder.bytes("swapped") == folder.bytes("other"), "\(other), \(swapped)")
    // A damaged one is made anew, and without a cache the bytes are the same.
    _ = try folder.write(try #require(folder.bytes("first")).dropLast(), "cache/adjoint/artifacts/" + entry)
    _ = try compile("again", ["--of", "map"], environment: cache)
    _ = try compile("uncached", ["--of", "map"], environment: ["XDG_CACHE_HOME": "", "HOME": ""])
    for name in ["again", "uncached", "cache/adjoint/artifacts/" + entry] {
      #expect(folder.bytes(name) == folder.bytes("first"), "\(name)")
    }
  }

  /// y = x + w, with w in a file of its own.
  @Test func `a changed model, weight file or list of labels is never answered from the cache`() throws {
    func sum(_ weights: [Float], named file: String) throws -> [Float] {
      var model = ModelBuilder()
      model.inputs = [value("x", 1, ["2"])]
      model.initialisers = [
        Wire().packed(1, [2]).integer(2, 1).string(8, "w").messages(13, [Wire().string(1, "location").string(2, file)])
          .integer(14, 1)
      ]
      model.nodes = [node("Add", ["x", "w"])]
      _ = try folder.write(weights.flatMap { littleEndian($0) }, file)
      let path = try folder.write(model.bytes, "external.onnx")
      try NPZ.write([("x", HostTensor([2], [1, 2] as [Float]))], to: folder.path("x.npz"))
      let result = try Command.run("run", path, "--inputs", folder.path("x.npz"), "--outputs", folder.path("y.npz"))
      #expect(result.status == 0, "\(result.error)")
      return try #require(try NPZ.read(path: folder.path("y.npz")).first).tensor.floats
    }
    #expect(try sum([10, 20], named: "w") == [11, 22])
    #expect(try sum([10, 30], named: "w") == [11, 32])
    #expect(try sum([10, 20], named: "w") == [11, 22])
    #expect(try sum([0, 0], named: "v") == [1, 2])

    var words = try String(contentsOfFile: Command.root + "/graphs/models/fashion-labels.txt", encoding: .utf8)
    for name in ["Bag", "Sack"] {
      words = words.replacingOccurrences(of: "Bag", with: name)
      let labels = try folder.write(words.utf8, "labels.txt")
      let result = try Command.run("explain", Command.model, Command.bag, "--labels", labels, "-o", folder.path("out"))
      #expect(result.output.hasPrefix("fashion-00018-bag: \(name) "), "\(result)")
    }
  }

  @Test func `options that contradict an artifact are refused by name`() throws {
    let artifact = try compile(
      "artifact", ["--of", "pgdStep", "--interpreter", "grad", "--mode", "code", "--cpu", "x86-64-v3"])
    let attack = ["attack", artifact, Command.bag, "--target", "Coat", "--attack", "pgd", "-o", folder.path("out")]
    for (option, value, recorded) in [
      ("--interpreter", "cam", "grad"), ("--mode", "paper", "code"), ("--batch", "2", "1"), ("--cpu", "x86-64", "x86-64-v3"),
    ] {
      try expectRefusal(attack + [option, value], status: 2, [option, value, recorded])
    }
    let settled = [
      ["--reference"], ["--mean", "0.5"], ["--shape", "x=1,1,28,28"], ["--labels", "l.txt"], ["--size", "28,28"],
    ]
    for option in settled { try expectRefusal(attack + option, status: 2, [option[0]]) }
    try expectRefusal(
      ["attack", artifact, Command.bag, "--target", "Coat", "-o", folder.path("out")], status: 2, ["'pgdStep'", "'step'"])
    #expect(!folder.files.contains("out"))
    let repeated = ["--interpreter", "grad", "--mode", "code", "--batch", "1", "--cpu", "x86-64-v3", "--steps", "3"]
    let result = try Command.run(attack + repeated)
    #expect(result.status == 0, "\(result.error)")
  }

  @Test func `artifacts of other things, damaged ones and other files are refused with a sentence`() throws {
    let artifact = try compile("artifact", ["--of", "gradient"])
    let bytes = try #require(folder.bytes("artifact"))
    try expectRefusal(["explain", artifact, Command.bag, "-o", folder.path("out")], status: 2, ["'gradient'", "'map'"])
    var flipped = bytes
    flipped[bytes.count / 2] ^= 4
    for damaged in [Data(bytes.dropLast(50)), bytes.prefix(30), flipped] {
      let path = try folder.write(damaged, "damaged")
      for call in [
        ["explain", path, Command.bag, "-o", folder.path("out")],
        ["run", path, "--inputs", "in.npz", "--outputs", folder.path("out.npz")],
        ["attack", path, Command.bag, "--target", "1", "-o", folder.path("out")],
      ] {
        try expectRefusal(call, status: 1, ["'\(path)' is damaged"])
      }
    }
    let hash = try #require(
      try Command.run("compile", Command.model, "--of", "gradient", "-o", artifact).output.split(separator: " ").last
    )
    .trimmingCharacters(in: .whitespacesAndNewlines)
    try NPZ.write(
      [("x", HostTensor([1, 1, 28, 28], [Float](repeating: 0, count: 784))), ("target", HostTensor([1], [1] as [Int64]))],
      to: folder.path("in.npz"))
    let run = ["run", artifact, "--inputs", folder.path("in.npz"), "--outputs", folder.path("out.npz"), "--sha256"]
    #expect(try Command.run(run + [hash.uppercased()]).status == 0)
    let other = String(hash.reversed())
    try expectRefusal(run + [other], status: 1, [artifact, hash, other])
    try expectRefusal(run + ["abc"], status: 2, ["--sha256", "64"])
    // A model is pinned in the same way.
    try expectRefusal(
      ["compile", Command.model, "-o", folder.path("none"), "--sha256", other], status: 1, [Command.model, other])
  }

  @Test func `inspect says what an artifact holds, and options beside it are refused`() throws {
    let artifact = folder.path("inspected.adjoint")
    let compiled = try Command.run("compile", Command.model, "--of", "pgdStep", "--batch", "3", "-o", artifact)
    #expect(compiled.status == 0, "\(compiled)")
    let result = try Command.run("inspect", artifact)
    #expect(result.status == 0, "\(result)")
    for words in ["pgdStep on cam at batch 3 for ", "program     map: ", "x f32[3,1,28,28]", "next f32[3,1,28,28]"] {
      #expect(result.output.contains(words), "\(result.output)")
    }
    let json = try #require(
      try JSONSerialization.jsonObject(with: Data(try Command.run("inspect", artifact, "--json").output.utf8))
        as? [String: Any])
    #expect(json["batch"] as? Int == 3 && (json["programs"] as? [Any])?.count == 2)
    #expect(compiled.output.contains(try #require(json["sha256"] as? String)))
    let refused = try Command.run("inspect", artifact, "--batch", "2", "--mean", "0.5")
    #expect(refused.status == 2 && refused.error.contains("--mean, --batch"), "\(refused)")
  }
}

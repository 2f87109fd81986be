import Foundation
import Images
import Testing

@Suite struct BadInputTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// One sentence on standard error, nothing on standard output, nothing written.
  private func expectFailure(
    _ call: [String], status: Int32, _ words: [String], environment: [String: String] = [:], through wrapper: [String] = []
  ) throws {
    let result = try Command.run(call, environment: environment, through: wrapper)
    #expect(result.status == status, "\(call): \(result)")
    #expect(result.output.isEmpty)
    #expect(result.error.hasPrefix("adjoint: ") && result.error.split(separator: "\n").count == 1, "\(result.error)")
    for word in words { #expect(result.error.contains(word), "\(result.error)") }
    for file in ["out", "out.npz"] {
      let left = (try? FileManager.default.contentsOfDirectory(atPath: folder.path(file))) ?? []
      #expect(left.isEmpty, "\(left)")
    }
  }

  private func attack(_ model: String, _ images: [String], target: String = "Coat", _ more: [String] = []) -> [String] {
    ["attack", model] + images + ["--target", target, "--steps", "2", "--warm", "0", "-o", folder.path("out")] + more
  }

  @Test func `files that are no models are refused by name`() throws {
    let whole = try #require(FileManager.default.contents(atPath: Command.model))
    let cases: [(String, Data, String)] = [
      ("empty.onnx", Data(), "empty"), ("half.onnx", whole.prefix(whole.count / 2), "byte"),
      ("text.onnx", Data("This is no model.".utf8), "ONNX"), ("nested.onnx", nested(depth: 3_001), "limit"),
    ]
    for (name, bytes, words) in cases {
      let path = try folder.write(bytes, name)
      for call in [["inspect", path], ["dump", path, "--stage", "imported"], attack(path, [Command.bag])] {
        try expectFailure(call, status: 1, [name, words])
      }
    }
    try expectFailure(["inspect", folder.path("missing.onnx")], status: 1, ["missing.onnx", "No such file"])
    try expectFailure(["inspect", folder.path], status: 1, [folder.path])
  }

  /// A graph (field 7) of a node (1) with an attribute (5) that is a graph (6) of a node, over and over.
  private func nested(depth: Int) -> Data {
    var bytes: [UInt8] = []
    for level in 0..<depth {
      var length = bytes.count
      var varint: [UInt8] = []
      repeat {
        varint.append(UInt8(length & 127) | (length > 127 ? 128 : 0))
        length >>= 7
      } while length > 0
      let tag: UInt8 = level == depth - 1 ? 0x3a : [0x32, 0x2a, 0x0a][level % 3]
      bytes = [tag] + varint + bytes
    }
    return Data(bytes)
  }

  @Test func `files that are no images are refused by name`() throws {
    let whole = try #require(FileManager.default.contents(atPath: Command.bag))
    let half = try folder.write(whole.prefix(whole.count / 2), "half.png")
    let text = try folder.write("not an image".utf8, "text.png")
    let explain = ["explain", Command.model, "-o", folder.path("out")]
    for call in [attack(Command.model, [text]), explain + [text]] {
      try expectFailure(call, status: 1, ["text.png", "not an image"])
    }
    for call in [attack(Command.model, [half]), explain + [half]] { try expectFailure(call, status: 1, ["half.png"]) }
    let thread = Image(width: 200_000, height: 1, pixels: [UInt8](repeating: 128, count: 600_000))
    let wide = try folder.write(try thread.encodedPNG(), "wide.png")
    for call in [attack(Command.model, [wide]), explain + [wide]] {
      try expectFailure(call, status: 1, ["wide.png", "cannot be resized"])
    }
    try expectFailure(attack(Command.model, [folder.path("none.png")]), status: 1, ["none.png", "No such file"])
  }

  @Test func `targets that cannot be meant are refused`() throws {
    try expectFailure(attack(Command.model, [Command.bag], target: "10"), status: 2, ["class 10", "0 to 9"])
    try expectFailure(attack(Command.model, [Command.bag], target: "-1"), status: 2, [])
    try expectFailure(attack(Command.model, [Command.bag], target: "Hat"), status: 2, ["Hat"])
    try expectFailure(attack(Command.model, [Command.bag], target: "bag"), status: 2, ["fashion-00018-bag", "Bag"])
  }

  @Test func `images that would overwrite each other, or be overwritten, are refused`() throws {
    let bytes = try #require(FileManager.default.contents(atPath: Command.bag))
    try FileManager.default.createDirectory(atPath: folder.path("other"), withIntermediateDirectories: true)
    let copy = try folder.write(bytes, "other/fashion-00018-bag.png")
    try expectFailure(attack(Command.model, [Command.bag, copy]), status: 2, ["both write"])
    let inPlace = ["attack", Command.model, copy, "--target", "1", "-o", folder.path("other")]
    try expectFailure(inPlace, status: 2, ["overwrite an input image"])
    #expect(folder.bytes("other/fashion-00018-bag.png") == bytes)
  }

  @Test func `a model description that is not usable is refused`() throws {
    let model = folder.path("model.onnx")
    try FileManager.default.copyItem(atPath: Command.model, toPath: model)
    for (text, status, words) in [
      ("{\"mean\": \"none\"}", 1, "mean"), ("{\"meen\": [1]}", 1, "meen"), ("{", 1, "model.json"),
      ("{\"std\": [0]}", 2, "std"), ("{\"layout\": \"nwhc\"}", 2, "nwhc"), ("{\"size\": [32, 32]}", 2, "32"),
      ("{\"labels\": \"none.txt\"}", 1, "none.txt"), ("{\"channelOrder\": \"rgb\"}", 1, "f32[1,1,28,28]"),
    ] as [(String, Int32, String)] {
      _ = try folder.write(text.utf8, "model.json")
      try expectFailure(attack(model, [Command.bag], target: "1"), status: status, [words])
    }
  }

  @Test func `a place that cannot be written to is refused before any work`() throws {
    let file = try folder.write("".utf8, "file")
    for output in [file, file + "/out", "/proc/adjoint"] {
      let call = ["attack", Command.model, Command.bag, "--target", "Coat", "-o", output]
      let result = try Command.run(call)
      #expect(result.status == 1, "\(result)")
      #expect(result.error.hasPrefix("adjoint: cannot") || result.error.contains("no directory"), "\(result.error)")
      #expect(result.error.split(separator: "\n").count == 1)
    }
  }

  /// A tiny file system of its own, where the system lets a test mount one.
  @Test func `a full disk is named, and finished results on it stay`() throws {
    let disk = folder.path("disk")
    try FileManager.default.createDirectory(atPath: disk, withIntermediateDirectories: true)
    let mounting = ["--mount", "--map-root-user", "/bin/sh", "-c"]
    func onDisk(_ script: String, _ more: [String]) throws -> Command.Result {
      let setup = "mount -t tmpfs -o size=64k adjoint '\(disk)' || exit 77; cp '\(Command.bag)' '\(disk)/finished.png'; "
      return try Command.run(
        attack(Command.model, [Command.bag], ["--attack", "pgd"]) + ["-o", disk],
        through: ["/usr/bin/unshare"] + mounting + [setup + script, "disk"] + more)
    }
    guard FileManager.default.isExecutableFile(atPath: "/usr/bin/unshare"), try onDisk("exit 0", []).status == 0 else {
      return
    }
    let script = """
      "$@"; echo status $?; ls -A '\(disk)'; cmp '\(Command.bag)' '\(disk)/finished.png' && echo kept
      """
    let result = try onDisk("dd if=/dev/zero of='\(disk)/zeros' bs=1k 2> /dev/null; " + script, [])
    #expect(result.output == "status 1\nfinished.png\nzeros\nkept\n", "\(result)")
    #expect(result.error.hasPrefix("adjoint: cannot write '\(disk)/fashion-00018-bag.npz': No space left"), "\(result)")
    #expect(result.error.split(separator: "\n").count == 1, "\(result)")
  }

  /// A limit on file sizes makes writing fail as a full disk does.
  @Test func `a disk that fills up leaves no file that looks whole`() throws {
    let call = attack(Command.model, [Command.bag], ["--reference", "--attack", "pgd"])
    let result = try Command.run(call, through: ["/bin/bash", "-c", "trap '' XFSZ; ulimit -f 4; exec \"$@\"", "limited"])
    #expect(result.status == 1, "\(result)")
    #expect(result.error.contains("cannot write") && result.error.split(separator: "\n").count == 1, "\(result.error)")
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path("out")).isEmpty)
  }

  /// Who may write everywhere, as the system's administrator may, still cannot write to a file system mounted for reading.
  @Test func `a read-only directory is named before any work, and keeps its finished results`() throws {
    try FileManager.default.createDirectory(atPath: folder.path("sealed"), withIntermediateDirectories: true)
    let finished = try folder.write("a finished result".utf8, "sealed/fashion-00018-bag.npz")
    let sealed = folder.path("sealed")
    let script = "mount --bind '\(sealed)' '\(sealed)' && mount -o remount,bind,ro '\(sealed)' || exit 77; exec \"$@\""
    let result = try Command.run(
      ["attack", Command.model, Command.bag, "--target", "Coat", "-o", sealed],
      through: ["/usr/bin/unshare", "--mount", "--map-root-user", "/bin/sh", "-c", script, "sealed"])
    // Where nothing can be mounted, the directory's mode has to do.
    if result.status == 77 || result.error.contains("unshare") { return }
    #expect(result.status == 1 && result.output.isEmpty, "\(result)")
    #expect(result.error == "adjoint: cannot write to '\(sealed)': Read-only file system\n")
    #expect(folder.bytes("sealed/fashion-00018-bag.npz") == Data("a finished result".utf8), "\(finished)")
  }

  @Test func `a missing or failing C compiler is said, and the reference evaluator still works`() throws {
    let bare = ["PATH": "/nonexistent", "CC": ""]
    try expectFailure(attack(Command.model, [Command.bag]), status: 1, ["no C compiler"], environment: bare)
    try expectFailure(
      attack(Command.model, [Command.bag]), status: 1, ["/nonexistent", "No such file"],
      environment: ["TMPDIR": "/nonexistent"])
    // One that answers --version, and then fails.
    let script = try folder.write(
      "if [ \"$1\" = --version ]; then echo odd; exit; fi; echo 'x.c:1: error: odd' >&2; exit 3".utf8, "odd-cc")
    try expectFailure(
      attack(Command.model, [Command.bag]), status: 1, ["/bin/sh failed on ", "exit status 3", "x.c:1: error: odd"],
      environment: ["CC": "/bin/sh \(script)"])
    let explain = ["explain", Command.model, Command.bag, "-o", folder.path("maps")]
    #expect(try Command.run(explain + ["--reference"], environment: bare).status == 0)
  }

  @Test func `results of something else are not overwritten`() throws {
    try FileManager.default.createDirectory(atPath: folder.path("taken"), withIntermediateDirectories: true)
    _ = try folder.write("my notes\n".utf8, "taken/results.jsonl")
    let result = try Command.run("attack", Command.model, Command.bag, "--target", "Coat", "-o", folder.path("taken"))
    #expect(result.status == 1)
    #expect(result.error.contains("line 1"))
    #expect(folder.files.contains("taken") && folder.bytes("taken/results.jsonl") == Data("my notes\n".utf8))
  }

  @Test func `an unknown processor is refused with those that are known`() throws {
    let result = try Command.run("bench", Command.model, "--cpu", "pentium")
    #expect(result.status == 2)
    #expect(result.error.contains("pentium") && result.error.contains("x86-64-v3"))
  }
}

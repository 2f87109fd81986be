import Arrays
import Foundation
import Images
import TensorTypes
import Testing

/// What an attack may be asked for beside its numbers, through the command line.
@Suite struct AttackOptionsTests {
  private let folder: TemporaryFolder
  private let quick = ["--eps", "0.2", "--steps", "40", "--warm", "10"]

  init() throws { folder = try TemporaryFolder() }

  private func attack(_ images: [String], to output: String, _ more: [String]) throws -> Command.Result {
    try Command.run(["attack", Command.model] + images + ["-o", folder.path(output)] + quick + more)
  }

  private func rows(_ output: String) throws -> [[String: Any]] {
    try String(contentsOfFile: folder.path(output + "/results.jsonl"), encoding: .utf8).split(separator: "\n").map {
      try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
    }
  }

  private func array(_ name: String, _ file: String) throws -> HostTensor? {
    try NPZ.read(path: folder.path(file)).first { $0.name == name }?.tensor
  }

  @Test(arguments: [
    ["--interpreter", "grad", "--mode", "paper", "--warm", "7", "--stages", "9 x 0.5, 20 x 0.25 to 0.75", "--seed", "3"],
    ["--attack", "pgd", "--norm", "l2", "--eps", "1.5", "--untargeted", "--restarts", "2", "--random-start"],
    [
      "--interpreter", "mask", "--lookahead-steps", "1", "--reset-interval", "0", "--halvings", "3", "--warm", "0", "--mode",
      "code",
    ],
    ["--interpreter", "ig", "--surrogate", "softplus:8.0", "--label-smoothing", "none"],
    ["--label-smoothing", "sampled"],
    ["--attack", "stadv", "--steps", "30"],
    ["--attack", "adv2-stadv", "--mode", "code", "--smoothness", "0.001"],
    ["--attack", "adv2-stadv", "--interpreter", "mask", "--stages", "9 x 0.5, 20 x 2.0", "--reset-interval", "7"],
    ["--interpreter", "ig", "--baseline", "0.25"],
    ["--interpreter", "grad-cam", "--layer", "7x7", "--eps", "8/255", "--target-map", "patch", "--compare", "--early-stop"],
  ])
  func `what is printed as configuration is read again as the same, and the call wins over it`(call: [String]) throws {
    let target = call.contains("--untargeted") ? [] : ["--target", "1"]
    let start = ["attack", "m.onnx", "i.png", "-o", folder.path("none")] + target
    let printed = try Command.run(start + call + ["--print-config"])
    #expect(printed.status == 0, "\(printed.error)")
    let file = try folder.write(printed.output.utf8, "attack.conf")
    let again = try Command.run(start + ["--config", file, "--print-config"])
    #expect(again.status == 0 && again.output == printed.output, "\(again)")
    let changed = try Command.run(start + ["--config", file, "--print-config", "--seed", "11", "--steps", "58"])
    #expect(changed.output.contains("= 11  # option") && changed.output.contains("= 58  # option"), "\(changed)")
  }

  @Test(arguments: [
    ("epsilon = 1\n", "epsilon"), ("eps\n", "name = value"), ("eps = 1\neps = 1\n", "twice"),
    ("compare = maybe\n", "true and false"),
  ])
  func `a configuration that cannot be meant is refused`(text: String, words: String) throws {
    let file = try folder.write(text.utf8, "attack.conf")
    let result = try Command.run("attack", "m.onnx", "i.png", "-o", "none", "--target", "1", "--config", file)
    #expect(result.status == 2 && result.error.contains(words), "\(result)")
  }

  @Test func `an attack without a target leaves the label`() throws {
    let result = try attack([Command.bag], to: "out", ["--attack", "pgd", "--untargeted"])
    #expect(result.status == 0, "\(result.error)")
    let row = try #require(try rows("out").first)
    #expect(row["label"] as? Int == 8 && row["target"] as? Int != 8)
    let png = try #require(row["png"] as? [String: Any])
    #expect(png["label"] as? Int == row["target"] as? Int && png["success"] as? Bool == true)
    let settings = try #require(row["settings"] as? [String: Any])
    #expect(settings["options"] as? [String: String] == ["untargeted": "true"])
    #expect(try attack([Command.bag], to: "out", ["--attack", "pgd", "--untargeted"]).output.contains("finished before"))
  }

  @Test func `under l2 the image that is written is within eps`() throws {
    let result = try attack([Command.bag], to: "out", ["--target", "Coat", "--norm", "l2", "--eps", "1.25"])
    #expect(result.status == 0, "\(result.error)")
    let photo = try Image(contentsOf: Command.bag)
    let changed = try Image(contentsOf: folder.path("out/fashion-00018-bag.png"))
    let differences = zip(photo.pixels, changed.pixels).enumerated().filter { $0.offset % 3 == 0 }.map {
      Double($0.element.0) - Double($0.element.1)
    }
    let length = differences.reduce(0) { $0 + $1 * $1 }.squareRoot() / 255
    #expect(length <= 1.25 && length > 0.6)
    let perturbation = try #require(try rows("out").first?["perturbation"] as? [String: Double])
    #expect(abs(try #require(perturbation["l2"]) - length) < 1e-6)
  }

  @Test func `when time is over what runs is marked and the rest is left out`() throws {
    let images = [Command.bag, Command.dress, Command.sandal]
    let call = ["--target", "Coat", "--batch", "1", "--steps", "1000000", "--time", "0.5"]
    let result = try attack(images, to: "out", call)
    #expect(result.status == 0 && result.error.contains("2 images are left out"), "\(result)")
    #expect(result.output.contains("cut when time was over"))
    let all = try rows("out")
    #expect(all.count == 1 && all[0]["cut"] as? Bool == true)
    // What was cut is not finished.
    let again = try attack(
      [Command.bag], to: "out", ["--target", "Coat", "--batch", "1", "--steps", "1000000", "--time", "0.1"])
    #expect(!again.output.contains("finished before"))
  }

  @Test(arguments: ["trace.csv", "trace.jsonl"])
  func `a trace has a line for every step of every image`(name: String) throws {
    let call = ["--target", "Coat", "--batch", "4", "--trace", folder.path(name)]
    #expect(try attack([Command.bag, Command.dress], to: "out", call).status == 0)
    let lines = try String(contentsOfFile: folder.path(name), encoding: .utf8).split(separator: "\n")
    // Before each of 10 and 40 steps, after both phases, for both images; CSV has a head.
    let isTable = name.hasSuffix("csv")
    #expect(lines.count == 2 * (10 + 1 + 40 + 1) + (isTable ? 1 : 0))
    if isTable {
      #expect(lines[0] == "image,restart,phase,step,crossEntropy,loss,probability,mapDistance")
      #expect(lines.allSatisfy { $0.split(separator: ",", omittingEmptySubsequences: false).count == 8 })
    }
  }

  @Test func `a batch goes on without a broken image, whose row says why`() throws {
    let whole = try #require(FileManager.default.contents(atPath: Command.dress))
    let broken = try folder.write(whole.prefix(whole.count / 2), "broken.png")
    let text = try folder.write("no image".utf8, "text.png")
    let result = try attack([broken, Command.bag, text, Command.sandal], to: "out", ["--target", "Coat"])
    #expect(result.status == 1 && result.error.contains("2 of 4 images could not be attacked"), "\(result)")
    let all = try rows("out")
    let errors = Dictionary(
      uniqueKeysWithValues: all.compactMap { row in (row["error"] as? String).map { (row["image"] as? String ?? "", $0) } })
    #expect(errors.keys.sorted() == ["broken", "text"] && errors["text"]?.contains("not an image") == true, "\(errors)")
    #expect(
      all.filter { $0["error"] == nil }.compactMap { $0["image"] as? String } == [
        "fashion-00018-bag", "fashion-00008-sandal",
      ])
    #expect(try attack([Command.bag], to: "alone", ["--target", "Coat", "--batch", "4"]).status == 0)
    let name = "fashion-00018-bag.png"
    #expect(folder.bytes("out/" + name) == folder.bytes("alone/" + name))
  }

  // MARK: Targets

  @Test(arguments: ["cam", "cam,grad", "mask,cam"])
  func `an attack goes for a patch, and is judged beside it`(interpreters: String) throws {
    let result = try attack(
      [Command.bag], to: "out",
      ["--interpreter", interpreters, "--target", "Coat", "--target-map", "patch", "--steps", "200"])
    #expect(result.status == 0, "\(result.error)")
    let map = try #require(try array("mapTarget", "out/fashion-00018-bag.npz")).floats
    let benign = try #require(try array("mapBenign", "out/fashion-00018-bag.npz")).floats
    let judged = try #require(try array("mapAdversarial", "out/fashion-00018-bag.npz")).floats
    #expect(map.contains(1) && map.contains(0) && map.allSatisfy { (0...1).contains($0) })
    func distance(_ a: [Float], _ b: [Float]) -> Double {
      zip(a, b).reduce(0) { $0 + Double(abs($1.0 - $1.1)) } / Double(a.count)
    }
    #expect(distance(judged, map) < distance(benign, map))
    let float = try #require(try rows("out").first?["float"] as? [String: Any])
    let toTarget = try #require((float["toTarget"] as? [String: Any])?["l1"] as? Double)
    #expect(abs(toTarget - distance(judged, map)) < 1e-12)
    #expect((0...1).contains(try #require(float["patchAUROC"] as? Double)))
    #expect((float["mapIoUSweep"] as? [Double])?.count == 9)
    // One below the other, each as it is at its own size: CAM's of 7 x 7 as squares where GRAD's is larger.
    let count = interpreters.split(separator: ",").count
    let side = interpreters.contains("grad") ? 28 : 7
    #expect(map.count == count * side * side)
    let cam = interpreters.hasPrefix("cam") ? map.prefix(side * side) : map.suffix(side * side)
    let rows = (0..<side).map { row in Array(cam.dropFirst(row * side).prefix(side)) }
    for row in rows { #expect((0..<side).allSatisfy { row[$0] == row[$0 * 7 / side * side / 7] }) }
    #expect((2...7).contains(Set(rows).count))
  }

  @Test func `a class map comes from another image of another class`() throws {
    let call = ["--target", "Coat", "--target-map", "class"]
    let alone = try attack([Command.bag], to: "alone", call)
    #expect(alone.status == 2 && alone.error.contains("no image of the job"), "\(alone)")
    #expect(try attack([Command.bag, Command.dress], to: "out", call).status == 0)
    let row = try #require(try rows("out").first)
    #expect(row["targetMapImage"] as? String == "fashion-00013-dress")
    let other = try #require(try array("mapBenign", "out/fashion-00013-dress.npz")).floats
    #expect(try array("mapTarget", "out/fashion-00018-bag.npz")?.floats == other)
  }

  @Test func `a map comes from a file of its size, and only of that`() throws {
    #expect(try attack([Command.bag], to: "first", ["--target", "Coat"]).status == 0)
    let benign = try #require(try array("mapBenign", "first/fashion-00018-bag.npz"))
    let shape = benign.shape
    let map = HostTensor(shape, (0..<shape.elementCount).map { Float($0 % 2) })
    try NPZ.write([("map", map)], to: folder.path("map.npz"))
    let call = ["--target", "Coat", "--target-map"]
    #expect(try attack([Command.bag], to: "out", call + [folder.path("map.npz")]).status == 0)
    #expect(try array("mapTarget", "out/fashion-00018-bag.npz")?.floats == map.floats)
    let grey = Image(width: shape[1], height: shape[0], filledWith: Color(grey: 51))
    let png = try folder.write(try grey.encodedPNG(), "map.png")
    #expect(try attack([Command.bag], to: "grey", call + [png]).status == 0)
    #expect(try array("mapTarget", "grey/fashion-00018-bag.npz")?.floats.allSatisfy { $0 == 0.2 } == true)

    try NPZ.write([("map", HostTensor([3, 5], [Float](repeating: 0, count: 15)))], to: folder.path("small.npz"))
    let small = try attack([Command.bag], to: "none", call + [folder.path("small.npz")])
    #expect(
      small.status == 1 && small.error.contains("[3,5]") && small.error.contains("\(shape[0]) x \(shape[1])"), "\(small)")
    try NPZ.write([("map", HostTensor(shape, [Float](repeating: 2, count: shape.elementCount)))], to: folder.path("two.npz"))
    let two = try attack([Command.bag], to: "none", call + [folder.path("two.npz")])
    #expect(two.status == 1 && two.error.contains("outside of 0 to 1"), "\(two)")
  }
}

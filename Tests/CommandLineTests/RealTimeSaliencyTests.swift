import Arrays
import Foundation
import Images
import SampleModels
import TensorTypes
import Testing

/// RTS on the command line, with the small masking model that the peers' values are of.
@Suite struct RealTimeSaliencyTests {
  private let folder: TemporaryFolder
  private let weights = Command.root + "/graphs/peers/rts.safetensors"

  init() throws { folder = try TemporaryFolder() }

  /// Five classes of means of channels, of images of 64 x 64 pixels.
  private func model() throws -> String {
    var model = ModelBuilder()
    model.inputs = [value("x", 1, ["N", "3", "64", "64"])]
    model.initialisers = [
      tensor("weights", [3, 5], [9, 0, -9, 4, 1, 0, 9, 2, -9, 3, -5, 1, 9, 2, 0] as [Float])
    ]
    model.nodes = [
      node("GlobalAveragePool", ["x"], ["pooled"]), node("Flatten", ["pooled"], ["flat"]),
      node("MatMul", ["flat", "weights"]),
    ]
    return try folder.write(model.bytes, "means.onnx")
  }

  private func photo() throws -> String {
    let pixels: [UInt8] = (0..<12288).map { (index: Int) -> UInt8 in UInt8((index * index / 7) % 251) }
    return try folder.write(try Image(width: 64, height: 64, pixels: pixels).encodedPNG(), "photo.png")
  }

  @Test func `without weights every command that draws its map refuses`() throws {
    let (model, photo) = (try model(), try photo())
    _ = try folder.write("file,class\nphoto.png,0\n".utf8, "index.csv")
    for call in [
      ["explain", model, photo, "-o", folder.path("out")],
      ["attack", model, photo, "--target", "1", "-o", folder.path("out")],
      ["evaluate", model, "--data", folder.path, "-o", folder.path("out")],
      ["compile", model, "--of", "map", "-o", folder.path("map.adjoint")],
    ] {
      let result = try Command.run(call + ["--interpreter", "rts"])
      #expect(result.status == 2 && result.error.hasPrefix("adjoint: rts needs weights: --rts-weights FILE"), "\(result)")
    }
    let misplaced = try Command.run("explain", model, photo, "--rts-weights", weights, "-o", folder.path("out"))
    #expect(misplaced.status == 2 && misplaced.error.contains("--rts-weights goes with --interpreter rts"), "\(misplaced)")
    let damaged = try folder.write("nothing".utf8, "damaged.safetensors")
    let unread = try Command.run(
      "explain", model, photo, "--interpreter", "rts", "--rts-weights", damaged, "-o", folder.path("out"))
    #expect(unread.status == 1 && unread.error.contains("damaged.safetensors"), "\(unread)")
  }

  @Test func `its map is drawn, and an attack with it counts the encoder's sweeps`() throws {
    let (model, photo) = (try model(), try photo())
    let rts = ["--interpreter", "rts", "--rts-weights", weights]
    let explained = try Command.run(["explain", model, photo, "-o", folder.path("maps")] + rts)
    #expect(explained.status == 0, "\(explained)")
    let map = try #require(try NPZ.read(path: folder.path("maps/photo.npz")).first { $0.name == "map" }?.tensor)
    #expect(map.shape == [16, 16] && map.doubles.allSatisfy { (0...1).contains($0) } && Set(map.doubles).count > 100)
    let label = try #require(Int(explained.output.split(separator: " ")[2]))
    func sweeps(_ output: String, _ more: [String]) throws -> [String: Int] {
      let numbers = ["--target", "\((label + 1) % 5)", "--steps", "20", "--warm", "5"]
      let attacked = try Command.run(["attack", model, photo, "-o", folder.path(output)] + numbers + more)
      #expect(attacked.status == 0, "\(attacked)")
      let bytes = try #require(folder.bytes(output + "/results.jsonl"))
      let row = try #require(try JSONSerialization.jsonObject(with: bytes) as? [String: Any])
      return try #require(row["sweeps"] as? [String: Int])
    }
    let own = try sweeps("out", rts)
    let cam = try sweeps("cam", ["--interpreter", "cam"])
    // Wherever there is a map, one sweep of the encoder beside each of the classifier; and one back in the second phase.
    let (forward, backward) = (try #require(cam["forward"]), try #require(cam["backward"]))
    #expect(own["forward"] == 2 * forward - 5 && own["backward"] == backward + 20, "\(own) \(cam)")
  }

  @Test func `experiments fill its columns with weights`() throws {
    let (model, photo) = (try model(), try photo())
    let explained = try Command.run("explain", model, photo, "-o", folder.path("maps"))
    let label = explained.output.split(separator: " ")[2]
    _ = try folder.write("file,class\nphoto.png,\(label)\n".utf8, "index.csv")
    let result = try Command.run(
      "experiment", "t13", "t9", "f4", "--model", model, "--data", folder.path, "-o", folder.path("out"), "--steps", "5",
      "--warm", "5", "--interpreters", "cam,rts", "--rts-weights", weights)
    #expect(result.status == 0, "\(result)")
    func lines(_ path: String) throws -> [Substring] {
      try String(contentsOfFile: folder.path("out/" + path), encoding: .utf8).split(separator: "\n")
    }
    let distances = try #require(try lines("t13/t13.csv").first { $0.hasPrefix("means,RTS,") })
    #expect(distances.split(separator: ",").compactMap { Double($0) }.count > 5, "\(distances)")
    let transfer = try #require(try lines("t9/t9.means.l1.csv").first { $0.hasPrefix("RTS,") })
    #expect(transfer.hasPrefix("RTS,not run,") && transfer.split(separator: ",").compactMap { Double($0) }.count == 2)
    #expect(try lines("f4/f4.csv").contains { $0.hasPrefix("photo,RTS,") })
    let damaged = try folder.write("nothing".utf8, "damaged.safetensors")
    let incomplete = try Command.run(
      "experiment", "t9", "--model", model, "--data", folder.path, "-o", folder.path("out"), "--steps", "4",
      "--interpreters", "cam,rts", "--rts-weights", damaged)
    #expect(incomplete.status == 1 && incomplete.error.contains("adjoint: t9: means/adv2.rts failed: "), "\(incomplete)")
    let row = try #require(try lines("t9/t9.means.l1.csv").first { $0.hasPrefix("CAM,not run,") })
    #expect(row.contains("damaged.safetensors") && row.split(separator: ",").compactMap { Double($0) }.count == 1, "\(row)")
  }

  @Test func `weights are read of an ONNX file too, and its input is as asked for`() throws {
    let (model, photo) = (try model(), try photo())
    var holder = ModelBuilder()
    holder.initialisers = try Safetensors.read(path: weights).map { name, weights in
      tensor(name, weights.shape.extents.map(Int64.init), weights.floats)
    }
    holder.inputs = [value("x", 1, ["1"])]
    holder.nodes = [node("Identity", ["x"])]
    let file = try folder.write(holder.bytes, "rts.onnx")
    func map(_ output: String, _ more: [String]) throws -> Data {
      let result = try Command.run(
        ["explain", model, photo, "--interpreter", "rts", "-o", folder.path(output)] + more)
      #expect(result.status == 0, "\(result)")
      return try #require(folder.bytes(output + "/photo.npz"))
    }
    let usual = try map("safetensors", ["--rts-weights", weights])
    #expect(try map("onnx", ["--rts-weights", file]) == usual)
    #expect(try map("doubled", ["--rts-weights", file, "--rts-input", "doubled"]) == usual)
    #expect(try map("imagenet", ["--rts-weights", file, "--rts-input", "imagenet"]) != usual)
    let rts = ["--interpreter", "rts", "--rts-weights", file, "--rts-input", "bgr"]
    let refused = try Command.run(["explain", model, photo, "-o", folder.path("none")] + rts)
    #expect(refused.status == 2 && refused.error.contains("doubled and imagenet are known"), "\(refused)")
  }
}

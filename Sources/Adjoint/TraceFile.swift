import Attacks
import Glibc

/// Every iterate of an attack on its way, a line each: JSON for files that end in .json or .jsonl, else CSV.
final class TraceFile {
  private let path: String
  private let descriptor: Int32
  private let isJSON: Bool
  /// The names of the images of the batch that runs; what else is in it is padding.
  var images: [String] = []

  /// Starts the file anew.
  /// - Throws: `FileError` when it cannot be written.
  init(_ path: String) throws(FileError) {
    self.path = path
    isJSON = path.hasSuffix(".json") || path.hasSuffix(".jsonl")
    descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw FileError("cannot write '\(path)': \(String(cString: strerror(errno)))") }
    if !isJSON { try append("image,restart,phase,step,crossEntropy,loss,probability,mapDistance\n") }
  }

  deinit { close(descriptor) }

  private struct Line: Encodable {
    let image: String
    let restart: Int
    let phase: String
    let step: Int
    let crossEntropy, loss: Double?
    let probability: Double
    let mapDistance: Double?
  }

  func add(_ points: [TracePoint]) throws {
    var text = ""
    for point in points where point.image < images.count {
      let image = images[point.image]
      if isJSON {
        let line = Line(
          image: image, restart: point.restart, phase: point.phase, step: point.step, crossEntropy: point.crossEntropy,
          loss: point.loss, probability: point.probability, mapDistance: point.mapDistance)
        text += try jsonLine(line) + "\n"
      } else {
        let figures = [point.crossEntropy, point.loss, point.probability, point.mapDistance]
        text +=
          "\(CommaSeparated.field(image)),\(point.restart),\(point.phase),\(point.step),"
          + figures.map { $0.map { "\($0)" } ?? "" }.joined(separator: ",") + "\n"
      }
    }
    try append(text)
  }

  private func append(_ text: String) throws(FileError) { try write(text, to: descriptor, path) }
}

private func write(_ text: String, to descriptor: Int32, _ path: String) throws(FileError) {
  var bytes = Array(text.utf8)[...]
  while !bytes.isEmpty {
    let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
    guard count > 0 else { throw FileError("cannot write '\(path)': \(String(cString: strerror(errno)))") }
    bytes = bytes.dropFirst(count)
  }
}

/// Adds text to the end of a file, which starts with `head` when it is new, and waits until the disk has it.
func appendText(_ text: String, to path: String, startingWith head: String = "") throws(FileError) {
  let isNew = !fileExists(path)
  let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o666)
  guard descriptor >= 0 else { throw FileError("cannot write '\(path)': \(String(cString: strerror(errno)))") }
  defer { close(descriptor) }
  try write(isNew ? head + text : text, to: descriptor, path)
  guard fsync(descriptor) == 0 else { throw FileError("cannot write '\(path)': \(String(cString: strerror(errno)))") }
}

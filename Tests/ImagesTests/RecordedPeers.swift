import Foundation
import Images
import Testing

/// The bytes that a recorded base64 text stands for.
func bytes(_ base64: String) throws -> [UInt8] {
  Array(try #require(Data(base64Encoded: base64, options: .ignoreUnknownCharacters)))
}

/// The image that tools/references/images.py makes by the same formula.
func synthetic(width: Int, height: Int) -> Image {
  var pixels: [UInt8] = []
  for y in 0..<height {
    for x in 0..<width {
      for channel in 0..<3 {
        let level: Int = x * 37 + y * 11 + (x * y) % 7 * 29 + channel * 71
        pixels.append(UInt8(level % 256))
      }
    }
  }
  return Image(width: width, height: height, pixels: pixels)
}

/// data/imagenet of the folder that ADJOINT_SHARED names, or else of "shared" beside the package; nil when it is absent.
let photos: URL? = {
  let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()
  let shared = ProcessInfo.processInfo.environment["ADJOINT_SHARED"].map { URL(fileURLWithPath: $0) }
  let directory = (shared ?? package.deletingLastPathComponent().appendingPathComponent("shared"))
    .appendingPathComponent("data/imagenet")
  return FileManager.default.fileExists(atPath: directory.path) ? directory : nil
}()
